"""Servers of the official SDK, over both carriers and in both eras, behave alike behind a connection of ours."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.engine.server import Http, Server, Stdio
from bridge.sources.connection import Answer, Notice
from bridge.sources.handshake import Face, Patience
from tests.bridge.sources.stage import CHILDREN, Caller, call, call_text, opened, run

SCRIPT = str(CHILDREN / "sdk_server.py")
PATIENT = Patience(start_s=100, silence_s=60)  # it takes seconds to start where others run
ERAS = pytest.mark.parametrize("face", [Face(), Face(known="legacy")], ids=["modern", "legacy"])


@contextmanager
def serving(transport: str) -> Iterator[str]:
    with subprocess.Popen([sys.executable, SCRIPT, transport], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving("http") as url:
        yield url


@pytest.fixture(scope="module")
def sse_url() -> Iterator[str]:
    with serving("sse") as url:
        yield url


@pytest.fixture(params=["stdio", "http"])
def server(request: pytest.FixtureRequest) -> Server:
    if request.param == "stdio":
        return Server("sdk", Stdio(sys.executable, (SCRIPT,)))
    return Server("sdk", Http(request.getfixturevalue("url"), is_trusted=True))


@pytest.fixture(params=["stdio", "http", "sse", "sse, found out"])
def older(request: pytest.FixtureRequest) -> Server:
    """Of the handshake. `sse, found out`: nobody says that it takes no POST."""
    match request.param:
        case "sse":
            return Server("sdk", Http(request.getfixturevalue("sse_url"), is_trusted=True, transport="sse"))
        case "sse, found out":
            return Server("sdk", Http(request.getfixturevalue("sse_url"), is_trusted=True))
        case "http":
            return Server("sdk", Http(request.getfixturevalue("url"), is_trusted=True))
        case _:
            return Server("sdk", Stdio(sys.executable, (SCRIPT,)))


@ERAS
def test_a_tool_is_called_and_tells_its_progress(server: Server, face: Face) -> None:
    async def scenario() -> None:
        caller = Caller()
        async with opened(server, patience=PATIENT, face=face) as connection:
            assert connection.era == (face.known or "modern")
            assert await call_text(connection, "echo", {"text": "é\n"}) == "é\n"
            params = {"_meta": {"progressToken": "mine"}}
            assert await call_text(connection, "count", {"steps": 3}, params=params, inbox=caller) == "counted"
        told = [json.loads(notice.params) for notice in caller.notices if notice.method == "notifications/progress"]
        assert [(one["progressToken"], one["progress"]) for one in told] == [("mine", 1), ("mine", 2), ("mine", 3)]

    run(scenario)


@ERAS
def test_many_calls_at_once_are_told_apart(server: Server, face: Face) -> None:
    async def scenario() -> None:
        async with opened(server, patience=PATIENT, face=face) as connection:
            texts = [str(number) for number in range(30)]
            assert await asyncio.gather(*(call_text(connection, "echo", {"text": text}) for text in texts)) == texts

    run(scenario)


@pytest.mark.parametrize(
    ("tool", "method", "answer", "text"),
    [
        ("elicit", "elicitation/create", b'{"action":"accept","content":{"age":7}}', "accept 7"),
        (
            "sample",
            "sampling/createMessage",
            b'{"role":"assistant","model":"m","content":{"type":"text","text":"42"}}',
            "42",
        ),
    ],
)
def test_an_older_server_asks_the_user_of_the_call(
    older: Server, tool: str, method: str, answer: bytes, text: str
) -> None:
    async def scenario() -> None:
        caller = Caller(Answer(answer))
        async with opened(older, patience=PATIENT, face=Face(known="legacy")) as connection:
            assert await call_text(connection, tool, inbox=caller) == text
        assert [ask.method for ask in caller.asks] == [method]

    run(scenario)


@ERAS
def test_a_changed_list_is_heard_of(server: Server, face: Face) -> None:
    async def scenario() -> None:
        heard: list[Notice] = []
        async with opened(server, patience=PATIENT, face=face) as connection:
            connection.listen(heard.append)
            while not any(notice.method == "notifications/tools/list_changed" for notice in heard):
                assert await call_text(connection, "grow") == "grown"

    run(scenario)


@ERAS
def test_an_unknown_method_is_an_error_of_the_servers(server: Server, face: Face) -> None:
    async def scenario() -> None:
        async with opened(server, patience=PATIENT, face=face) as connection:
            answer = await connection.request("no/such", b"{}", timeout_s=60)
            assert answer.is_error
            assert json.loads(answer.body)["code"] == -32601
            assert not (await call(connection, "echo", {"text": "and on"})).is_error

    run(scenario)


def test_over_the_transport_of_2024_a_server_is_called_by_many_and_heard(sse_url: str) -> None:
    async def scenario() -> None:
        heard: list[Notice] = []
        callers = [Caller() for _ in range(10)]
        server = Server("sdk", Http(sse_url, is_trusted=True))
        async with opened(server, patience=PATIENT) as connection:
            assert connection.era == "legacy"
            connection.listen(heard.append)
            waits = (
                call_text(connection, "count", {"steps": 3}, params={"_meta": {"progressToken": "own"}}, inbox=caller)
                for caller in callers
            )
            assert await asyncio.gather(*waits) == ["counted"] * 10
            while not heard:
                assert await call_text(connection, "grow") == "grown"
            refused = await connection.request("no/such", b"{}", timeout_s=60)
            assert (refused.is_error, connection.in_flight) == (True, 0)
        for caller in callers:
            told = [json.loads(notice.params) for notice in caller.notices]
            assert [(one["progressToken"], one["progress"]) for one in told] == [("own", 1), ("own", 2), ("own", 3)]
        assert {notice.method for notice in heard} == {"notifications/tools/list_changed"}

    run(scenario)
