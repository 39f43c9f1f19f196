"""Input a modern server needs, asked of a legacy client: each question goes to it as a request of its own."""

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import read_error, write_object
from bridge.engine.era import Members
from bridge.gateway.refusal import INTERNAL, Refusal
from bridge.gateway.request import Asker
from bridge.sources.connection import Ask


class _Question(Struct):
    method: str
    params: Raw = Raw(b"{}")


class _Needed(Struct, rename="camel"):
    input_requests: dict[str, _Question] = {}
    request_state: Raw = Raw()


_read_needed = msgspec.json.Decoder(_Needed).decode


async def answer_inputs(params: Members, body: bytes, *, asker: Asker) -> Members:
    """The params with which the request goes on. Raises Refusal when the client does not answer."""
    needed = _read_needed(body)
    responses: Members = {}
    for key, question in needed.input_requests.items():
        answer = await asker.answer(Ask(question.method, bytes(question.params)))
        if answer.is_error:
            told = read_error(answer.body).message
            raise Refusal(
                "input-refused", f"The client did not answer {question.method}: {told}", status=200, code=INTERNAL
            )
        responses[key] = Raw(answer.body)
    kept = {name: value for name, value in params.items() if name not in {"inputResponses", "requestState"}}
    if responses:
        kept["inputResponses"] = Raw(write_object(responses))
    if needed.request_state:
        kept["requestState"] = needed.request_state
    return kept
