"""A stranger's address leads to a public host or nowhere. What is counted is connections at a listener of ours."""

import datetime as dt
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest

from mcp_saas.kit.http import AnswerTooLargeError, Guard, GuardedClient, Resolve, UnsafeTargetError, is_public
from nodes.simulator.certificate import sign_certificate
from tests.api.case import cases

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
PUBLIC = "93.184.216.34"
FORMS = {
    "loopback": "127.0.0.1",
    "its short form": "127.1",
    "hexadecimal": "0x7f000001",
    "one number": "2130706433",
    "octal": "0177.0.0.1",
    "a name": "localhost",
    "this host": "0.0.0.0",  # noqa: S104 - asked for, not bound
    "IPv6 loopback": "[::1]",
    "IPv4 in IPv6": "[::ffff:127.0.0.1]",
    "IPv4-compatible": "[::127.0.0.1]",
    "IPv4-translated": "[::ffff:0:127.0.0.1]",
    "NAT64": "[64:ff9b::7f00:1]",
    "a NAT64 of the house": "[64:ff9b:1::7f00:1]",
    "6to4": "[2002:7f00:1::]",
    "Teredo": "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "the cloud's metadata": "169.254.169.254",
    "a private network": "10.0.0.1",
    "a carrier's network": "100.64.0.1",
    "protocol assignments": "192.0.0.8",
    "multicast": "224.0.0.1",
    "IPv6 link": "[fe80::1]",
    "IPv6 private": "[fd00::1]",
    "IPv6 site": "[fec0::1]",
    "IPv6 segments": "[5f00::1]",
    "IPv6 documentation": "[3fff::1]",
}
ODD_URLS = {
    "plain HTTP": "http://example.com/",
    "another scheme": "ftp://example.com/",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://example.com:6379/_FLUSHALL",
    "another port": "https://example.com:6379/",
    "a name in it": "https://user@example.com/",
    "a host for a name": "https://public.example@127.0.0.1:{port}/",
    "port 0": "https://example.com:0/",
    "no host": "https:///x",
    "broken punycode": "https://xn--/",
    "no address": "https://[::1/",
}


def read_request(stream: socket.socket) -> bytes:
    """Whole: a connection closed over unread bytes is reset, and the answer with it."""
    with stream.makefile("rb") as lines:
        head = b"".join(takewhile(bytes.strip, lines))
        length = re.search(rb"Content-Length: (\d+)", head)
        return head + b"\r\n" + lines.read(int(length[1]) if length else 0)


class Listener:
    """A port of this machine that counts its connections and answers every request the same, over TLS."""

    def __init__(self, answer: bytes, tls: ssl.SSLContext) -> None:
        self.connections = 0
        self.requests: list[bytes] = []
        self.names: list[str | None] = []
        self._answer = answer
        self._tls = tls
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._server.accept()
                self.connections += 1
                with connection, suppress(OSError):  # the client has seen enough
                    self._exchange(connection)

    def _exchange(self, connection: socket.socket) -> None:
        with self._tls.wrap_socket(connection, server_side=True) as stream:
            self.requests.append(read_request(stream))
            stream.sendall(self._answer)

    def count(self) -> int:
        """Connections until now: one of ours goes in behind them, so none is still on its way."""
        before = self.connections
        with socket.create_connection(("127.0.0.1", self.port)) as own:
            own.shutdown(socket.SHUT_WR)
            while own.recv(1024):
                pass
        assert self.connections >= before + 1
        return self.connections - 1

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join(10)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key of `localhost`, in one file."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(b"".join(sign_certificate(dt.datetime.now(dt.UTC))))
    return path


@pytest.fixture
def server_tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def client_tls(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


@pytest.fixture
def listener(server_tls: ssl.SSLContext) -> Iterator[Listener]:
    with listening(server_tls) as found:
        yield found


@contextmanager
def listening(tls: ssl.SSLContext, answer: bytes = OK) -> Iterator[Listener]:
    found = Listener(answer, tls)
    try:
        yield found
    finally:
        found.close()


class Internet(httpcore.SyncBackend):
    """Every address leads to one listener; which were asked for is noted."""

    def __init__(self, listener: Listener) -> None:
        self.asked: list[str] = []
        self._listener = listener

    def connect_tcp(self, host: str, port: int, *args: Any, **options: Any) -> httpcore.NetworkStream:
        self.asked.append(host)
        return super().connect_tcp("127.0.0.1", self._listener.port)


def resolver(*answers: list[str]) -> Resolve:
    """A name server that says something else each time."""
    left = iter(answers)
    return lambda host, port: next(left)


@pytest.mark.fault
@cases(FORMS)
def test_no_form_of_an_inner_address_is_ever_connected_to(listener: Listener, case: str) -> None:
    """Check 51."""
    with GuardedClient(Guard(ports=frozenset({listener.port}))) as client, pytest.raises(UnsafeTargetError):
        client.request("POST", f"https://{case}:{listener.port}/hook", content=b"{}")
    assert listener.count() == 0


@pytest.mark.fault
def test_a_name_that_is_rebound_is_not_followed_inside(listener: Listener, client_tls: ssl.SSLContext) -> None:
    """The first answer of the name server is public, the second is ours: each connection is judged by its own."""
    guard, net = Guard(ports=frozenset({listener.port})), Internet(listener)
    resolve = resolver([PUBLIC], ["127.0.0.1"])
    url = f"https://localhost:{listener.port}/hook"
    with GuardedClient(guard, resolve=resolve, network=net, tls=client_tls) as client:
        assert client.request("GET", url).status == 200
        with pytest.raises(UnsafeTargetError):
            client.request("GET", url)
    assert net.asked == [PUBLIC]
    assert listener.count() == 1


@pytest.mark.parametrize("addresses", [[PUBLIC, "127.0.0.1"], ["10.0.0.1", PUBLIC], ["2606:4700::1", "::1"], []])
def test_one_inner_address_among_public_ones_is_enough_to_refuse(listener: Listener, addresses: list[str]) -> None:
    net = Internet(listener)
    guard = Guard(ports=frozenset({listener.port}))
    with GuardedClient(guard, resolve=resolver(addresses), network=net) as client, pytest.raises(UnsafeTargetError):
        client.request("GET", f"https://hook.example:{listener.port}/")
    assert (net.asked, listener.count()) == ([], 0)


def test_what_was_checked_is_connected_to_under_the_name_it_was_given(
    listener: Listener, client_tls: ssl.SSLContext
) -> None:
    net = Internet(listener)
    guard = Guard(ports=frozenset({listener.port}))
    with GuardedClient(guard, resolve=resolver([PUBLIC]), network=net, tls=client_tls) as client:
        answer = client.request("POST", f"https://localhost:{listener.port}/hook?x=1", content=b"{}")
    assert (answer.status, answer.body, net.asked, listener.names) == (200, b"ok", [PUBLIC], ["localhost"])
    assert listener.requests[0].startswith(b"POST /hook?x=1 HTTP/1.1\r\n")
    assert f"Host: localhost:{listener.port}\r\n".encode() in listener.requests[0]


def test_a_certificate_of_another_name_is_refused(listener: Listener, client_tls: ssl.SSLContext) -> None:
    guard, net = Guard(ports=frozenset({listener.port})), Internet(listener)
    client = GuardedClient(guard, resolve=resolver([PUBLIC]), network=net, tls=client_tls)
    with client, pytest.raises(httpx.ConnectError, match="certificate"):
        client.request("GET", f"https://hook.example:{listener.port}/")
    assert listener.requests == []


def test_a_redirect_is_an_answer_and_no_way_on(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: https://127.0.0.1/\r\nContent-Length: 0\r\n\r\n"
    with listening(server_tls, moved) as listener:
        net, guard = Internet(listener), Guard(ports=frozenset({listener.port}))
        with GuardedClient(guard, resolve=resolver([PUBLIC]), network=net, tls=client_tls) as client:
            assert client.request("GET", f"https://localhost:{listener.port}/").status == 302
        assert (net.asked, listener.count()) == ([PUBLIC], 1)


def test_no_more_is_read_than_the_limit(server_tls: ssl.SSLContext, client_tls: ssl.SSLContext) -> None:
    large = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000
    with listening(server_tls, large) as listener:
        net, guard = Internet(listener), Guard(ports=frozenset({listener.port}))
        options: dict[str, Any] = {"network": net, "tls": client_tls, "max_answer_bytes": 99_999}
        with GuardedClient(guard, resolve=resolver([PUBLIC]), **options) as client, pytest.raises(AnswerTooLargeError):
            client.request("GET", f"https://localhost:{listener.port}/")


@cases(ODD_URLS)
def test_an_odd_address_is_refused_before_any_name_is_asked_for(listener: Listener, case: str) -> None:
    net = Internet(listener)
    guard = Guard(ports=frozenset({443, listener.port}))
    with GuardedClient(guard, resolve=resolver(), network=net) as client, pytest.raises(UnsafeTargetError):
        client.request("GET", case.format(port=listener.port))
    assert (net.asked, listener.count()) == ([], 0)


@cases(FORMS | {"a name of one label": "intranet", "a name of the house": "lnd.local", "a trailing dot": "localhost."})
def test_an_inner_address_is_refused_by_its_form_before_it_is_kept(case: str) -> None:
    with pytest.raises(UnsafeTargetError):
        Guard().check_address(f"https://{case}/")


@cases(ODD_URLS)
def test_an_odd_address_is_not_kept(case: str) -> None:
    with pytest.raises(UnsafeTargetError):
        Guard().check_address(case.format(port=443))


@pytest.mark.parametrize(
    "host", ["lnd.example.com", "LND.Example.com", "xn--bcher-kva.example", PUBLIC, "[2606:4700::1]"]
)
def test_a_public_name_or_address_is_kept_without_asking_for_it(host: str) -> None:
    guard = Guard()
    assert guard.check_address(f"https://{host}:8443/base") is None  # type: ignore[func-returns-value]


def test_443_and_8443_are_the_ports_of_strangers() -> None:
    guard = Guard()
    for url in ("https://hook.example/", "https://hook.example:8443/", "https://hook.example:443/"):
        guard.check_url(httpx.URL(url))
    for port in (22, 80, 442, 8080, 8444):
        with pytest.raises(UnsafeTargetError):
            guard.check_url(httpx.URL(f"https://hook.example:{port}/"))


def test_what_the_operator_trusts_is_reached_where_it_is(listener: Listener, client_tls: ssl.SSLContext) -> None:
    guard = Guard(trusted=frozenset({("localhost", listener.port)}))
    with GuardedClient(guard, resolve=resolver(["127.0.0.1"]), tls=client_tls) as client:
        assert client.request("GET", f"https://localhost:{listener.port}/").status == 200
        with pytest.raises(UnsafeTargetError):
            client.request("GET", f"https://127.0.0.1:{listener.port}/")
    assert listener.count() == 1


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(address)
