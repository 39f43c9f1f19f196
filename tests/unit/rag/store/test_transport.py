"""How requests to Qdrant travel: over connections that are kept, with the failures httpx would tell."""

import contextlib
import datetime as dt
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from nodes.simulator.certificate import sign_certificate
from rag.sources.qdrant.transport import PlainTransport
from tests.fakes.json_server import PATIENCE_S, JsonServer, Reply

WELL = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nwell"


@contextlib.contextmanager
def serving(converse: Callable[[socket.socket, int], None]) -> Iterator[str]:
    """The address of a server that holds this conversation on each connection, the first of which is number 1."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        number = 0
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                number += 1
                with connection, contextlib.suppress(OSError):
                    converse(connection, number)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(PATIENCE_S)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(transport=PlainTransport(), timeout=PATIENCE_S) as client:
        yield client


def test_a_connection_is_used_again(client: httpx.Client) -> None:
    numbers = []

    def answer_all(connection: socket.socket, number: int) -> None:
        while connection.recv(65536):
            numbers.append(number)
            connection.sendall(WELL)

    with serving(answer_all) as url:
        assert [client.get(url).text for _ in range(3)] == ["well"] * 3
        client.close()
    assert numbers == [1, 1, 1]


def test_a_connection_that_the_server_closed_is_not_used_again(client: httpx.Client) -> None:
    closed, numbers = threading.Event(), []

    def answer_once(connection: socket.socket, number: int) -> None:
        connection.recv(65536)
        numbers.append(number)
        connection.sendall(WELL)
        connection.close()
        closed.set()

    with serving(answer_once) as url:
        for _ in range(3):
            assert client.get(url).text == "well"
            assert closed.wait(PATIENCE_S)
            closed.clear()
    assert numbers == [1, 2, 3]


@pytest.mark.parametrize("said", [b"", b"SSH-2.0\r\n\r\n", WELL[:-2]])
def test_what_is_no_answer_is_told_as_httpx_would(client: httpx.Client, said: bytes) -> None:
    def say(connection: socket.socket, _: int) -> None:
        connection.recv(65536)
        connection.sendall(said)

    with serving(say) as url, pytest.raises(httpx.RemoteProtocolError):
        client.get(url)


def test_who_says_nothing_is_left(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(httpx.ReadTimeout):
        client.get(f"http://127.0.0.1:{silent.getsockname()[1]}/", timeout=httpx.Timeout(PATIENCE_S, read=0.05))


def test_a_certificate_of_nobody_we_trust_is_refused(client: httpx.Client, tmp_path: Path) -> None:
    path = tmp_path / "both.pem"
    path.write_bytes(b"".join(sign_certificate(dt.datetime.now(dt.UTC))))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    with JsonServer(lambda _: Reply(), tls=tls) as server, pytest.raises(httpx.ConnectError, match="CERTIFICATE"):
        client.get(f"https://localhost:{server.port}/")
