"""Asks a model to put chosen evidence into words. What it says is a draft: `rag.engine.citation` decides what stays.

Three dialects, the best one first: the Responses API with a schema, chat completions with a schema, chat completions
with the schema in words. Which of them a server speaks is remembered for an hour.
"""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import openai
import pydantic
import structlog
from openai import OpenAI
from pydantic import BaseModel, ConfigDict

from mcp_saas.kit.metrics import note_tokens
from mcp_saas.kit.ttl_cache import TtlCache
from rag.engine.spend import MAX_ANSWER_TOKENS
from rag.sources.openai.connect import ModelAccess, TooLargeError, connect
from rag.sources.openai.errors import ModelError, UnsupportedError

log = structlog.get_logger(__name__)
LONGEST_WAIT_S = 3.0  # before the one repeat; who asks us to wait longer is not asked again
SHORTEST_WAIT_S = 0.2
MAX_SENTENCES, MAX_CITATIONS = 12, 8  # twice what is asked for; each is held against its evidence
MAX_NAME_CHARS = 100
MAX_TOKENS = 1_000_000  # more than any model reads
_IN_WORDS = "\nAnswer with one JSON object and nothing else, as in this JSON Schema: {schema}"
_NO_DIALECT = {400, 404, 405, 415, 422, 501}  # what servers say to an address or a field they do not know
_NO_MODEL = {"model_not_found", "invalid_api_key", "context_length_exceeded", "insufficient_quota"}


class DraftedCitation(BaseModel):
    model_config = ConfigDict(extra="forbid")
    evidence: str
    quote: str


class DraftedSentence(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str
    citations: list[DraftedCitation]


class DraftedAnswer(BaseModel):
    """What the model fills in."""

    model_config = ConfigDict(extra="forbid")
    sentences: list[DraftedSentence]


class Draft(NamedTuple):
    """`sentences`: text and its (evidence, quote). `tokens`: used in and out; None: the server does not tell."""

    sentences: list[tuple[str, list[tuple[str, str]]]]
    model: str
    tokens: int | None


class Spoken(NamedTuple):
    answer: DraftedAnswer
    reply: Any
    tokens: int | None


class Request(NamedTuple):
    model: str
    system: str
    user: str


Dialect = Callable[[OpenAI, Request], Spoken]
_dialects: TtlCache[str, int] = TtlCache(max_entries=1000, ttl_s=3600)


def draft_answer(access: ModelAccess, system: str, *, user: str, clock: Callable[[], float] = time.monotonic) -> Draft:
    """One call, and one more where the first met a passing fault and there is time for it. Raises ModelError."""
    ends_at_s, request = clock() + access.budget_s, Request(access.model, system, user)
    with connect(access, clock=clock) as client:
        try:
            spoken = _speak(client, access, request=request)
        except ModelError as error:
            wait_s = _find_wait(error)
            if wait_s is None or clock() + wait_s >= ends_at_s:
                raise
            threading.Event().wait(wait_s)
            spoken = _speak(client, access, request=request)
    sentences = [
        (one.text, [(cited.evidence, cited.quote) for cited in one.citations[:MAX_CITATIONS]])
        for one in spoken.answer.sentences[:MAX_SENTENCES]
    ]
    note_tokens(spoken.tokens or 0)
    log.info("model_answered", model=access.model, request_id=_id_of(spoken.reply), tokens=spoken.tokens)
    return Draft(sentences, _name_model(spoken.reply, access), spoken.tokens)


def _count_tokens(usage: Any) -> int | None:
    """In and out; None where it is not told, or is no number that could be one."""
    told = usage.total_tokens if usage else None
    return told if isinstance(told, int) and 0 <= told <= MAX_TOKENS else None


def _name_model(reply: Any, access: ModelAccess) -> str:
    """As the other side says it is called, where that can be shown."""
    said = str(getattr(reply, "model", None) or "")
    return said if said.isascii() and said.isprintable() and 0 < len(said) <= MAX_NAME_CHARS else access.model


def forget_dialects() -> None:
    """As after an hour."""
    _dialects.clear()


def _speak(client: OpenAI, access: ModelAccess, *, request: Request) -> Spoken:
    """In the first dialect that the server understands, from the one it spoke last on."""
    known = _dialects.find(access.base_url) or 0
    for number, dialect in enumerate(DIALECTS[known:], start=known):
        try:
            spoken = _translate(lambda dialect=dialect: dialect(client, request))  # type: ignore[misc]
        except UnsupportedError:
            continue
        _dialects.keep(access.base_url, number)
        return spoken
    _dialects.forget(access.base_url)
    raise ModelError("not_understood", "the server speaks no dialect of ours")


def _ask_responses(client: OpenAI, request: Request) -> Spoken:
    reply = client.responses.parse(
        model=request.model,
        instructions=request.system,
        input=request.user,
        text_format=DraftedAnswer,
        max_output_tokens=MAX_ANSWER_TOKENS,
        store=False,
    )
    refusals = [
        part for item in reply.output if item.type == "message" for part in item.content if part.type == "refusal"
    ]
    if refusals:
        raise ModelError("refused", request_id=_id_of(reply))
    if reply.output_parsed is None:
        raise ModelError("not_understood", "no answer in it", request_id=_id_of(reply))
    return Spoken(reply.output_parsed, reply, _count_tokens(reply.usage))


def _ask_chat(client: OpenAI, request: Request) -> Spoken:
    reply = client.chat.completions.parse(
        model=request.model,
        messages=_messages(request.system, request.user),
        response_format=DraftedAnswer,
        max_tokens=MAX_ANSWER_TOKENS,
    )
    message = reply.choices[0].message
    if message.refusal:
        raise ModelError("refused", request_id=_id_of(reply))
    if message.parsed is None:
        raise ModelError("not_understood", "no answer in it", request_id=_id_of(reply))
    return Spoken(message.parsed, reply, _count_tokens(reply.usage))


def _ask_plain_chat(client: OpenAI, request: Request) -> Spoken:
    words = _IN_WORDS.format(schema=DraftedAnswer.model_json_schema())
    reply = client.chat.completions.create(
        model=request.model, messages=_messages(request.system + words, request.user), max_tokens=MAX_ANSWER_TOKENS
    )
    text = (reply.choices[0].message.content or "").strip().removeprefix("```json").strip("`\n ")
    return Spoken(DraftedAnswer.model_validate_json(text), reply, _count_tokens(reply.usage))


DIALECTS: Sequence[Dialect] = (_ask_responses, _ask_chat, _ask_plain_chat)


def _messages(system: str, user: str) -> list[Any]:
    return [{"role": "system", "content": system}, {"role": "user", "content": user}]


def _translate(ask: Callable[[], Spoken]) -> Spoken:
    """The SDK's errors in our words. What is no answer of the protocol at all makes it stumble in many ways."""
    try:
        return ask()
    except ModelError:
        raise
    except openai.APIStatusError as error:
        raise _translate_status(error) from None
    except openai.APITimeoutError:
        raise ModelError("too_slow") from None
    except openai.APIConnectionError as error:
        raise _translate_connection(error) from None
    except (openai.OpenAIError, pydantic.ValidationError) as error:
        raise ModelError("not_understood", type(error).__name__) from None
    except Exception as error:  # noqa: BLE001 - nested a thousandfold it is a RecursionError, and what else is there
        raise ModelError("not_understood", type(error).__name__) from None


def _translate_status(error: openai.APIStatusError) -> Exception:
    code = str(error.code or "")
    if error.status_code in _NO_DIALECT and code not in _NO_MODEL:
        return UnsupportedError()
    if error.status_code == 429 and code != "insufficient_quota":
        refused = ModelError("too_many_requests", request_id=error.request_id)
        refused.retry_after_s = _read_wait(error)
        return refused
    if error.status_code in {408, 409} or error.status_code >= 500:
        return ModelError("away", f"status {error.status_code}", request_id=error.request_id)
    return ModelError("not_allowed", f"status {error.status_code} {code}", request_id=error.request_id)


def _translate_connection(error: openai.APIConnectionError) -> ModelError:
    if isinstance(error.__cause__, TooLargeError):
        return ModelError("not_understood", "larger than any answer")
    cause = type(error.__cause__).__name__
    return ModelError("too_slow" if "Timeout" in cause else "away", cause)


def _read_wait(error: openai.APIStatusError) -> float:
    """Seconds, as `retry-after-ms` or `retry-after` says."""
    headers = error.response.headers
    try:
        return float(headers["retry-after-ms"]) / 1000 if "retry-after-ms" in headers else float(headers["retry-after"])
    except (KeyError, ValueError):
        return SHORTEST_WAIT_S


def _find_wait(error: ModelError) -> float | None:
    """Before asking again; None: asking again is no use."""
    if error.fault not in {"away", "too_many_requests"}:
        return None
    wait_s = max(error.retry_after_s, SHORTEST_WAIT_S)
    return wait_s if wait_s <= LONGEST_WAIT_S else None


def _id_of(reply: Any) -> str | None:
    return getattr(reply, "_request_id", None)
