"""The outward client over real sockets: whose answers it believes, which connections it uses again, where it goes."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.sources.http.client import Client
from bridge.sources.http.wire import MAX_HEAD_BYTES, PAUSE_BYTES, HttpFailure, Response
from mcp_saas.kit.http import UnsafeTargetError
from nodes.simulator.certificate import sign_certificate
from tests.bridge.sources.stage import run, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Scripted:
    """A server that answers the requests of each connection with these very bytes; None closes it."""

    def __init__(self, *script: bytes | None) -> None:
        self._script = script
        self.port = 0
        self.heads: list[bytes] = []
        self.writers: list[asyncio.StreamWriter] = []

    @property
    def connections(self) -> int:
        return len(self.writers)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            for answer in self._script:
                self.heads.append(await reader.readuntil(b"\r\n\r\n"))
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
            else:
                await reader.read()  # until the client goes
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted(*script: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    fake = Scripted(*script)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0, ssl=tls)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()


OK_IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@asynccontextmanager
async def client_of(*urls: str, **more: object) -> AsyncIterator[Client]:
    client = Client(urls, **more)  # type: ignore[arg-type]
    try:
        yield client
    finally:
        await client.close()


async def get(client: Client, url: str, headers: dict[str, str] | None = None) -> tuple[int, bytes]:
    async with client.open("GET", client.aim(url), headers=headers or {}) as response:
        return response.status, await read(response)


async def read(response: Response) -> bytes:
    return b"".join([chunk async for chunk in response.chunks()])


def test_a_connection_is_used_again_once_its_answer_was_read() -> None:
    async def scenario() -> None:
        async with scripted(OK, OK, OK) as fake:
            url = f"http://127.0.0.1:{fake.port}/a%20b?c"
            async with client_of(url) as client:
                assert [await get(client, url) for _ in range(3)] == [(200, b"ok")] * 3
            assert fake.connections == 1
            assert fake.heads[0].startswith(f"GET /a%20b?c HTTP/1.1\r\nHost: 127.0.0.1:{fake.port}\r\n".encode())

    run(scenario)


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", b"abcde"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    ],
    ids=["chunked", "interim", "empty"],
)
def test_an_answer_of_any_form_is_read_whole(answer: bytes, body: bytes) -> None:
    async def scenario() -> None:
        async with scripted(answer, OK) as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client:
                assert (await get(client, url))[1] == body
                assert await get(client, url) == (200, b"ok")
            assert fake.connections == 1

    run(scenario)


def test_an_answer_that_ends_with_its_connection_is_whole() -> None:
    async def scenario() -> None:
        async with scripted(b"HTTP/1.1 200 OK\r\n\r\nall of it", None) as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client, client.open("GET", client.aim(url), headers={}) as response:
                chunks = response.chunks()
                assert await anext(chunks) == b"all of it"
                fake.writers[0].close()
                assert [chunk async for chunk in chunks] == []

    run(scenario)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "without an answer"),
        (b"220 smtp ready\r\n", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "no HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * (MAX_HEAD_BYTES + 1), "longer than"),
        (OK_IN_CHUNKS + b"0\r\nX: " + b"x" * (MAX_HEAD_BYTES + 1), "longer than"),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "no HTTP"),
    ],
    ids=["closed", "not http", "two lengths", "endless head", "endless trailer", "upgrade"],
)
def test_what_is_no_answer_is_told_as_such(answer: bytes | None, words: str) -> None:
    async def scenario() -> None:
        async with scripted(answer) as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client:
                with pytest.raises(HttpFailure, match=words):
                    await get(client, url)

    run(scenario)


def test_an_answer_that_breaks_off_is_none() -> None:
    async def scenario() -> None:
        async with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf") as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client, client.open("GET", client.aim(url), headers={}) as response:
                chunks = response.chunks()
                assert await anext(chunks) == b"half"
                fake.writers[0].close()
                with pytest.raises(HttpFailure, match="broke off"):
                    await anext(chunks)

    run(scenario)


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
    ],
    ids=["words nobody asked for", "connection: close"],
)
def test_a_connection_that_may_hold_a_strange_answer_is_not_used_again(answer: bytes) -> None:
    async def scenario() -> None:
        async with scripted(answer, OK) as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client:
                assert [await get(client, url) for _ in range(2)] == [(200, b"ok")] * 2
            assert fake.connections == 2

    run(scenario)


def test_words_that_come_later_end_a_silent_connection() -> None:
    async def scenario() -> None:
        async with scripted(OK, OK) as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client:
                await get(client, url)
                fake.writers[0].write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
                await until(lambda: all(wire.is_closed for wire in client.silent))
                assert await get(client, url) == (200, b"ok")
            assert fake.connections == 2

    run(scenario)


def test_an_answer_left_unread_ends_its_connection() -> None:
    async def scenario() -> None:
        async with scripted(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", OK) as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client:
                async with client.open("GET", client.aim(url), headers={}) as response:
                    assert response.status == 200
                await until(fake.writers[0].is_closing)

    run(scenario)


def test_a_body_nobody_reads_is_not_heaped_up() -> None:
    async def scenario() -> None:
        length = 64 << 20
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length
        async with scripted(head + bytes(length)) as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client, client.open("GET", client.aim(url), headers={}) as response:
                await until(lambda: response.waiting_bytes > PAUSE_BYTES)
                for _ in range(20):  # turns of the loop, in which all of it could come
                    await asyncio.sleep(0)
                assert response.waiting_bytes < length / 8
                assert sum([len(chunk) async for chunk in response.chunks()]) == length

    run(scenario)


@pytest.mark.parametrize("headers", [{"X": "a\r\nEvil: 1"}, {"X\r\nEvil": "1"}, {"X": "a\0"}, {"": "a"}])
def test_a_header_cannot_carry_another(headers: dict[str, str]) -> None:
    async def scenario() -> None:
        async with scripted(OK) as fake:
            url = f"http://127.0.0.1:{fake.port}/"
            async with client_of(url) as client:
                with pytest.raises(HttpFailure, match="header"):
                    await get(client, url, headers)
            assert fake.heads == []

    run(scenario)


def resolving(*addresses: str) -> Callable[[str, int], object]:
    async def resolve(host: str, port: int) -> list[str]:
        return list(addresses)

    return resolve


@pytest.mark.parametrize("addresses", [(), ("127.0.0.1",), ("93.184.216.34", "10.0.0.1"), ("::ffff:127.0.0.1",)])
def test_a_public_name_that_leads_inside_is_not_connected_to(addresses: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with client_of(resolve=resolving(*addresses)) as client:
            with pytest.raises(UnsafeTargetError):
                await get(client, "https://mcp.example.com/mcp")

    run(scenario)


@pytest.mark.parametrize("url", ["http://mcp.example.com/", "https://u:p@mcp.example.com/", "https://example.com:22/"])
def test_a_url_nobody_trusts_is_refused_before_its_name_is_asked_for(url: str) -> None:
    async def scenario() -> None:
        async with client_of() as client:
            with pytest.raises(UnsafeTargetError):
                client.aim(url)

    run(scenario)


def test_the_next_address_is_tried_when_one_does_not_answer() -> None:
    async def scenario() -> None:
        async with scripted(OK) as fake:
            url = f"http://server.local:{fake.port}/"
            async with client_of(url, resolve=resolving("127.0.0.9", "127.0.0.1")) as client:
                assert await get(client, url) == (200, b"ok")

    run(scenario)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of localhost, signed by itself; its key is in the same file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(b"".join(sign_certificate(dt.datetime.now(dt.UTC))))
    return path


def serve_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_server_whose_certificate_nobody_vouches_for_is_told_nothing(certificate: Path) -> None:
    async def scenario() -> None:
        async with scripted(OK, tls=serve_tls(certificate)) as fake:
            url = f"https://localhost:{fake.port}/"
            async with client_of(url, resolve=resolving("127.0.0.1")) as client:
                with pytest.raises(HttpFailure, match="certificate is not accepted"):
                    await get(client, url, {"Authorization": "Bearer s3cret"})
            assert fake.heads == []

    run(scenario)


def test_a_certificate_must_be_of_the_name_that_was_asked(certificate: Path) -> None:
    async def scenario() -> None:
        known = ssl.create_default_context(cafile=certificate)
        async with scripted(OK, OK, tls=serve_tls(certificate)) as fake:
            for host, is_its_own in (("localhost", True), ("other.local", False)):
                url = f"https://{host}:{fake.port}/"
                async with client_of(url, resolve=resolving("127.0.0.1"), tls=known) as client:
                    if is_its_own:
                        assert await get(client, url) == (200, b"ok")
                        assert await get(client, url) == (200, b"ok")
                        continue
                    with pytest.raises(HttpFailure, match="certificate is not accepted"):
                        await get(client, url)
            assert len(fake.heads) == 2

    run(scenario)
