"""HTTP at the gateway's door: what comes in pieces, together, in older words, or not at all."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn

from bridge.gateway.inbound import WIRE
from bridge.gateway.wire import Protocol
from tests.bridge.gateway.running import Running, child, running

META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
HEADERS = "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: echo\r\n"
WAIT_S = 60


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("wire"), {"echo": child("fast_echo.py")}) as gateway:
        yield gateway


def write_call(number: int, *, version: str = "1.1", headers: str = "") -> bytes:
    params = {"name": "echo", "arguments": {"text": f"text {number}"}, "_meta": META}
    body = json.dumps({"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": params})
    head = f"POST /mcp/servers/echo?x=%20 HTTP/{version}\r\nhost: localhost\r\n{HEADERS}{headers}"
    return f"{head}content-length: {len(body)}\r\n\r\n{body}".encode()


def connect(gateway: Running) -> socket.socket:
    connection = socket.socket()
    connection.settimeout(WAIT_S)
    connection.connect(gateway.listening.getsockname())
    return connection


def read_answers(connection: socket.socket, count: int) -> list[tuple[bytes, Any]]:
    """Heads and values of so many answers of JSON."""
    found: list[tuple[bytes, Any]] = []
    data = b""
    while len(found) < count:
        head, _, rest = data.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        if length and len(rest) >= int(length[1]):
            found.append((head, json.loads(rest[: int(length[1])])))
            data = rest[int(length[1]) :]
        else:
            chunk = connection.recv(65536)
            assert chunk, f"it was closed after {len(found)} answers: {data!r}"
            data += chunk
    assert not data
    return found


def test_requests_sent_together_are_answered_in_their_order(gateway: Running) -> None:
    with connect(gateway) as connection:
        connection.sendall(b"".join(map(write_call, range(20))))
        for number, (head, answer) in enumerate(read_answers(connection, 20)):
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"content-type: application/json" in head
            assert answer["id"] == number
            assert answer["result"]["content"][0]["text"] == f"text {number}"


def test_a_request_in_pieces_is_one(gateway: Running) -> None:
    with connect(gateway) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        text = write_call(7)
        for start in range(0, len(text), 40):
            connection.sendall(text[start : start + 40])
        assert read_answers(connection, 1)[0][1]["id"] == 7


@pytest.mark.parametrize(("version", "headers"), [("1.0", ""), ("1.1", "connection: close\r\n")])
def test_who_wants_one_answer_alone_is_left_after_it(gateway: Running, version: str, headers: str) -> None:
    with connect(gateway) as connection:
        connection.sendall(write_call(1, version=version, headers=headers))
        assert b"connection: close" in read_answers(connection, 1)[0][0]
        assert connection.recv(1) == b""


def test_who_asks_before_sending_is_told_to_go_on(gateway: Running) -> None:
    with connect(gateway) as connection:
        head, separator, body = write_call(1, headers="expect: 100-continue\r\n").partition(b"\r\n\r\n")
        connection.sendall(head + separator)
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert read_answers(connection, 1)[0][1]["id"] == 1


def test_calls_that_say_the_same_but_for_their_length_are_answered_one_by_one(gateway: Running) -> None:
    """Heads that were read before are not parsed again."""
    with connect(gateway) as connection:
        for number in (1, 2, 30, 10**6, 5):
            connection.sendall(write_call(number))
            [(_, answer)] = read_answers(connection, 1)
            assert answer["result"]["content"][0]["text"] == f"text {number}"
        connection.sendall(write_call(6, headers="x-request-id: another\r\n"))
        assert read_answers(connection, 1)[0][1]["id"] == 6
        text = write_call(7)
        connection.sendall(text[:-10])
        connection.sendall(text[-10:] + write_call(8) + write_call(9)[:50])
        connection.sendall(write_call(9)[50:])
        assert [answer["id"] for _, answer in read_answers(connection, 3)] == [7, 8, 9]


def test_what_is_no_http_is_told_so(gateway: Running) -> None:
    with connect(gateway) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 400 ")


class Beside:
    """uvicorn with our protocol before an application of the test's own."""

    def __init__(self, app: Any, *, protocol: type[Protocol] = Protocol, **settings: Any) -> None:
        self.app, self.protocol, self.settings = app, protocol, settings

    async def ask(self, request: bytes) -> bytes:
        """All that comes back until the other side closes."""
        async with self.connect() as (reader, writer):
            writer.write(request)
            return await reader.read()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        settings = uvicorn.Config(self.app, http=self.protocol, lifespan="off", log_config=None, **self.settings)
        settings.load()
        state = SimpleNamespace(connections=set(), tasks=set(), default_headers=[], total_requests=0)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: self.protocol(settings, state, {}), "127.0.0.1", 0)  # type: ignore[arg-type]
        async with server, asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            yield reader, writer
            writer.close()


REQUEST = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"


def test_a_connection_is_closed_once_it_was_silent_and_not_while_a_request_is_under_way() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/slow":
            await asyncio.sleep(0.5)
        assert scope[WIRE].reply(200, headers=(), body=b'"%b"' % scope["raw_path"])

    slow = REQUEST.replace(b"GET /", b"GET /slow")
    told = asyncio.run(Beside(app, timeout_keep_alive=0.2).ask(REQUEST + slow))
    assert told.count(b"HTTP/1.1 200 OK") == 2
    assert told.endswith(b'"/slow"')


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_head_that_was_read_before_says_what_it_said(place: str) -> None:
    seen: list[dict[str, Any]] = []
    parsed: list[bytes] = []

    class Parsing(Protocol):
        def on_url(self, url: bytes) -> None:
            parsed.append(url)
            super().on_url(url)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        wire = scope.pop(WIRE)
        seen.append(scope | {"body": wire.take_body()})
        assert wire.reply(200, headers=(), body=b"{}")

    def write(body: bytes) -> bytes:
        lines = [b"Host: localhost", b"X-Twice: a", b"X-Twice: b", b"Authorization: Bearer t"]
        lines.insert(0 if place == "first" else 4, b"Content-Length:  %d" % len(body))
        return b"POST /a%20b?c=d HTTP/1.1\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body

    async def ask() -> None:
        async with Beside(app, protocol=Parsing).connect() as (reader, writer):
            for body in (b"first", b"", b"the third is longer", b"GET / HTTP/1.1\r\n\r\n"):
                writer.write(write(body))
                assert (await reader.readuntil(b"{}")).startswith(b"HTTP/1.1 200 OK")

    asyncio.run(ask())
    assert parsed == [b"/a%20b?c=d"]
    assert [one.pop("body") for one in seen] == [b"first", b"", b"the third is longer", b"GET / HTTP/1.1\r\n\r\n"]
    lengths = [dict(one["headers"])[b"content-length"] for one in seen]
    assert lengths == [b"5", b"0", b"19", b"18"]
    for one in seen:
        one["headers"] = [(name, value) for name, value in one["headers"] if name != b"content-length"]
        assert one == seen[0]
    assert [name for name, _ in seen[0]["headers"]].count(b"x-twice") == 2


def test_a_header_is_never_two() -> None:
    refused: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for value in (b"a\r\nset-cookie: b", b"a\n", b"a\r", b"a\0"):
            with pytest.raises(RuntimeError, match="the end of a line"):
                scope[WIRE].reply(200, headers=((b"x", value),), body=b"{}")
            refused.append(value)
        assert scope[WIRE].reply(200, headers=((b"x", b"a"),), body=b"{}")
        assert not scope[WIRE].reply(200, headers=(), body=b"{}"), "it was answered already"

    told = asyncio.run(Beside(app, timeout_keep_alive=0.05).ask(REQUEST))
    assert told.count(b"\r\n") == 5
    assert len(refused) == 4
