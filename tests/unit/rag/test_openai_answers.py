"""A model is asked in the dialect its server speaks, and each way of failing ends in time, in our words."""

import time
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from rag.sources.openai.answers import draft_answer
from rag.sources.openai.connect import ModelAccess
from rag.sources.openai.errors import ModelError
from tests.fakes.openai_server import (
    FAILURES,
    KEY,
    MODEL,
    PATIENCE_S,
    Asked,
    OpenAIServer,
    Said,
    answer_of,
    fail,
    refuse,
    say,
)

SENTENCES = [("The fee goes up.", [("E1", "the fee")])]
TEXT = answer_of(SENTENCES)
FAULTS = {
    "429 with Retry-After": "too_many_requests",
    "500": "away",
    "hang": "too_slow",
    "truncated JSON": "not_understood",
    "wrong schema": "not_understood",
    "HTML": "not_understood",
    "empty choices": "not_understood",
    "refusal": "refused",
    "slow drip": "too_slow",
    "deep": "not_understood",
    "large": "not_understood",
    "packed": "not_understood",
}


def ask(access: ModelAccess) -> Any:
    return draft_answer(access, "the rules", user="the evidence")


def test_the_responses_api_is_asked_with_a_schema_and_told_to_keep_nothing(
    server: OpenAIServer, access: ModelAccess
) -> None:
    server.script = lambda asked: say(asked, TEXT, tokens=150)
    draft = ask(access)
    assert (draft.sentences, draft.model, draft.tokens) == (SENTENCES, MODEL, 150)
    [asked] = server.asked
    assert asked.path == "/v1/responses"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.body["text"]["format"]["type"] == "json_schema"
    assert asked.body["store"] is False
    assert "tools" not in asked.body
    assert (asked.body["instructions"], asked.body["input"]) == ("the rules", "the evidence")


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_server_without_responses_is_asked_by_chat_and_that_is_remembered(
    server: OpenAIServer, access: ModelAccess, status: int
) -> None:
    def script(asked: Asked) -> Said:
        return refuse(status, "unknown") if asked.path.endswith("/responses") else say(asked, TEXT)

    server.script = script
    assert ask(access).sentences == SENTENCES
    assert ask(access).sentences == SENTENCES
    paths = [asked.path for asked in server.asked]
    assert paths == ["/v1/responses", "/v1/chat/completions", "/v1/chat/completions"]
    assert server.asked[1].body["response_format"]["type"] == "json_schema"


def test_a_server_without_schemas_is_told_the_schema_in_words(server: OpenAIServer, access: ModelAccess) -> None:
    def script(asked: Asked) -> Said:
        is_plain = asked.path.endswith("/chat/completions") and "response_format" not in asked.body
        return say(asked, f"```json\n{TEXT}\n```") if is_plain else refuse(400, "unsupported")

    server.script = script
    assert ask(access).sentences == SENTENCES
    assert "JSON Schema" in server.asked[-1].body["messages"][0]["content"]
    assert len(server.asked) == 3


def test_a_server_that_speaks_no_dialect_is_not_understood(server: OpenAIServer, access: ModelAccess) -> None:
    server.script = lambda _: refuse(404, "nothing here")
    with pytest.raises(ModelError) as raised:
        ask(access)
    assert raised.value.fault == "not_understood"


@pytest.mark.fault
@pytest.mark.parametrize("kind", FAILURES)
def test_each_failure_ends_within_the_budget(server: OpenAIServer, access: ModelAccess, kind: str) -> None:
    server.script = fail(kind, server.over)
    began_at = time.monotonic()
    given = msgspec.structs.replace(access, timeout_s=0.5, budget_s=1.0) if FAULTS[kind] == "too_slow" else access
    with pytest.raises(ModelError) as raised:
        ask(given)
    assert raised.value.fault == FAULTS[kind]
    assert time.monotonic() - began_at < PATIENCE_S  # which is how long it hangs
    assert TEXT not in str(raised.value)


@pytest.mark.fault
def test_nobody_at_the_address_is_away(access: ModelAccess) -> None:
    with pytest.raises(ModelError) as raised:
        ask(msgspec.structs.replace(access, base_url="http://127.0.0.1:9/v1"))
    assert raised.value.fault == "away"
    assert not raised.value.may_have_cost


@pytest.mark.parametrize(
    "first", [refuse(500, "oops"), refuse(429, "wait", code="rate_limit_exceeded", retry_after="0")]
)
def test_a_passing_fault_is_tried_once_more(server: OpenAIServer, access: ModelAccess, first: Said) -> None:
    said = [first]
    server.script = lambda asked: said.pop() if said else say(asked, TEXT)
    assert ask(access).sentences == SENTENCES
    assert len(server.asked) == 2


def test_who_asks_us_to_wait_long_is_not_asked_again(server: OpenAIServer, access: ModelAccess) -> None:
    server.script = fail("429 with Retry-After", server.over)
    with pytest.raises(ModelError):
        ask(access)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(401, "invalid_api_key"), (403, None), (404, "model_not_found"), (429, "insufficient_quota")]
)
def test_what_only_the_owner_can_mend_is_not_tried_again(
    server: OpenAIServer, access: ModelAccess, status: int, code: str | None
) -> None:
    server.script = lambda _: refuse(status, "no", code=code)
    with pytest.raises(ModelError) as raised:
        ask(access)
    assert (raised.value.fault, raised.value.is_passing) == ("not_allowed", False)
    assert len(server.asked) == 1


def test_the_key_is_in_no_representation(access: ModelAccess) -> None:
    assert KEY not in repr(access)


def test_a_redirect_is_not_followed(server: OpenAIServer, access: ModelAccess) -> None:
    server.script = lambda _: replace(refuse(307, "elsewhere"), headers={"Location": "http://127.0.0.1:9/steal"})
    with pytest.raises(ModelError):
        ask(access)
    assert {asked.path for asked in server.asked} == {"/v1/responses"}
