"""The web process over real sockets: what comes before Django, and what no test client sends."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest

from tests.api.case import cases
from tests.faults.web_process import web_process

LIMIT = 10 * 1024 * 1024
HOST = b"Host: 127.0.0.1\r\nConnection: close\r\n"
JSON = HOST + b"Content-Type: application/json\r\n"
GET, POST = b"GET /nope HTTP/1.1\r\n", b"POST /api/v1/auth/token HTTP/1.1\r\n"
BOMBS = {
    "a header of 500 kB": GET + HOST + b"X-A: " + b"a" * 500_000 + b"\r\n\r\n",
    "1,000 headers": GET + HOST + b"".join(b"X-%d: a\r\n" % number for number in range(1000)) + b"\r\n",
    "an address of 100 kB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "two lengths": POST + JSON + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
    "a list of lengths": POST + JSON + b"Content-Length: 2,2\r\n\r\n{}",
    "length with a plus": POST + JSON + b"Content-Length: +2\r\n\r\n{}",
    "length below zero": POST + JSON + b"Content-Length: -1\r\n\r\n{}",
    "length of 5,000 digits": POST + JSON + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    "no chunk size": POST + JSON + b"Transfer-Encoding: chunked\r\n\r\nx\r\n{}\r\n0\r\n\r\n",
    "another transfer encoding": POST + JSON + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "NUL in the address": b"GET /\x00 HTTP/1.1\r\n" + HOST + b"\r\n",
    "NUL in a header": GET + HOST + b"X-A: \x00\r\n\r\n",
    "no host": GET + b"Connection: close\r\n\r\n",
    "two hosts": GET + b"Host: evil.example\r\n" + HOST + b"\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
}


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A web process, started as an instance starts it."""
    with web_process() as web:
        yield web.port


def answers(port: int) -> bool:
    with suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{port}/nope", trust_env=False).status_code == 404
    return False


def send(port: int, raw: bytes) -> tuple[int, bytes]:
    """(status, everything that came back); the server may close before it has read all."""
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=90) as connection:
        with suppress(ConnectionError):
            connection.sendall(raw)
        with suppress(ConnectionError):
            while chunk := connection.recv(65_536):
                received += chunk
    assert received.startswith(b"HTTP/1.1 ")
    return int(received[9:12]), received


def post(port: int, body: Any) -> httpx.Response:
    headers = {"Content-Type": "application/json"}
    return httpx.post(f"http://127.0.0.1:{port}/api/v1/auth/token", content=body, headers=headers, trust_env=False)


def in_chunks(size: int) -> Iterator[bytes]:
    yield b"{"
    for _ in range(size // 65_536):
        yield b" " * 65_536
    yield b"}"


@cases(BOMBS)
def test_a_request_that_is_none_is_refused_and_the_next_one_served(port: int, case: bytes) -> None:
    status, received = send(port, case)
    assert 400 <= status < 500
    assert received.count(b"HTTP/1.1 ") == 1
    assert answers(port)


def test_a_request_hidden_in_a_body_is_not_answered(port: int) -> None:
    hidden = GET + HOST + b"X-Hidden: 1\r\n\r\n"
    lengths = b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" % (len(hidden) + 5)
    status, received = send(port, POST + JSON + lengths + hidden)
    assert status == 400
    assert received.count(b"HTTP/1.1 ") == 1


def test_a_body_above_the_limit_is_a_413_that_reaches_the_client(port: int) -> None:
    for body in (b" " * (LIMIT + 1), b" " * (5 * LIMIT)):
        answer = post(port, body)
        assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")


def test_a_length_above_the_limit_is_refused_before_the_body_comes(port: int) -> None:
    status, received = send(port, POST + JSON + b"Content-Length: %d\r\n\r\n{}" % (LIMIT + 1))
    assert status == 413
    assert b"application/problem+json" in received


def test_a_body_in_chunks_is_read_like_any_other(port: int) -> None:
    small, large = post(port, in_chunks(1_000_000)), post(port, in_chunks(LIMIT + 65_536))
    assert (small.status_code, small.json()["errors"][0]["code"]) == (400, "invalid")
    assert large.status_code == 413


@pytest.mark.fault
def test_slow_headers_do_not_keep_others_waiting(port: int) -> None:
    """Slow bodies do hold a thread each: those need a proxy that buffers them."""
    with ExitStack() as held:
        for _ in range(60):
            connection = held.enter_context(socket.create_connection(("127.0.0.1", port)))
            connection.sendall(GET + b"Host: 127.0")
        assert answers(port)
