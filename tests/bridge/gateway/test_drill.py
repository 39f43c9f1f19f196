"""The drill of `make bench`, shortened: clients call without a pause while their server is killed again and again."""

import os
import signal
import threading
from pathlib import Path

import httpx
import psutil
import pytest

from tests.bridge.gateway.asking import SECONDS, call_text, is_gone
from tests.bridge.gateway.running import Running, child, running, wait_for

pytestmark = pytest.mark.fault
CLIENTS, KILLS, CALLS = 4, 8, 15


class Client(threading.Thread):
    """`right` answers, and what came instead of one."""

    def __init__(self, gateway: Running, number: int, over: threading.Event) -> None:
        super().__init__()
        self.right, self.wrong = 0, list[str]()
        self._gateway, self._number, self._over = gateway, number, over

    def run(self) -> None:
        with httpx.Client(timeout=SECONDS, trust_env=False) as http:
            while not self._over.is_set():
                text = f"{self._number}-{self.right}"
                body = {"name": "echo__echo", "arguments": {"text": text}}
                told = http.post(f"{self._gateway.base}/mcp/tools/call", json=body)
                if told.status_code == 200 and told.json()["content"][0]["text"] == text:
                    self.right += 1
                else:
                    self.wrong.append(told.text)


def test_only_calls_under_way_at_a_kill_are_lost_and_memory_stays(tmp_path: Path) -> None:
    with running(tmp_path, {"echo": child("fast_echo.py"), "other": child("fast_echo.py")}) as gateway:
        over = threading.Event()
        clients = [Client(gateway, number, over) for number in range(CLIENTS)]
        for client in clients:
            client.start()
        try:
            wait_for(lambda: min(client.right for client in clients) > CALLS, what="calls to the first")
            process = psutil.Process(gateway.pid)
            before = process.memory_info().rss
            for _ in range(KILLS):
                kill_and_wait(gateway, clients)
            assert call_text(gateway, "other__echo", text="on") == "on"
        finally:
            over.set()
            for client in clients:
                client.join()
        wrong = [words for client in clients for words in client.wrong]
        assert len(wrong) <= CLIENTS * KILLS
        assert all("upstream-away" in words for words in wrong)
        assert sum(client.right for client in clients) > CLIENTS * CALLS * KILLS
        assert process.memory_info().rss - before < 20 << 20


def kill_and_wait(gateway: Running, clients: list[Client]) -> None:
    """Until each client has been answered again and again by the next one."""
    pid = int(call_text(gateway, "echo__pid"))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: is_gone(pid), what="its end")
    then = [client.right for client in clients]
    wait_for(
        lambda: all(client.right > so_far + CALLS for client, so_far in zip(clients, then, strict=True)),
        what="answers of the next one",
    )
