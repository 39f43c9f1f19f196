"""A question of a server behind HTTP that names no call is put to nobody but the one it surely is for."""

import asyncio
import json

import pytest

from bridge.engine.server import Http, Pool, Server
from bridge.sources.asks import NO_CALLER
from bridge.sources.connection import Answer, Connection, RequestTimeout
from tests.bridge.sources.stage import Caller, Log, call, call_text, opened, run, until
from tests.fakes.mcp_http_server import McpHttpServer, serving

ACCEPTED = Answer(b'{"action":"accept","content":{}}')


def at(fake: McpHttpServer, pool: Pool | None = None) -> Server:
    return Server("fake", Http(fake.url, is_trusted=True), pool=pool or Pool())


def asking() -> McpHttpServer:
    return McpHttpServer("legacy", has_stream=True)


async def ask(connection: Connection, caller: Caller) -> object:
    """What the server was answered."""
    told = json.loads(await call_text(connection, "ask", inbox=caller))
    return told.get("result", told.get("error", {}).get("message"))


async def leave_hanging(connection: Connection) -> None:
    with pytest.raises(RequestTimeout):
        await call(connection, "hang", timeout_s=0.2)


def test_it_is_put_to_the_only_call_under_way() -> None:
    async def scenario() -> None:
        async with serving(asking()) as fake, opened(at(fake)) as connection:
            assert await ask(connection, Caller(ACCEPTED)) == json.loads(ACCEPTED.body)

    run(scenario)


def test_of_two_calls_it_is_put_to_neither() -> None:
    async def scenario() -> None:
        async with serving(asking()) as fake, opened(at(fake)) as connection:
            other, caller = Caller(ACCEPTED), Caller(ACCEPTED)
            hanging = asyncio.ensure_future(call(connection, "hang", inbox=other))
            await until(lambda: len(fake.calls("tools/call")) == 1)
            assert await ask(connection, caller) == NO_CALLER
            assert other.asks == caller.asks == []
            hanging.cancel()
            await asyncio.wait([hanging])

    run(scenario)


def test_after_a_call_that_was_left_unanswered_it_is_put_to_no_one_until_there_is_a_new_session() -> None:
    """The server may still be at work for that one, whose caller was another."""

    async def scenario() -> None:
        log, caller = Log(), Caller(ACCEPTED)
        async with serving(asking()) as fake, opened(at(fake), log=log) as connection:
            await leave_hanging(connection)
            assert (await ask(connection, caller), caller.asks) == (NO_CALLER, [])
            assert any("elicitation/create" in line for line in log.of("protocol"))
            fake.session = 2
            await call_text(connection, "headers")
            assert await ask(connection, caller) == json.loads(ACCEPTED.body)

    run(scenario)


def test_on_a_connection_of_one_session_it_is_its_own_whatever_went_before() -> None:
    async def scenario() -> None:
        async with serving(asking()) as fake, opened(at(fake, Pool("per_session"))) as connection:
            await leave_hanging(connection)
            assert await ask(connection, Caller(ACCEPTED)) == json.loads(ACCEPTED.body)

    run(scenario)
