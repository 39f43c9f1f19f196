"""Servers and clients that do wrong, through a running gateway: the call in question is told, all others go on."""

import json
import signal
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.bridge.gateway.asking import ACCEPT, SECONDS, OlderClient, call_beside, call_text, is_gone
from tests.bridge.gateway.running import Running, child, running, wait_for

pytestmark = pytest.mark.fault
SERVERS = {"bad": child("faulty.py"), "echo": child("fast_echo.py")}
META = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}


def describe(tool: str, *, call_id: Any, **arguments: object) -> tuple[dict[str, str], dict[str, Any]]:
    """Headers and body of a call of the newer era, which needs no session."""
    headers = ACCEPT | {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": tool}
    params = {"name": tool, "arguments": arguments, "_meta": META}
    return headers, {"jsonrpc": "2.0", "id": call_id, "method": "tools/call", "params": params}


def ask(gateway: Running, tool: str, *, call_id: Any = 1, timeout_s: float = 30.0, **arguments: object) -> Any:
    """The message that answers, of the server `bad`."""
    headers, body = describe(tool, call_id=call_id, **arguments)
    headers |= {"x-timeout": str(timeout_s)}
    return httpx.post(gateway.url("bad"), json=body, headers=headers, timeout=SECONDS, trust_env=False).json()


def test_a_crash_is_told_to_the_calls_under_way_and_the_next_is_answered(tmp_path: Path) -> None:
    with running(tmp_path, SERVERS) as gateway, ThreadPoolExecutor(1) as pool:
        hanging = call_beside(pool, gateway, "bad__hang")
        wait_for(lambda: read_hung(gateway)[1], what="a call under way")
        crashed = ask(gateway, "crash", call_id="mine")
        assert (crashed["id"], crashed["error"]["data"]["kind"]) == ("mine", "upstream-away")
        assert "it ended with status 3" in crashed["error"]["message"]
        assert hanging.result().status_code == 502
        assert ask(gateway, "echo", text="again")["result"]["content"][0]["text"] == "again"


def test_a_hang_ends_at_its_time_and_the_server_is_told(tmp_path: Path) -> None:
    with running(tmp_path, SERVERS) as gateway:
        late = ask(gateway, "hang", call_id=7, timeout_s=0.5)
        assert (late["id"], late["error"]["data"]["kind"]) == (7, "upstream-timeout")
        cancelled, held = read_hung(gateway)
        assert cancelled == held != []


@pytest.mark.parametrize("fd", [1, 2])
def test_a_flood_is_not_kept_and_holds_up_nobody(tmp_path: Path, fd: int) -> None:
    with running(tmp_path, SERVERS) as gateway, ThreadPoolExecutor(1) as pool:
        call_text(gateway, "echo__echo", text="warm")
        process = psutil.Process(gateway.pid)
        before = most = process.memory_info().rss
        flood = call_beside(pool, gateway, "bad__flood", timeout_s=SECONDS, fd=fd, mb=100)
        served = 0
        while not flood.done():
            assert call_text(gateway, "echo__echo", text="here") == "here"
            served += 1
            most = max(most, process.memory_info().rss)
        assert flood.result().json()["content"][0]["text"] == "flooded"
        assert served > 3
        assert most - before < 30 << 20


def test_junk_and_answers_nobody_asked_for_reach_nobody(tmp_path: Path) -> None:
    with running(tmp_path, SERVERS) as gateway, ThreadPoolExecutor(1) as pool:
        hanging = call_beside(pool, gateway, "bad__hang")
        wait_for(lambda: read_hung(gateway)[1], what="a call under way")
        assert ask(gateway, "junk")["result"]["content"][0]["text"] == "said"
        assert ask(gateway, "twice")["result"]["content"][0]["text"] == "first"
        assert ask(gateway, "foreign")["result"]["content"][0]["text"] == "yours"
        assert "no JSON" in ask(gateway, "spoilt")["error"]["message"]
        assert not hanging.done()
        assert ask(gateway, "release")["result"]["content"][0]["text"] == "1"
        assert hanging.result().json()["content"][0]["text"] == "at last"


def test_megabytes_pass_both_ways(tmp_path: Path) -> None:
    with running(tmp_path, SERVERS) as gateway:
        assert len(ask(gateway, "big", bytes=5 << 20)["result"]["content"][0]["text"]) == 5 << 20
        assert ask(gateway, "length", text="x" * (3 << 20))["result"]["content"][0]["text"] == str(3 << 20)


def test_a_server_that_does_not_read_holds_up_its_own_callers_alone(tmp_path: Path) -> None:
    awake = tmp_path / "awake"
    with running(tmp_path, SERVERS) as gateway, ThreadPoolExecutor(3) as pool:
        assert call_text(gateway, "bad__doze", until=str(awake)) == "good night"
        large = [call_beside(pool, gateway, "bad__length", text="x" * (1 << 20)) for _ in range(3)]
        assert ask(gateway, "echo", timeout_s=0.5, text="who is there?")["error"]["data"]["kind"] == "upstream-timeout"
        assert call_text(gateway, "echo__echo", text="here") == "here"
        assert not any(one.done() for one in large)
        awake.touch()
        assert [one.result().json()["content"][0]["text"] for one in large] == [str(1 << 20)] * 3


def send(gateway: Running, tool: str, **arguments: object) -> socket.socket:
    """A call of a client that will not read its answer."""
    headers, body = describe(tool, call_id=1, **arguments)
    content = json.dumps(body).encode()
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = [
        "POST /mcp/servers/bad HTTP/1.1", "host: 127.0.0.1", "content-type: application/json",
        f"content-length: {len(content)}", *lines,
    ]  # fmt: skip
    client = socket.create_connection(("127.0.0.1", int(gateway.base.rpartition(":")[2])))
    client.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + content)
    return client


def test_clients_that_do_not_read_hold_up_nobody(tmp_path: Path) -> None:
    with running(tmp_path, SERVERS) as gateway:
        silent = [send(gateway, "big", bytes=5 << 20) for _ in range(5)]
        for _ in range(20):
            assert call_text(gateway, "bad__echo", text="on") == "on"
        assert psutil.Process(gateway.pid).memory_info().rss < 200 << 20
        for client in silent:
            client.close()
        assert ask(gateway, "echo", text="and on")["result"]["content"][0]["text"] == "and on"


@pytest.mark.parametrize("length", [1, 150_000])
def test_a_client_of_either_era_that_goes_away_cancels_its_call(tmp_path: Path, length: int) -> None:
    """However much it sent: who has sent much is read no further for a while."""
    with running(tmp_path, SERVERS) as gateway:
        newer = send(gateway, "hang", text="a" * length)
        wait_for(lambda: len(read_hung(gateway)[1]) == 1, what="the call of the newer era")
        newer.close()
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "hang", "arguments": {}}}
        with OlderClient(gateway, "bad") as older, pytest.raises(httpx.ReadTimeout):
            older.http.post(older.url, json=message, timeout=3)
        wait_for(lambda: len(read_hung(gateway)[0]) == 2, what="both are cancelled")
        cancelled, held = read_hung(gateway)
        assert cancelled == held


def read_hung(gateway: Running) -> list[list[int]]:
    """Ids of calls as the server has them: cancelled, and not answered."""
    found: list[list[int]] = json.loads(call_text(gateway, "bad__cancelled"))
    return found


def test_clients_with_the_same_ids_get_their_own_answers(tmp_path: Path) -> None:
    with running(tmp_path, SERVERS) as gateway, ThreadPoolExecutor(4) as pool:

        def go(name: str) -> list[str]:
            with OlderClient(gateway, "bad") as client:
                return [client.call("echo", call_id=number % 3, text=f"{name} {number}") for number in range(100)]

        names = ["Ann", "Bob", "Eve", "Max"]
        assert list(pool.map(go, names)) == [[f"{name} {number}" for number in range(100)] for name in names]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_of_a_stubborn_server_outlives_the_gateway(tmp_path: Path, number: signal.Signals) -> None:
    """It ignores the end of its input and SIGTERM, and its own child has a session of its own."""
    with running(tmp_path, {"bad": child("faulty.py", "--stubborn")}) as gateway:
        grandchild = int(call_text(gateway, "bad__spawn", own_session=True))
        family = [*gateway.children(), psutil.Process(grandchild)]
        gateway.process.send_signal(number)
        gateway.process.wait(SECONDS)
        wait_for(lambda: all(is_gone(one.pid) for one in family), what="the end of all")
        assert is_gone(grandchild)
