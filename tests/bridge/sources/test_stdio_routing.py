"""What a child says to those who called it: progress, questions, news."""

import asyncio
import json

import pytest
from msgspec.structs import replace

from bridge.engine import envelope
from bridge.engine.server import Pool
from bridge.sources.connection import Answer, Connection, Notice, RequestTimeout
from tests.bridge.sources.stage import Caller, call, call_text, make_server, opened, run, until

ERAS = pytest.mark.parametrize("era", ["modern", "legacy"])
SAMPLED = Answer(b'{"role":"assistant","content":{"type":"text","text":"42"},"n":1.50}')


@ERAS
def test_progress_reaches_the_caller_under_its_own_token(era: str) -> None:
    """Two callers with the same token never see each other's."""

    async def scenario() -> None:
        first, second = Caller(), Caller()
        async with opened(make_server("faulty.py", "--era", era)) as connection:
            params = {"_meta": {"progressToken": "mine", "other": 1}}
            tokens = await asyncio.gather(
                call_text(connection, "progress", {"steps": 2}, inbox=first, params=params),
                call_text(connection, "progress", {"steps": 3}, inbox=second, params=params),
            )
        assert [len(first.notices), len(second.notices)] == [2, 3]
        assert first.notices[1].method == "notifications/progress"
        assert json.loads(first.notices[1].params) == {"progressToken": "mine", "progress": 1, "extra": 1.5}
        assert len(set(tokens)) == 2, "the child sees tokens of ours"

    run(scenario)


def test_progress_nobody_asked_for_is_told_to_nobody() -> None:
    async def scenario() -> None:
        heard: list[Notice] = []
        caller = Caller()
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            connection.listen(heard.append)
            forged = {"method": "notifications/progress", "params": {"progressToken": 3, "progress": 1}}
            assert await call_text(connection, "tell", forged, inbox=caller) == "told"
        assert heard == caller.notices == []

    run(scenario)


def test_an_escaped_token_is_a_token_too() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            params = rb'{"name":"progress","arguments":{"steps":0},"\u005fmeta":{"progress\u0054oken":7}}'
            answer = await connection.request("tools/call", params, timeout_s=60)
            assert b'"7"' not in answer.body

    run(scenario)


@pytest.mark.parametrize("method", ['tools/call","x":"', 'ping"}\n{"jsonrpc":"2.0","id":9,"method":"tools/call'])
def test_a_method_stays_a_word_in_a_line_of_its_own(method: str) -> None:
    async def scenario() -> None:
        async with opened(make_server("fast_echo.py")) as connection:
            params = b'{"name":"echo","arguments":{"text":"hidden"}}'
            told = await connection.request(method, params, timeout_s=60)
            assert (told.is_error, json.loads(told.body)["message"]) == (True, f"unknown method {method}")
            connection.notify(method, params)
            assert await call_text(connection, "echo", {"text": "seen"}) == "seen"

    run(scenario)


def test_a_modern_request_gets_the_envelope_it_lacks_and_keeps_what_it_has() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py")) as connection:
            own = {"io.modelcontextprotocol/clientCapabilities": {"sampling": {}}, "x": 1}
            meta = json.loads(await call_text(connection, "meta", params={"_meta": own}))
        assert meta["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
        assert meta["io.modelcontextprotocol/clientInfo"]["name"] == "dazbox"
        assert {name: meta[name] for name in own} == own

    run(scenario)


def test_a_request_of_the_older_era_goes_out_as_it_came() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            assert await call_text(connection, "meta") == "{}"

    run(scenario)


@pytest.mark.parametrize("method", ["sampling/createMessage", "elicitation/create", "roots/list"])
def test_a_question_of_an_older_server_is_answered_by_the_caller_it_belongs_to(method: str) -> None:
    async def scenario() -> None:
        caller = Caller(SAMPLED)
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            asked = {"method": method, "params": {"maxTokens": 1.0}}
            text = await call_text(connection, "ask", asked, inbox=caller)
        assert json.loads(text) == json.loads(SAMPLED.body)
        assert [(ask.method, ask.params) for ask in caller.asks] == [(method, b'{"maxTokens": 1.0}')]

    run(scenario)


def test_an_error_for_an_answer_reaches_the_server() -> None:
    async def scenario() -> None:
        caller = Caller(Answer(envelope.make_error(-1, "the user said no"), is_error=True))
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            text = await call_text(connection, "ask", {"method": "elicitation/create"}, inbox=caller)
        assert json.loads(text) == {"code": -1, "message": "the user said no"}

    run(scenario)


def test_a_question_that_may_be_a_strangers_is_shown_to_no_one() -> None:
    """Two calls are under way: nobody can say whose user is asked."""

    async def scenario() -> None:
        caller = Caller(SAMPLED)
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            stranger = asyncio.ensure_future(call(connection, "hang"))
            await until(lambda: connection.in_flight == 1)
            text = await call_text(connection, "ask", {"method": "elicitation/create"}, inbox=caller)
            assert await call_text(connection, "release") == "1"
            await stranger
        assert json.loads(text)["code"] == envelope.INVALID_REQUEST
        assert caller.asks == []

    run(scenario)


@ERAS
def test_a_ping_is_answered_by_us_and_a_modern_server_may_not_ask(era: str) -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--era", era)) as connection:
            assert await call_text(connection, "ask", {"method": "ping"}) == "{}"
            refused = json.loads(await call_text(connection, "ask", {"method": "roots/list"}, inbox=Caller(SAMPLED)))
        assert refused.get("code") == (envelope.METHOD_NOT_FOUND if era == "modern" else None)

    run(scenario)


def test_a_question_ends_with_its_call_or_when_it_is_taken_back() -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            caller = Caller()
            text = await call_text(connection, "ask_in_vain", {"method": "elicitation/create"}, inbox=caller)
            assert "withdrawn" in json.loads(text)["message"]
            task = asyncio.ensure_future(call(connection, "ask", {"method": "elicitation/create"}, inbox=caller))
            await until(lambda: len(caller.asks) == 1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await call_text(connection, "echo", {"text": "and on"}) == "and on"

    run(scenario)


async def hear(connection: Connection, method: str, params: dict[str, object]) -> list[Notice]:
    heard: list[Notice] = []
    stop = connection.listen(heard.append)
    assert await call_text(connection, "tell", {"method": method, "params": params}) == "told"
    stop()
    assert await call_text(connection, "tell", {"method": method, "params": params}) == "told"
    return heard


@ERAS
def test_news_that_belong_to_no_request_go_to_those_who_listen(era: str) -> None:
    async def scenario() -> None:
        async with opened(make_server("faulty.py", "--era", era)) as connection:
            heard = await hear(connection, "notifications/tools/list_changed", {"a": 1})
        assert heard == [Notice("notifications/tools/list_changed", b'{"a": 1}')]

    run(scenario)


def test_a_log_message_goes_to_the_only_call_it_can_be_of() -> None:
    async def scenario() -> None:
        caller = Caller()
        message = {"method": "notifications/message", "params": {"level": "info", "data": "x"}}
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            await call(connection, "tell", message, inbox=caller)
            heard = await hear(connection, message["method"], message["params"])  # type: ignore[arg-type]
        assert [notice.method for notice in caller.notices] == ["notifications/message"]
        assert len(heard) == 1

    run(scenario)


@pytest.mark.parametrize("how", ["too late", "cancelled"])
def test_a_question_after_a_call_that_was_left_unanswered_is_shown_to_no_one_until_its_answer_came(how: str) -> None:
    """It may be that call's, whose caller was another."""

    async def scenario() -> None:
        caller, asked = Caller(SAMPLED), {"method": "elicitation/create"}
        async with opened(make_server("faulty.py", "--era", "legacy")) as connection:
            await leave_hanging(connection, how)
            refused = json.loads(await call_text(connection, "ask", asked, inbox=caller))
            assert (refused["code"], caller.asks) == (envelope.INVALID_REQUEST, [])
            assert await call_text(connection, "release") == "1"
            assert json.loads(await call_text(connection, "ask", asked, inbox=caller)) == json.loads(SAMPLED.body)

    run(scenario)


def test_on_a_connection_of_one_session_a_question_is_its_own_whatever_went_before() -> None:
    async def scenario() -> None:
        caller = Caller(SAMPLED)
        server = replace(make_server("faulty.py", "--era", "legacy"), pool=Pool("per_session"))
        async with opened(server) as connection:
            await leave_hanging(connection, "too late")
            asked = await call_text(connection, "ask", {"method": "elicitation/create"}, inbox=caller)
            assert json.loads(asked) == json.loads(SAMPLED.body)

    run(scenario)


async def leave_hanging(connection: Connection, how: str) -> None:
    """A call that the child goes on working at, and nobody waits for."""
    if how == "too late":
        with pytest.raises(RequestTimeout):
            await call(connection, "hang", timeout_s=0.05)
    else:
        hanging = asyncio.ensure_future(call(connection, "hang"))
        await until(lambda: connection.in_flight == 1)
        await call_text(connection, "echo", {"text": "it was read"})
        hanging.cancel()
        await asyncio.wait([hanging])
