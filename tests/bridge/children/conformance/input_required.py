"""What asks its client by an interim result, as the newer era has it: state goes out and comes back."""

import json
from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
)

from tests.bridge.children.conformance.server import server, text_of


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


@server.prompt()
async def test_input_required_result_prompt(ctx: Context) -> list[UserMessage] | InputRequiredResult:
    """Asks the user before it is complete."""
    answers = ctx.input_responses or {}
    if "user_context" not in answers:
        asked = form("What context should the prompt use?", context={"type": "string"})
        return InputRequiredResult(input_requests={"user_context": asked})
    words = content_of(answers["user_context"], "context")
    return [UserMessage(role="user", content=text_of(f"Use the following context: {words}"))]
