"""Scripts in Redis: each thread asks over a connection of its own, which is made again when it was lost."""

import socket
import threading
import time
from typing import Any

import pytest
import redis
from django.conf import settings
from redis.exceptions import ConnectionError as LostError
from redis.exceptions import ResponseError
from redis.exceptions import TimeoutError as LateError

from mcp_saas.kit.redis_script import Line, Script

ECHO = "return {KEYS[1], ARGV[1], ARGV[2]}"


@pytest.fixture
def client() -> Any:
    return redis.Redis.from_url(settings.ENV.redis_url, socket_timeout=5, retry=None)


def test_keys_and_arguments_arrive(client: Any) -> None:
    assert Script(Line(client), ECHO)(keys=("a",), args=(1, b"\x00")) == [b"a", b"1", b"\x00"]


def test_what_the_server_forgot_is_sent_again(client: Any) -> None:
    script = Script(Line(client), ECHO)
    script(keys=("a",), args=(1, 2))
    client.script_flush()
    assert script(keys=("b",), args=(1, 2)) == [b"b", b"1", b"2"]


def test_a_thread_keeps_its_connection_and_has_it_alone(client: Any) -> None:
    line, others = Line(client), []
    own = [line.ask("CLIENT", "ID") for _ in range(2)]
    thread = threading.Thread(target=lambda: others.append(line.ask("CLIENT", "ID")))
    thread.start()
    thread.join(30)
    assert own[0] == own[1]
    assert others[0] != own[0]


def test_a_connection_the_server_closed_is_made_again(client: Any) -> None:
    line = Line(client)
    first = line.ask("CLIENT", "ID")
    client.client_kill_filter(_id=str(first))
    second = line.ask("CLIENT", "ID")
    assert second != first
    assert line.ask("CLIENT", "ID") == second


def test_an_error_of_the_script_leaves_nothing_behind(client: Any) -> None:
    line = Line(client)
    faulty = Script(line, "return redis.call('NONE')")
    with pytest.raises(ResponseError):
        faulty(keys=(), args=())
    assert Script(line, ECHO)(keys=("a",), args=(1, 2)) == [b"a", b"1", b"2"]


def test_where_nobody_listens_it_is_an_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    script = Script(Line(redis.Redis(host="127.0.0.1", port=port, retry=None)), ECHO)
    with pytest.raises(LostError):
        script(keys=("a",), args=(1, 2))


def test_who_answers_too_late_is_not_waited_for_and_its_answer_is_nobodys() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = Line(redis.Redis(
            host="127.0.0.1", port=server.getsockname()[1], socket_timeout=0.2, retry=None, protocol=2, driver_info=None
        ))  # fmt: skip
        began_s = time.monotonic()
        with pytest.raises(LateError):
            line.ask("PING")
        assert time.monotonic() - began_s < 30
        first, _ = server.accept()
        answers = threading.Thread(target=answer_pings, args=[server])
        answers.start()
        with first:
            first.sendall(b"+LATE\r\n")
            assert line.ask("PING") == b"PONG"
        answers.join(30)


def answer_pings(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        while b"PING" not in connection.recv(1000):
            connection.sendall(b"+OK\r\n")
        connection.sendall(b"+PONG\r\n")


def test_a_long_answer_comes_whole(client: Any) -> None:
    long = b"x" * 1_000_000
    assert Script(Line(client), ECHO)(keys=("a",), args=(long, 2)) == [b"a", long, b"2"]
