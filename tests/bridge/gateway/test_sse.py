"""Clients of 2024-11-05, which open a stream and post messages beside it: the official SDK's, and one by hand."""

import asyncio
import json
import queue
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from uuid import UUID

import httpx
import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.types import ElicitResult

from bridge.gateway.door.caller import Caller
from bridge.gateway.inbound import Inbound
from bridge.gateway.line import MOST_OF_TENANT, Lines
from bridge.gateway.refusal import Refusal
from bridge.gateway.stream import write_event
from tests.bridge.gateway.running import WAIT_S, Running, child, running, start_at, wait_for

MODES = pytest.mark.parametrize("mode", ["auto", "legacy"])
SERVERS = pytest.mark.parametrize("server", ["modern", "legacy"])


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


async def accept(context: Any, params: Any) -> ElicitResult:
    return ElicitResult(action="accept", content={"response": f"yes: {params.message}"})


def connect(gateway: Running, server: str | None, *, mode: Any = "legacy", **more: Any) -> Client:
    return Client(sse_client(f"{gateway.url(server)}/sse"), mode=mode, elicitation_callback=accept, **more)


class ByHand:
    """One stream, read in a thread of its own."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(timeout=WAIT_S)
        self._told: queue.Queue[tuple[str, str]] = queue.Queue()
        self._url = url

    def __enter__(self) -> Self:
        self._stream = self._http.send(self._http.build_request("GET", self._url), stream=True)
        assert self._stream.headers["content-type"] == "text/event-stream"
        threading.Thread(target=self._read, daemon=True).start()
        name, self.endpoint = self.next()
        assert name == "endpoint"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.close()
        self._http.close()

    def _read(self) -> None:
        name = ""
        try:
            for line in self._stream.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    self._told.put((name, line.removeprefix("data: ")))
        except (httpx.HTTPError, httpx.StreamError):
            pass
        self._told.put(("end", ""))

    def next(self) -> tuple[str, str]:
        return self._told.get(timeout=WAIT_S)

    def answer(self) -> Any:
        name, data = self.next()
        assert name == "message"
        return json.loads(data)

    def post(self, message: Any, *, endpoint: str | None = None) -> int:
        url = httpx.URL(self._url).join(endpoint or self.endpoint)
        return httpx.post(url, json=message, timeout=WAIT_S).status_code

    def begin(self) -> None:
        hello = {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        assert self.post(ask(0, "initialize", hello)) == 202
        assert self.answer()["result"]["protocolVersion"] == "2024-11-05"
        assert self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}) == 202


def ask(request_id: Any, method: str, params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request_id, "method": method, "params": params}


def call(request_id: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    return ask(request_id, "tools/call", {"name": tool, "arguments": arguments})


@contextmanager
def by_hand(gateway: Running, server: str | None) -> Iterator[ByHand]:
    with ByHand(f"{gateway.url(server)}/sse") as client:
        client.begin()
        yield client


@MODES
@SERVERS
def test_a_client_lists_and_calls_tools_over_its_stream(gateway: Running, server: str, mode: str) -> None:
    async def scenario() -> None:
        async with connect(gateway, server, mode=mode) as client:
            assert "test_simple_text" in {tool.name for tool in (await client.list_tools()).tools}
            told: Any = await client.call_tool("test_simple_text", {})
            assert told.content[0].text == "This is a simple text response for testing."

    run(scenario)


@SERVERS
def test_questions_and_progress_of_servers_of_either_era_come_on_it(gateway: Running, server: str) -> None:
    async def scenario() -> None:
        steps: list[float] = []

        async def note(progress: float, total: float | None, message: str | None) -> None:
            steps.append(progress)

        async with connect(gateway, server) as client:
            await client.call_tool("test_tool_with_progress", {}, progress_callback=note)
            told: Any = await client.call_tool("test_elicitation", {"message": "sure?"})
        assert steps == [0, 50, 100]
        assert "yes: sure?" in told.content[0].text

    run(scenario)


def test_all_servers_together_are_reached_by_one_stream(gateway: Running) -> None:
    async def scenario() -> None:
        async with connect(gateway, None) as client:
            texts = [str(number) for number in range(20)]
            told: list[Any] = await asyncio.gather(*(client.call_tool("echo__echo", {"text": text}) for text in texts))
            assert [one.content[0].text for one in told] == texts

    run(scenario)


def test_a_changed_list_is_told_without_being_asked(gateway: Running) -> None:
    with by_hand(gateway, "modern") as client:
        assert client.post(call(1, "test_trigger_tool_change")) == 202
        told = [client.answer(), client.answer()]
        assert {one.get("method") for one in told} == {"notifications/tools/list_changed", None}


def test_what_is_wrong_with_a_message_is_said_where_its_sender_looks(gateway: Running) -> None:
    with ByHand(f"{gateway.url('echo')}/sse") as client:
        assert client.post(call(1, "echo", text="too soon")) == 202
        assert client.answer()["error"]["data"]["kind"] == "session-missing"
        client.begin()
        assert client.post([call(2, "echo", text="an array")]) == 400
        assert client.post(call(3, "nothing")) == 202
        assert client.answer()["id"] == 3
        assert client.post(ask(4, "initialize", {})) == 202
        assert client.answer()["error"]["data"]["kind"] == "session-begun"


def test_messages_of_a_stream_are_its_own_clients(gateway: Running) -> None:
    """Another stream's id, another server's place, an id that is none: nothing is there."""
    with by_hand(gateway, "echo") as client, by_hand(gateway, "modern") as other:
        assert client.post(call(1, "echo", text="x"), endpoint=client.endpoint[:-1]) == 404
        assert client.post(call(1, "echo", text="x"), endpoint="/mcp/servers/echo/messages") == 404
        elsewhere = other.endpoint.replace("/servers/modern/", "/servers/echo/")
        assert client.post(call(1, "echo", text="x"), endpoint=elsewhere) == 404
        assert client.post(call(7, "echo", text="own")) == 202
        assert client.answer()["result"]["content"][0]["text"] == "own"
    gone = httpx.URL(gateway.base).join(client.endpoint)
    wait_for(lambda: httpx.post(gone, json=call(1, "echo")).status_code == 404, what="the end of the stream")


def make_inbound(tenant: int, subject: str = "a") -> Inbound:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("nobody reads or writes here")

    caller = Caller(subject, UUID(int=tenant), frozenset({"read"}), "", "t", 0.0)
    inbound = Inbound({"headers": []}, nothing, nothing)
    inbound.caller = caller
    return inbound


def test_a_stream_is_found_by_its_own_tenant_and_subject_alone() -> None:
    async def scenario() -> None:
        lines = Lines()
        line = lines.open(make_inbound(1))
        assert lines.find(line.id, make_inbound(1).caller, server=None) is line
        strangers = make_inbound(2), make_inbound(1, "b")
        assert [lines.find(line.id, stranger.caller, server=None) for stranger in strangers] == [None, None]
        assert lines.find(line.id, make_inbound(1).caller, server="echo") is None
        assert len(line.id) >= 43  # 256 bits
        lines.close(line)
        assert lines.find(line.id, make_inbound(1).caller, server=None) is None

    run(scenario)


def test_one_tenant_cannot_open_all_the_streams_there_are() -> None:
    async def scenario() -> None:
        lines = Lines()
        for _ in range(MOST_OF_TENANT):
            lines.open(make_inbound(1))
        with pytest.raises(Refusal) as refused:
            lines.open(make_inbound(1))
        assert refused.value.status == 429
        lines.open(make_inbound(2))

    run(scenario)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/mcp/sse", 405), ("GET", "/mcp/messages", 405), ("GET", "/mcp/servers/none/sse", 404)],
)
def test_a_client_that_tries_the_newer_transport_first_is_told_apart(
    gateway: Running, method: str, path: str, status: int
) -> None:
    assert httpx.request(method, gateway.base + path, timeout=WAIT_S).status_code == status


def test_a_strangers_page_opens_no_stream(gateway: Running) -> None:
    for headers, status in [({"origin": "https://evil.example"}, 403), ({"host": "evil.example"}, 421)]:
        assert httpx.get(f"{gateway.base}/mcp/sse", headers=headers, timeout=WAIT_S).status_code == status
        refused = httpx.post(f"{gateway.base}/mcp/messages?session_id=a", headers=headers, json={}, timeout=WAIT_S)
        assert refused.status_code == status


def test_a_call_is_cancelled_when_its_client_says_so_or_goes_away(gateway: Running, tmp_path: Path) -> None:
    first, second, third = (Hanging(tmp_path / name) for name in ("first", "second", "third"))
    with by_hand(gateway, "modern") as client, by_hand(gateway, "modern") as other:
        for one, its in ((first, client), (second, other)):
            its.post(call("slow", "hang", **one.arguments))
            wait_for(one.started.exists, what="the call at the server")
        client.post({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "slow"}})
        wait_for(first.cancelled.exists, what="its cancellation at the server")
        client.post(ask(2, "ping", {}))
        assert client.answer() == {"jsonrpc": "2.0", "id": 2, "result": {}}  # and nothing for the cancelled one
        client.post(call("slow", "hang", **third.arguments))
        wait_for(third.started.exists, what="the third call at the server")
    wait_for(lambda: second.cancelled.exists() and third.cancelled.exists(), what="the cancellation of both")


def test_a_gateway_that_goes_answers_first_what_is_under_way(tmp_path: Path) -> None:
    one = Hanging(tmp_path / "slow")
    with (
        running(tmp_path, {"modern": child("everything.py")}) as gateway,
        by_hand(gateway, "modern") as client,
        by_hand(gateway, "modern") as idle,
    ):
        client.post(call("slow", "hang", **one.arguments))
        wait_for(one.started.exists, what="the call at the server")
        second = start_at(gateway)
        try:
            gateway.process.terminate()
            assert idle.next() == ("end", "")
            one.until.touch()
            assert client.answer()["result"]["content"][0]["text"] == "at last"
            assert client.next() == ("end", "")
        finally:
            second.terminate()
            second.wait(WAIT_S)


class Hanging:
    """A call that says by files how far it is, and ends by one."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.started, self.cancelled, self.until = folder / "started", folder / "cancelled", folder / "until"
        self.arguments = {"started": str(self.started), "cancelled": str(self.cancelled), "until": str(self.until)}


def test_an_answer_on_several_lines_is_one_event() -> None:
    assert write_event(b'{\n"a": 1\r\n}') == b'event: message\ndata: { "a": 1  }\n\n'
