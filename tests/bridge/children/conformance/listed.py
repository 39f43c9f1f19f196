"""Resources, prompts and completion, and the tools that change what is listed and say so."""

import base64
import json

from mcp.server import ServerRequestContext
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp.types import (
    Completion,
    CompletionArgument,
    CompletionContext,
    EmptyResult,
    PromptReference,
    ResourceTemplateReference,
    SetLevelRequestParams,
    SubscribeRequestParams,
    UnsubscribeRequestParams,
)

from tests.bridge.children.conformance.server import PNG, image, resource_of, server, text_of


def dynamic() -> str:
    """Comes and goes."""
    return "dynamic"


@server.tool()
async def test_trigger_tool_change(ctx: Context) -> str:
    """Changes the list of tools, and says so."""
    server.add_tool(dynamic, name="test_dynamic_tool")
    server.remove_tool("test_dynamic_tool")
    if ctx.protocol_version == "2026-07-28":
        await ctx.notify_tools_changed()
    else:
        await ctx.session.send_tool_list_changed()
    return "tool list changed"


@server.tool()
async def test_trigger_prompt_change(ctx: Context) -> str:
    """Changes the list of prompts, and says so."""
    server.add_prompt(Prompt.from_function(dynamic, name="test_dynamic_prompt", description="dynamic"))
    server.remove_prompt("test_dynamic_prompt")
    if ctx.protocol_version == "2026-07-28":
        await ctx.notify_prompts_changed()
    else:
        await ctx.session.send_prompt_list_changed()
    return "prompt list changed"


@server.tool()
async def touch_watched_resource(ctx: Context) -> str:
    """Says that the watched resource changed."""
    if ctx.protocol_version == "2026-07-28":
        await ctx.notify_resource_updated("test://watched-resource")
    else:
        await ctx.session.send_resource_updated("test://watched-resource")
    return "touched"


@server.resource("test://static-text")
def static_text() -> str:
    """A text."""
    return "This is the content of the static text resource."


@server.resource("test://static-binary")
def static_binary() -> bytes:
    """An image."""
    return base64.b64decode(PNG)


@server.resource("test://template/{id}/data")
def template(id: str) -> str:
    """A resource for each id."""
    return json.dumps({"id": id, "templateTest": True, "data": f"Data for ID: {id}"})


@server.resource("test://watched-resource")
def watched() -> str:
    """May be subscribed to."""
    return "Watched resource content"


@server.prompt()
def test_simple_prompt() -> list[UserMessage]:
    """Without arguments."""
    return [UserMessage(role="user", content=text_of("This is a simple prompt for testing."))]


@server.prompt()
def test_prompt_with_arguments(arg1: str, arg2: str) -> list[UserMessage]:
    """With two arguments."""
    return [UserMessage(role="user", content=text_of(f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"))]


@server.prompt()
def test_prompt_with_embedded_resource(resourceUri: str) -> list[UserMessage]:  # noqa: N803 - the suite's name
    """With a resource."""
    held = resource_of(resourceUri, "Embedded resource content for testing.")
    return [
        UserMessage(role="user", content=held),
        UserMessage(role="user", content=text_of("Please process the embedded resource above.")),
    ]


@server.prompt()
def test_prompt_with_image() -> list[UserMessage]:
    """With an image."""
    return [
        UserMessage(role="user", content=image()),
        UserMessage(role="user", content=text_of("Please analyze the image above.")),
    ]


async def set_level(ctx: ServerRequestContext, params: SetLevelRequestParams) -> EmptyResult:
    return EmptyResult()


async def subscribe(ctx: ServerRequestContext, params: SubscribeRequestParams) -> EmptyResult:
    return EmptyResult()


async def unsubscribe(ctx: ServerRequestContext, params: UnsubscribeRequestParams) -> EmptyResult:
    return EmptyResult()


low = server._lowlevel_server
low.add_request_handler("logging/setLevel", SetLevelRequestParams, set_level)
low.add_request_handler("resources/subscribe", SubscribeRequestParams, subscribe)
low.add_request_handler("resources/unsubscribe", UnsubscribeRequestParams, unsubscribe)


@server.completion()
async def complete(
    ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument, context: CompletionContext | None
) -> Completion:
    words = [word for word in ("alpha", "beta") if word.startswith(argument.value)]
    return Completion(values=words, total=len(words), has_more=False)
