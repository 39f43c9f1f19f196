"""A server of the SDK that offers all the conformance suite asks for, over stdio (or HTTP: `--http PORT`).

It asks its client (sampling, elicitation) through the SDK's resolvers, so a tool works in either era. `--legacy`: it
knows the handshake alone, as servers of 2025 do.
"""

import asyncio
import base64
import json
import sys
from pathlib import Path
from typing import Annotated, Any

from mcp.server import ServerRequestContext, runner
from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, MCPServer, RequestStateSecurity
from mcp.server.mcpserver.prompts.base import Prompt, UserMessage
from mcp.server.mcpserver.resolve import Elicit, Resolve, Sample
from mcp.shared.exceptions import MCPError
from mcp.types import (
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    AudioContent,
    Completion,
    CompletionArgument,
    CompletionContext,
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    EmbeddedResource,
    EmptyResult,
    ImageContent,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    PromptReference,
    ResourceTemplateReference,
    SamplingMessage,
    SetLevelRequestParams,
    SubscribeRequestParams,
    TextContent,
    TextResourceContents,
    UnsubscribeRequestParams,
)
from pydantic import BaseModel, Field

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA="
STEP_S = 0.05

server = MCPServer(
    name="everything",
    version="1.0.0",
    request_state_security=RequestStateSecurity(keys=[b"a key of the fixture, which seals what it hands out"]),
)


def text_of(words: str) -> TextContent:
    return TextContent(type="text", text=words)


def resource_of(uri: str, words: str, *, mime_type: str = "text/plain") -> EmbeddedResource:
    return EmbeddedResource(type="resource", resource=TextResourceContents(uri=uri, mime_type=mime_type, text=words))


def image() -> ImageContent:
    return ImageContent(type="image", data=PNG, mime_type="image/png")


def form(message: str, **properties: dict[str, Any]) -> ElicitRequest:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def ask_name(message: str = "What is your name?") -> ElicitRequest:
    return form(message, name={"type": "string"})


def ask_ok() -> ElicitRequest:
    return form("Please confirm", ok={"type": "boolean"})


def ask_model(words: str) -> CreateMessageRequest:
    message = SamplingMessage(role="user", content=text_of(words))
    return CreateMessageRequest(params=CreateMessageRequestParams(messages=[message], max_tokens=100))


def content_of(answer: object, name: str) -> str:
    return str((answer.content or {}).get(name, "?")) if isinstance(answer, ElicitResult) else "?"


@server.tool()
def test_simple_text() -> str:
    """A simple text."""
    return "This is a simple text response for testing."


@server.tool()
def test_image_content() -> list[ImageContent]:
    """An image."""
    return [image()]


@server.tool()
def test_audio_content() -> list[AudioContent]:
    """A sound."""
    return [AudioContent(type="audio", data=WAV, mime_type="audio/wav")]


@server.tool()
def test_embedded_resource() -> list[EmbeddedResource]:
    """A resource in the answer."""
    return [resource_of("test://embedded-resource", "This is an embedded resource content.")]


@server.tool()
def test_multiple_content_types() -> list[TextContent | ImageContent | EmbeddedResource]:
    """Text, an image and a resource."""
    data = resource_of("test://mixed-content-resource", '{"test": "data", "value": 123}', mime_type="application/json")
    return [text_of("Multiple content types test:"), image(), data]


@server.tool()
async def test_tool_with_logging(ctx: Context) -> str:
    """Three log messages on the way."""
    for what in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(what)
        await asyncio.sleep(STEP_S)
    return "Tool with logging executed successfully"


@server.tool()
async def test_logging_tool(ctx: Context) -> str:
    """A log message, for those who want one."""
    await ctx.info("at work")
    return "done"


@server.tool()
async def test_tool_with_progress(ctx: Context) -> str:
    """Three steps of progress on the way."""
    for step in (0, 50, 100):
        await ctx.report_progress(progress=step, total=100, message=f"Completed step {step} of 100")
        await asyncio.sleep(STEP_S)
    meta = ctx.request_context.meta or {}
    return str(meta.get("progress_token", 0))


def sample_words(prompt: str) -> Sample:
    return Sample([SamplingMessage(role="user", content=text_of(prompt))], max_tokens=100)


@server.tool()
async def test_sampling(prompt: str, said: Annotated[CreateMessageResult, Resolve(sample_words)]) -> str:
    """Asks the client's model."""
    return f"LLM response: {said.content.text if said.content.type == 'text' else 'No response'}"


class UserResponse(BaseModel):
    response: str = Field(description="User's response")


def elicit_words(message: str) -> Elicit[UserResponse]:
    return Elicit(message, UserResponse)


def outcome_of(result: Any) -> str:
    content = result.data.model_dump_json() if result.action == "accept" else "{}"
    return f"action={result.action}, content={content}"


@server.tool()
async def test_elicitation(
    message: str, result: Annotated[ElicitationResult[UserResponse], Resolve(elicit_words)]
) -> str:
    """Asks the user."""
    return f"User response: {outcome_of(result)}"


def elicit_answer() -> Elicit[UserResponse]:
    return Elicit("Please answer", UserResponse)


@server.tool()
async def test_streaming_elicitation(
    result: Annotated[ElicitationResult[UserResponse], Resolve(elicit_answer)], ctx: Context
) -> str:
    """Asks the user, and goes on."""
    await ctx.report_progress(progress=1, total=1)
    return outcome_of(result)


class Defaults(BaseModel):
    name: str = Field(default="John Doe", description="User name")
    age: int = Field(default=30, description="User age")
    score: float = Field(default=95.5, description="User score")
    status: str = Field(
        default="active", description="User status", json_schema_extra={"enum": ["active", "inactive", "pending"]}
    )
    verified: bool = Field(default=True, description="Verification status")


def elicit_defaults() -> Elicit[Defaults]:
    return Elicit("Please provide user information", Defaults)


@server.tool()
async def test_elicitation_sep1034_defaults(
    result: Annotated[ElicitationResult[Defaults], Resolve(elicit_defaults)],
) -> str:
    """Asks the user, with a default for each type."""
    return f"Elicitation result: {outcome_of(result)}"


def titled(*pairs: tuple[str, str]) -> list[dict[str, str]]:
    return [{"const": const, "title": title} for const, title in pairs]


class Enums(BaseModel):
    untitledSingle: str = Field(  # noqa: N815 - the suite's names
        description="Without titles", json_schema_extra={"enum": ["active", "inactive", "pending"]}
    )
    titledSingle: str = Field(  # noqa: N815
        description="With titles",
        json_schema_extra={
            "oneOf": titled(("low", "Low Priority"), ("medium", "Medium Priority"), ("high", "High Priority"))
        },
    )
    untitledMulti: list[str] = Field(  # noqa: N815
        description="Several without titles",
        json_schema_extra={"items": {"type": "string", "enum": ["read", "write", "execute"]}},
    )
    titledMulti: list[str] = Field(  # noqa: N815
        description="Several with titles",
        json_schema_extra={
            "items": {"anyOf": titled(("feature", "New Feature"), ("bug", "Bug Fix"), ("docs", "Documentation"))}
        },
    )
    legacyEnum: str = Field(  # noqa: N815
        description="With enumNames",
        json_schema_extra={
            "enum": ["small", "medium", "large"],
            "enumNames": ["Small Size", "Medium Size", "Large Size"],
        },
    )


def elicit_enums() -> Elicit[Enums]:
    return Elicit("Please select values using different enum schema types", Enums)


@server.tool()
async def test_elicitation_sep1330_enums(result: Annotated[ElicitationResult[Enums], Resolve(elicit_enums)]) -> str:
    """Asks the user to choose, in each way a choice can be written."""
    return f"Elicitation completed: {outcome_of(result)}"


@server.tool()
async def hang(started: str, cancelled: str, until: str = "") -> str:
    """Answers once the file `until` is there; when it is cancelled it says so by a file."""
    Path(started).touch()  # noqa: ASYNC240 - a fixture
    try:
        while not (until and Path(until).exists()):  # noqa: ASYNC240, ASYNC110
            await asyncio.sleep(0.01)
    except asyncio.CancelledError:
        Path(cancelled).touch()  # noqa: ASYNC240
        raise
    return "at last"


@server.tool()
def test_error_handling() -> str:
    """Fails."""
    raise RuntimeError("This tool intentionally returns an error for testing")


@server.tool()
def test_x_mcp_header(
    region: Annotated[str, Field(description="Mirrored", json_schema_extra={"x-mcp-header": "Region"})] = "<none>",
) -> str:
    """An argument that stands in a header too."""
    return f"region={region}"


@server.tool()
async def test_missing_capability(ctx: Context) -> str:
    """Needs a client that samples."""
    capabilities = ctx.session.client_capabilities
    if capabilities is None or capabilities.sampling is None:
        raise MCPError(
            code=MISSING_REQUIRED_CLIENT_CAPABILITY,
            message="This tool requires the client 'sampling' capability",
            data={"requiredCapabilities": {"sampling": {}}},
        )
    return "Client declared sampling capability; proceeding."


@server.tool()
async def test_input_required_result_elicitation(ctx: Context) -> str | InputRequiredResult:
    """Asks the user, by an interim result."""
    answers = ctx.input_responses or {}
    if "user_name" not in answers:
        return InputRequiredResult(input_requests={"user_name": ask_name()})
    return f"Hello, {content_of(answers['user_name'], 'name')}!"


@server.tool()
async def test_input_required_result_sampling(ctx: Context) -> str | InputRequiredResult:
    """Asks the model, by an interim result."""
    answers = ctx.input_responses or {}
    if "capital_question" not in answers:
        return InputRequiredResult(input_requests={"capital_question": ask_model("What is the capital of France?")})
    said = answers["capital_question"]
    return f"Model said: {said.content.text if isinstance(said, CreateMessageResult) else '?'}"


@server.tool()
async def test_input_required_result_list_roots(ctx: Context) -> str | InputRequiredResult:
    """Asks for roots, by an interim result."""
    answers = ctx.input_responses or {}
    if "client_roots" not in answers:
        return InputRequiredResult(input_requests={"client_roots": ListRootsRequest()})
    found = answers["client_roots"]
    return f"Client exposed {len(found.roots) if isinstance(found, ListRootsResult) else 0} root(s)."


@server.tool()
async def test_input_required_result_request_state(ctx: Context) -> str | InputRequiredResult:
    """Its state goes to the client and comes back."""
    if "confirm" in (ctx.input_responses or {}) and ctx.request_state == "a word only we know":
        return "state-ok: confirmation received"
    return InputRequiredResult(input_requests={"confirm": ask_ok()}, request_state="a word only we know")


@server.tool()
async def test_input_required_result_multiple_inputs(ctx: Context) -> str | InputRequiredResult:
    """Asks the user, the model and for roots at once."""
    asked = {"user_name": ask_name(), "greeting": ask_model("Generate a greeting"), "client_roots": ListRootsRequest()}
    if asked.keys() <= (ctx.input_responses or {}).keys():
        return "All inputs received."
    return InputRequiredResult(input_requests=asked, request_state="several")


@server.tool()
async def test_input_required_result_multi_round(ctx: Context) -> str | InputRequiredResult:
    """Two questions, one after the other."""
    state = json.loads(ctx.request_state) if ctx.request_state else {"round": 0}
    answers = ctx.input_responses or {}
    if state["round"] == 1 and "step1" in answers:
        color = form("Step 2: What is your favorite color?", color={"type": "string"})
        told = {"round": 2, "name": content_of(answers["step1"], "name")}
        return InputRequiredResult(input_requests={"step2": color}, request_state=json.dumps(told))
    if state["round"] == 2 and "step2" in answers:
        return f"{state['name']} likes {content_of(answers['step2'], 'color')}."
    first = {"step1": ask_name("Step 1: What is your name?")}
    return InputRequiredResult(input_requests=first, request_state=json.dumps({"round": 1}))


@server.tool()
async def test_input_required_result_tampered_state(ctx: Context) -> str | InputRequiredResult:
    """A state that was changed is refused, by the SDK."""
    if ctx.request_state is None:
        return InputRequiredResult(input_requests={"confirm": ask_ok()}, request_state="round-1")
    return f"state-ok: {ctx.request_state}"


@server.tool()
async def test_input_required_result_capabilities(ctx: Context) -> InputRequiredResult:
    """Asks only what the client said it can answer."""
    able = ctx.client_capabilities
    asked: dict[str, InputRequest] = {}
    if able is None or able.sampling is not None:
        asked["sample"] = ask_model("Say hello")
    if able is None or able.elicitation is not None:
        asked["ask"] = ask_name()
    return InputRequiredResult(input_requests=asked, request_state="by capability")


SCHEMA_2020_12: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}


@server.tool(name="json_schema_2020_12_tool")
def json_schema_2020_12_tool() -> str:
    """Its schema uses the words of 2020-12."""
    return "json_schema_2020_12_tool"


server._tool_manager._tools["json_schema_2020_12_tool"].parameters = SCHEMA_2020_12


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


@server.prompt()
async def test_input_required_result_prompt(ctx: Context) -> list[UserMessage] | InputRequiredResult:
    """Asks the user before it is complete."""
    answers = ctx.input_responses or {}
    if "user_context" not in answers:
        asked = form("What context should the prompt use?", context={"type": "string"})
        return InputRequiredResult(input_requests={"user_context": asked})
    words = content_of(answers["user_context"], "context")
    return [UserMessage(role="user", content=text_of(f"Use the following context: {words}"))]


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


def main(arguments: list[str]) -> None:
    if "--legacy" in arguments:
        runner._has_modern_envelope = lambda params: False
    if "--http" in arguments:
        server.run("streamable-http", port=int(arguments[arguments.index("--http") + 1]))
    else:
        server.run()


if __name__ == "__main__":
    main(sys.argv[1:])
