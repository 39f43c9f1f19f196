"""Children and those who call them, on the gateway's own kind of event loop."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from bridge.engine.server import Limits, Server, Stdio
from bridge.sources.connection import Answer, Ask, Connection, Line, Notice
from bridge.sources.handshake import FACE, PATIENCE, Face, Patience
from bridge.sources.opener import open_connection

CHILDREN = Path(__file__).parent.parent / "children"
WAIT_S = 60.0  # for a state; nothing depends on how soon it comes


class Log(list[Line]):
    def write(self, line: Line) -> None:
        self.append(line)

    def of(self, stream: str) -> list[str]:
        return [line.text for line in self if line.stream == stream]


class Caller:
    """An inbox: what came back, and what it says when it is asked."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.notices: list[Notice] = []
        self.asks: list[Ask] = []
        self._answer = answer

    def take_notice(self, notice: Notice) -> None:
        self.notices.append(notice)

    async def answer(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        if self._answer is None:
            await asyncio.get_running_loop().create_future()  # it never comes to an end by itself
        assert self._answer is not None
        return self._answer


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    uvloop.run(scenario())


def make_server(script: str, *arguments: str, limits: Limits | None = None, **how: Any) -> Server:
    """One of the children: they need no package, so none is looked for."""
    transport = Stdio(sys.executable, ("-E", "-s", "-S", str(CHILDREN / script), *arguments), **how)
    return Server("child", transport, limits=limits or Limits())


@asynccontextmanager
async def opened(
    server: Server, *, log: Log | None = None, patience: Patience = PATIENCE, face: Face = FACE
) -> AsyncIterator[Connection]:
    connection = await open_connection(
        server, secret=None, on_log=(log if log is not None else Log()).write, patience=patience, face=face
    )
    try:
        yield connection
    finally:
        await connection.close()


async def call(connection: Connection, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> Answer:
    params = msgspec.json.encode({"name": tool, "arguments": arguments or {}} | options.pop("params", {}))
    return await connection.request("tools/call", params, **({"timeout_s": WAIT_S, "name": tool} | options))


async def call_text(connection: Connection, tool: str, arguments: dict[str, Any] | None = None, **options: Any) -> str:
    """The text of the answer's first block."""
    answer = await call(connection, tool, arguments, **options)
    assert not answer.is_error, answer
    return str(msgspec.json.decode(answer.body)["content"][0]["text"])


async def until(condition: Callable[[], object]) -> None:
    """Waits for a state."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - of a process, which sets no event of ours
            await asyncio.sleep(0.01)
