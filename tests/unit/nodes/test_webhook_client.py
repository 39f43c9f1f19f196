"""One request to a stranger, over a socket: time, size, TLS, where it may go; and the page's own receiver."""

import datetime as dt
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from mcp_saas.kit.http import Guard
from nodes.engine.webhook.endpoint import make_secret
from nodes.notify.message import Later, Refused, Sent
from nodes.notify.webhook.client import MAX_ANSWER_BYTES, SHOWN, Exchange, send_webhook
from nodes.notify.webhook.signature import sign
from nodes.simulator.certificate import sign_certificate
from tests.fakes.json_server import JsonServer, Reply

ROOT = Path(__file__).parents[3]


def send(port: int, *, scheme: str = "http", trusted: bool = True) -> Exchange:
    guard = Guard(trusted=frozenset({("127.0.0.1", port)} if trusted else set()))
    return send_webhook(f"{scheme}://127.0.0.1:{port}/hooks", b"{}", headers={}, guard=guard)


@contextmanager
def raw_server(*pieces: bytes, pause_s: float = 0.0) -> Iterator[tuple[int, threading.Event]]:
    """Sends these after it has read the request, then goes on with the last one until it is over."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with closing(connection):
                connection.recv(65_536)
                for piece in pieces:
                    connection.sendall(piece)
                while not over.wait(pause_s):
                    connection.sendall(pieces[-1])

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1], over
    finally:
        over.set()
        listener.close()
        thread.join(5)


@pytest.mark.parametrize(
    ("status", "outcome", "is_away"),
    [
        (200, Sent(), False),
        (299, Sent(), False),
        (301, Later("It answered 301, and redirects are not followed"), False),
        (404, Later("It answered 404"), False),
        (410, Refused("It answered 410: gone for good"), False),
        (429, Later("It answered 429", 7), True),
        (500, Later("It answered 500", 7), False),
        (503, Later("It answered 503", 7), True),
    ],
)
def test_the_status_decides(status: int, outcome: object, is_away: bool) -> None:
    headers = {"Retry-After": "7"} if status in {429, 500, 503} else {"Location": "http://127.0.0.1:1/"}
    with JsonServer(lambda _: Reply(status=status, headers=headers)) as server:
        exchange = send(server.port)
    assert (exchange.delivery, exchange.status, exchange.is_away) == (outcome, status, is_away)


@pytest.mark.parametrize("wait", ["soon", "-5", "", "9" * 30, "Mon, 01 Jan 1990 00:00:00 GMT", "1.5"])
def test_a_retry_after_that_says_nothing_changes_nothing(wait: str) -> None:
    with JsonServer(lambda _: Reply(status=503, headers={"Retry-After": wait})) as server:
        assert send(server.port).delivery == Later("It answered 503")


def test_nobody_makes_us_wait_longer_than_a_day() -> None:
    with JsonServer(lambda _: Reply(status=503, headers={"Retry-After": "9999999"})) as server:
        assert send(server.port).delivery == Later("It answered 503", 86_400)


def test_of_an_answer_without_end_the_beginning_is_read() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
    with raw_server(head, b"x" * MAX_ANSWER_BYTES) as (port, _):
        exchange = send(port)
    assert (exchange.delivery, exchange.answer) == (Sent(), "x" * SHOWN)


def test_a_status_counts_although_its_body_never_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.notify.webhook.client.WITHIN_S", 0.5)
    with raw_server(b"HTTP/1.1 202 OK\r\nContent-Length: 1000\r\n\r\n", b"x", pause_s=0.05) as (port, _):
        exchange = send(port)
    assert (exchange.delivery, exchange.status) == (Sent(), 202)
    assert exchange.duration_ms < 60_000


def test_headers_that_come_byte_by_byte_hold_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.notify.webhook.client.WITHIN_S", 0.5)
    with raw_server(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x", pause_s=0.05) as (port, _):
        exchange = send(port)
    assert exchange.is_away
    assert exchange.status is None
    assert exchange.duration_ms < 60_000


def test_a_certificate_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    (tmp_path / "both.pem").write_bytes(b"".join(sign_certificate(dt.datetime.now(dt.UTC))))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "both.pem")
    with JsonServer(lambda _: Reply(), tls=tls) as server:
        exchange = send(server.port, scheme="https")
        assert server.calls == []
    assert exchange.delivery == Later("It could not be connected to, or its certificate is not valid")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]"])
def test_whatever_a_host_is_called_our_own_network_is_not_connected_to(host: str) -> None:
    with JsonServer(lambda _: Reply()) as server:
        guard = Guard(ports=frozenset({server.port}))
        exchange = send_webhook(f"https://{host}:{server.port}/", b"{}", headers={}, guard=guard)
        assert server.calls == []
    assert isinstance(exchange.delivery, Later)
    assert exchange.delivery.reason.startswith("Not sent: ")


def test_the_receiver_of_the_page_takes_what_we_sign_and_shows_it_once() -> None:
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    [block] = re.findall(r"## A receiver\n((?:    .*\n)+)", page)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    secret, body = make_secret(), b'{"type": "webhook.test", "data": {"webhook_id": "1"}}'
    lines = [line.removeprefix("    ") for line in block.splitlines()]
    program = "\n".join(lines).replace("whsec_...", secret).replace("8080", str(port))
    process = subprocess.Popen([sys.executable, "-uc", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        outcomes = [_send_signed(port, secret, body=body, patience=100) for _ in range(2)]
        assert outcomes == [Sent(), Sent()]
        assert isinstance(_send_signed(port, make_secret(), body=body, patience=1), Later)
    finally:
        process.terminate()
        shown, _ = process.communicate(timeout=60)
    assert shown.decode().splitlines() == ["webhook.test {'webhook_id': '1'}"]


def _send_signed(port: int, secret: str, *, body: bytes, patience: int) -> object:
    """As often as it takes until the receiver listens."""

    headers = sign([secret], message_id="msg_1", timestamp_s=int(time.time()), body=body)
    guard = Guard(trusted=frozenset({("127.0.0.1", port)}))
    for _ in range(patience):
        exchange = send_webhook(f"http://127.0.0.1:{port}/", body, headers=headers, guard=guard)
        if exchange.status is not None:
            break
        threading.Event().wait(0.1)
    return exchange.delivery
