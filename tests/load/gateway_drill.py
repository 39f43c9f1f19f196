"""A drill of the gateway: clients call all the time, and now and then one of the server's children, picked at random,
is killed. How many calls were answered rightly, and does the gateway's memory stay?

DRILL_S (60; an hour in earnest: 3600) seconds, a kill every DRILL_KILL_S (10; 30 in earnest), DRILL_RATE calls a second
of all clients together (0: without pause), so that an hour can be run beside other work. Every answer must hold the
text its own call sent; a call that was due while a server started anew is made up for.
"""

import base64
import datetime as dt
import json
import os
import random
import secrets
import signal
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

from django.conf import settings
from redis import Redis

from bridge.engine.board import CATALOGUE, seal_catalogue
from bridge.engine.server import Catalogue, Pool, Server, Stdio
from tenants.tokens.access import LIFETIME, mint_access_token
from tests.load.gateway import describe_environment, serve_keys
from tests.load.gateways import ECHO, NUMBER, Gateway, Running, describe_ours, find_children, running
from tests.load.http_client import Connection
from tests.load.report import Report

ENVIRON = os.environ  # noqa: TID251 - of this benchmark alone
SECONDS, KILL_S = float(ENVIRON.get("DRILL_S", "60")), float(ENVIRON.get("DRILL_KILL_S", "10"))
RATE = float(ENVIRON.get("DRILL_RATE", "0"))
CHILDREN, CLIENTS = 3, 16
WARM_S = min(SECONDS / 10, 30.0)
TARGET_RIGHT = 0.999
KINDS = ("upstream-away", "upstream-timeout", "queue-full", "too-many")


class Drill:
    """What the clients and the killer do and count."""

    def __init__(self, alive: Running) -> None:
        self.alive, self.over = alive, threading.Event()
        self.calls = self.kills = 0
        self.wrong: Counter[str] = Counter()
        self._lock = threading.Lock()

    def note(self, wrong: str | None) -> None:
        with self._lock:
            self.calls += 1
            if wrong is not None:
                self.wrong[wrong] += 1

    def kill(self) -> None:
        """One child after the other, until it is over."""
        while not self.over.wait(KILL_S):
            children = find_children(self.alive)
            if children:
                random.choice(children).send_signal(signal.SIGKILL)  # noqa: S311 - chance, no secret
                self.kills += 1

    def call(self, number: int) -> None:
        """One client, until it is over."""
        head, due_s, connection = self._make_head(), time.monotonic(), None
        pause_s = CLIENTS / RATE if RATE else 0.0
        while not self.over.wait(max(0.0, due_s - time.monotonic()) if RATE else 0):
            due_s += pause_s
            text = f"{number}-{secrets.token_hex(4)}"
            connection = connection or Connection(self.alive.port)
            try:
                answer = connection.ask(make_request(self.alive.gateway, head, text=text))
                self.note(None if is_right(answer, text) else name_fault(answer))
            except (AssertionError, OSError) as error:
                connection = None
                self.note(name_fault(str(error).encode()))

    def _make_head(self) -> str:
        token = mint_access_token(
            subject="bench", scopes=["read", "act"], tenant_id=uuid4(),
            lifetime=LIFETIME + dt.timedelta(seconds=SECONDS),
        )  # fmt: skip
        headers = {"Host": "127.0.0.1"} | self.alive.gateway.headers | {"Authorization": f"Bearer {token}"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.alive.gateway.path} HTTP/1.1\r\n{lines}"


def make_request(gateway: Gateway, head: str, *, text: str) -> bytes:
    body = json.dumps(gateway.body).replace(NUMBER, text).encode()
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def is_right(answer: bytes, text: str) -> bool:
    told = json.loads(answer)
    return "result" in told and bool(told["result"]["content"][0]["text"].endswith(text))


def name_fault(answer: bytes) -> str:
    """The gateway's own word for it, where it said one."""
    return next((kind for kind in KINDS if kind.encode() in answer), answer[:200].decode("utf-8", "replace"))


def measure() -> Report:
    with tempfile.TemporaryDirectory(prefix="dazbox-drill-") as name, serve_keys() as keys:
        environment = describe_environment(keys) | {"MCP_SERVERS_FILE": "", "MCP_STATE_KEY": publish()}
        ours = describe_ours(Path(name), token=mint_access_token(subject="bench", scopes=["read"], tenant_id=uuid4()),
                             environment=environment)  # fmt: skip
        with running(ours, Path(name)) as alive:
            figures = run(Drill(alive))
    return Report(
        f"MCP gateway: one of {CHILDREN} children killed every {KILL_S:g} s, for {SECONDS:g} s",
        figures,
        [
            (f"right answers (target: {TARGET_RIGHT:.1%})", tell_right(figures)),
            ("the others", str(figures["wrong_kinds"])),
            ("kills", str(figures["kills"])),
            (
                "memory of the gateway",
                "{began_mb} MB, {half_mb} at half the time, {after_mb} at the end".format(**figures),
            ),
            ("CPU of the gateway without its children", "{cpu_s} s".format(**figures)),
        ],
    )


def publish() -> str:
    """The catalogue, as the control plane does it; the key that opens it."""
    key = secrets.token_bytes(32)
    server = Server("echo", Stdio(ECHO[0], args=tuple(ECHO[1:])), pool=Pool("several", CHILDREN))
    with Redis.from_url(settings.ENV.redis_url) as redis:
        redis.set(CATALOGUE, seal_catalogue(Catalogue(1, (server,)), key))
    return base64.b64encode(key).decode()


def run(drill: Drill) -> dict[str, object]:
    alive = drill.alive
    with ThreadPoolExecutor(CLIENTS + 1) as pool:
        under_way = [pool.submit(drill.kill), *(pool.submit(drill.call, number) for number in range(CLIENTS))]
        try:
            drill.over.wait(WARM_S)
            began_mb, began_s = alive.rss_mb(whole=False), alive.cpu_s(whole=False)
            drill.over.wait(SECONDS / 2 - WARM_S)
            half_mb = alive.rss_mb(whole=False)
            drill.over.wait(SECONDS / 2)
            after_mb, cpu_s = alive.rss_mb(whole=False), alive.cpu_s(whole=False) - began_s
        finally:
            drill.over.set()
    for one in under_way:
        one.result()
    wrong = drill.wrong.total()
    figures = {"began_mb": began_mb, "half_mb": half_mb, "after_mb": after_mb, "cpu_s": cpu_s}
    return {name: round(value, 1) for name, value in figures.items()} | {
        "seconds": SECONDS, "rate": RATE, "children": CHILDREN, "calls": drill.calls, "wrong": wrong,
        "wrong_kinds": dict(drill.wrong), "kills": drill.kills, "target_right": TARGET_RIGHT,
        "right": 1 - wrong / max(drill.calls, 1),
    }  # fmt: skip


def tell_right(figures: dict[str, object]) -> str:
    share = "{:.4%}".format(figures["right"])
    return share + ": {wrong} of {calls:,} wrong".format(**figures)
