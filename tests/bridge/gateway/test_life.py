"""What becomes of calls while servers die and gateways change: the call in question is told, all others go on."""

import json
import os
import signal
import socket
import threading
from pathlib import Path

import httpx

from tests.bridge.gateway.asking import is_gone
from tests.bridge.gateway.running import Running, child, running, start_at, wait_for


def call(gateway: Running, tool: str = "echo__pid", **arguments: object) -> httpx.Response:
    body = {"name": tool, "arguments": arguments}
    return httpx.post(f"{gateway.base}/mcp/tools/call", json=body, timeout=60)


def pid_of(gateway: Running) -> int:
    return int(call(gateway).json()["content"][0]["text"])


def test_a_server_killed_while_idle_answers_the_next_call(tmp_path: Path) -> None:
    with running(tmp_path, {"echo": child("fast_echo.py")}) as gateway:
        first = pid_of(gateway)
        os.kill(first, signal.SIGKILL)
        wait_for(lambda: is_gone(first), what="its end")
        second = pid_of(gateway)
        assert second != first


def test_a_server_that_cannot_start_holds_up_nobody(tmp_path: Path) -> None:
    servers = {"echo": child("fast_echo.py"), "broken": child("absent.py"), "silent": child("faulty.py", "--silent")}
    with running(tmp_path, servers) as gateway:
        tools = httpx.post(f"{gateway.base}/mcp/tools/list", json={}, timeout=60).json()["tools"]
        assert "echo__echo" in {tool["name"] for tool in tools}
        assert call(gateway, "echo__echo", text="hello").status_code == 200
        refused = call(gateway, "broken__anything")
        assert refused.status_code == 502
        assert refused.json()["type"].endswith("/upstream-away")


def test_no_process_is_left_behind(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with running(tmp_path, {"echo": child("fast_echo.py"), "sdk": child("everything.py")}) as gateway:
            call(gateway)
            family = gateway.children()
            assert len(family) >= 2
            gateway.process.send_signal(number)
            gateway.process.wait(60)
            wait_for(lambda family=family: all(is_gone(one.pid) for one in family), what="the end of all children")


def test_a_second_gateway_takes_over_without_one_failed_call(tmp_path: Path) -> None:
    with running(tmp_path, {"echo": child("fast_echo.py")}) as first:
        failures: list[str] = []
        done = threading.Event()
        counts = [0] * 8

        def go_on(index: int) -> None:
            with httpx.Client(timeout=60) as client:
                while not done.is_set():
                    body = {"name": "echo__echo", "arguments": {"text": f"{index}-{counts[index]}"}}
                    try:
                        told = client.post(f"{first.base}/mcp/tools/call", json=body)
                        if told.status_code != 200 or body["arguments"]["text"] not in told.text:
                            failures.append(told.text)
                    except httpx.HTTPError as error:
                        failures.append(repr(error))
                    counts[index] += 1

        threads = [threading.Thread(target=go_on, args=(index,)) for index in range(len(counts))]
        for thread in threads:
            thread.start()
        wait_for(lambda: min(counts) > 5, what="calls to the first")
        second = start_at(first)
        try:
            first.process.send_signal(signal.SIGTERM)
            first.process.wait(60)
            reached = list(counts)
            wait_for(
                lambda: all(now > then + 5 for now, then in zip(counts, reached, strict=True)),
                what="calls to the second",
            )
            done.set()
            for thread in threads:
                thread.join()
            assert failures == []
        finally:
            done.set()
            second.terminate()
            second.wait(60)


def test_a_changed_file_of_servers_applies_without_a_restart(tmp_path: Path) -> None:
    with running(tmp_path, {"echo": child("fast_echo.py")}) as gateway:
        before = pid_of(gateway)
        file = tmp_path / "mcp.json"
        file.write_text(json.dumps({"mcpServers": {"echo": child("fast_echo.py"), "other": child("fast_echo.py")}}))
        os.utime(file, (1, 1))
        wait_for(lambda: call(gateway, "other__pid").status_code == 200, what="the new server")
        assert pid_of(gateway) == before


def test_a_client_that_goes_away_cancels_its_call(gateway: Running, tmp_path: Path) -> None:
    started, cancelled = tmp_path / "started", tmp_path / "cancelled"
    arguments = {"started": str(started), "cancelled": str(cancelled)}
    body = json.dumps({"name": "modern__hang", "arguments": arguments}).encode()
    port = int(gateway.base.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(
            b"POST /mcp/tools/call HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        wait_for(started.exists, what="the call at the server")
    wait_for(cancelled.exists, what="its cancellation at the server")
    assert call(gateway, "modern__test_simple_text").status_code == 200


def test_a_call_ends_at_the_time_its_caller_gives_it(gateway: Running, tmp_path: Path) -> None:
    cancelled = tmp_path / "cancelled"
    arguments = {"started": str(tmp_path / "started"), "cancelled": str(cancelled)}
    body = {"name": "modern__hang", "arguments": arguments}
    told = httpx.post(f"{gateway.base}/mcp/tools/call", json=body, headers={"x-timeout": "0.5"}, timeout=60)
    assert told.status_code == 504
    assert told.json()["type"].endswith("/upstream-timeout")
    wait_for(cancelled.exists, what="its cancellation at the server")
