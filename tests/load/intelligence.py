"""What an answer about a node takes: kept and made anew, for five hundred boxes of thirty channels each.

The kept one is asked for side by side with the least a server can do (tests/fakes/bare_asgi.py: psycopg under ASGI,
granian too, the same bytes out of one table by the token): in turns, by the same client, on the same machine.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from statistics import median
from typing import NamedTuple

from django.db import connection

from tenants.tokens.access import mint_access_token
from tests.committed import ROOT, child_environment
from tests.factories import Box, make_box
from tests.faults.embedded_instance import eventually
from tests.faults.web_process import WebProcess, measure_cpu_s, web_process
from tests.load.cycles import CHANNELS, fill, load_graph
from tests.load.http_client import CLIENTS, Connection, Load, ask_for, make_request
from tests.load.report import Report

TENANTS = int(os.environ.get("TENANTS", "500"))  # noqa: TID251 - of this benchmark alone
ROUNDS, ROUND_S = 5, 4.0
TARGET_CACHED_P95_MS, TARGET_MADE_P95_MS, TARGET_RATIO = 20.0, 150.0, 0.35
READS = ("info", "recommendations")


def measure() -> Report:
    boxes = [fill(make_box(f"bench {number}"), is_canary=False) for number in range(TENANTS)]
    load_graph()
    tokens = {box.pubkey: mint_access_token(subject="bench", scopes=["read"], tenant_id=box.dazbox.id) for box in boxes}
    with web_process(RATE_LIMIT_SCALE="1000000", LOG_LEVEL="ERROR") as web:
        kept = {name: list_requests(boxes, tokens, name) for name in READS}
        made = {name: list_requests(boxes, tokens, f"{name}?use_cache=false") for name in READS}
        bodies = {name: warm(web.port, kept[name]) for name in READS}
        made_loads = {name: ask_for(web.port, made[name], seconds=2 * ROUND_S) for name in READS}
        quiet_loads = {name: ask_for(web.port, made[name], seconds=ROUND_S, clients=1) for name in READS}
        pairs = {name: ask_beside(web, kept[name], bodies[name]) for name in READS}
    load_average = os.getloadavg()[0]
    figures: dict[str, object] = {
        "tenants": TENANTS,
        "channels_each": CHANNELS,
        "clients": CLIENTS,
        "load_average": load_average,
        "target_ratio": TARGET_RATIO,
        "target_kept_p95_ms": TARGET_CACHED_P95_MS,
        "target_made_p95_ms": TARGET_MADE_P95_MS,
    }
    lines = []
    for name, pair in pairs.items():
        figures |= {f"{name}_{figure}": value for figure, value in pair.describe().items()}
        figures[f"{name}_body_bytes"] = round(median(map(len, bodies[name])))
    for how, loads, target_ms in (
        ("kept", {name: pair.ours[-1].load for name, pair in pairs.items()}, TARGET_CACHED_P95_MS),
        ("made anew", made_loads, TARGET_MADE_P95_MS),
        ("made anew, one client", quiet_loads, TARGET_MADE_P95_MS),
    ):
        for name, load in loads.items():
            figures |= describe(f"{name}_{how.replace(', ', '_').replace(' ', '_')}", load)
            p95_ms = load.take(0.95)
            lines.append((
                f"{name}, {how}: p50, p95 (aim: {target_ms:.0f} ms)",
                f"{tell(load)}: {judge(is_met=p95_ms <= target_ms)}",
            ))
    return Report(
        f"Answers: {TENANTS} boxes of {CHANNELS} channels, {CLIENTS} clients, one web process",
        figures,
        [
            ("load average at the end (3 or so is the benchmark's own)", f"{load_average:.1f}"),
            *lines,
            *(
                (f"{name}, kept: ours beside the bare server, {what}", words)
                for name, pair in pairs.items()
                for what, words in pair.tell().items()
            ),
        ],
    )


def list_requests(boxes: list[Box], tokens: dict[str, str], rest: str) -> list[bytes]:
    return [make_request(box.path(rest), tokens[box.pubkey]) for box in boxes]


def warm(port: int, requests: list[bytes]) -> list[bytes]:
    """Each twice: what the second gets is kept."""
    with Connection(port) as server:
        for request in requests:
            server.ask(request)
        return [server.ask(request) for request in requests]


class Turn(NamedTuple):
    """One round: what came of it, and the CPU an answer took, in milliseconds of the server's own processes."""

    load: Load
    cpu_ms: float


class Pairs(NamedTuple):
    """Ours and the bare server's, in turns."""

    ours: list[Turn]
    bare: list[Turn]

    def describe(self) -> dict[str, object]:
        sides = {"kept": self.ours, "bare": self.bare}
        return {
            "ratio": round(self.ratio, 3),
            **{f"{side}_rate": round(median(turn.load.rate for turn in turns)) for side, turns in sides.items()},
            **{f"{side}_cpu_ms": round(median(turn.cpu_ms for turn in turns), 3) for side, turns in sides.items()},
        }

    def tell(self) -> dict[str, str]:
        found = self.describe()
        return {
            "answers a second": f"{found['kept_rate']} to {found['bare_rate']}",
            "CPU of an answer": f"{found['kept_cpu_ms']} to {found['bare_cpu_ms']} ms",
            f"ratio, median of {ROUNDS} pairs (aim: {TARGET_RATIO})": (
                f"{self.ratio:.2f}: {judge(is_met=self.ratio >= TARGET_RATIO)}"
            ),
        }

    @property
    def ratio(self) -> float:
        return median(one.load.rate / other.load.rate for one, other in zip(self.ours, self.bare, strict=True))


def ask_beside(web: WebProcess, requests: list[bytes], bodies: list[bytes]) -> Pairs:
    """One after the other; the first pair is not counted."""
    with bare_server(requests, bodies) as (bare_port, bare_pid):
        pairs = [
            (
                take_turn(web.port, requests, measure=web.measure_cpu_s),
                take_turn(bare_port, requests, measure=partial(measure_cpu_s, bare_pid)),
            )
            for _ in range(ROUNDS + 1)
        ]
    ours, bare = zip(*pairs[1:], strict=True)
    return Pairs(list(ours), list(bare))


def take_turn(port: int, requests: list[bytes], *, measure: Callable[[], float]) -> Turn:
    used_s = measure()
    load = ask_for(port, requests, seconds=ROUND_S)
    return Turn(load, (measure() - used_s) / len(load.latencies_ms) * 1000)


@contextmanager
def bare_server(requests: list[bytes], bodies: list[bytes]) -> Iterator[tuple[int, int]]:
    """Its port and process. It answers each of these requests with the body that belongs to it."""
    tokens = [request.split(b"Authorization: ")[1].split(b"\r\n")[0].decode() for request in requests]
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_answer")
        cursor.execute("CREATE TABLE bench_answer (token text PRIMARY KEY, body bytea NOT NULL)")
        cursor.executemany("INSERT INTO bench_answer VALUES (%s, %s)", [*zip(tokens, bodies, strict=True)])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    command = [
        sys.executable, "-m", "granian", "--interface", "asgi", "tests.fakes.bare_asgi:app", "--host", "127.0.0.1",
        "--port", str(port), "--http", "1", "--no-ws", "--workers", "1", "--no-access-log", "--log-level", "error",
    ]  # fmt: skip
    process = subprocess.Popen(command, cwd=ROOT, env=child_environment(), start_new_session=True)
    try:
        assert eventually(lambda: answers(port, requests[0]), seconds=30)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait(10)


def answers(port: int, request: bytes) -> bool:
    with suppress(OSError, AssertionError), Connection(port) as server:
        return bool(server.ask(request))
    return False


def describe(name: str, load: Load) -> dict[str, object]:
    return {f"{name}_p50_ms": load.take(0.5), f"{name}_p95_ms": load.take(0.95), f"{name}_a_second": round(load.rate)}


def judge(*, is_met: bool) -> str:
    return "met" if is_met else "missed"


def tell(load: Load) -> str:
    return f"{load.take(0.5):.1f} ms, {load.take(0.95):.1f} ms"
