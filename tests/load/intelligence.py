"""What an answer about a node takes: kept and made anew, for five hundred boxes of thirty channels each.

The kept one is asked for side by side with the least a server can do (tests/fakes/bare_asgi.py: psycopg under ASGI,
granian too, the same bytes out of one table by the token): in turns, by the same client, on the same machine.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from statistics import median

from django.db import connection

from tenants.tokens.access import mint_access_token
from tests.committed import ROOT, child_environment
from tests.factories import Box, make_box
from tests.faults.embedded_instance import eventually
from tests.faults.web_process import web_process
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
        with bare_server(kept["info"], bodies["info"]) as bare_port:
            ours, bare = ask_in_turns(web.port, bare_port, kept["info"])
        kept_loads = {"info": ours[-1]} | {
            name: ask_for(web.port, kept[name], seconds=ROUND_S) for name in READS if name != "info"
        }
    ratio = median(one.rate / other.rate for one, other in zip(ours, bare, strict=True))
    figures: dict[str, object] = {
        "tenants": TENANTS,
        "channels_each": CHANNELS,
        "clients": CLIENTS,
        "body_bytes": round(median(map(len, bodies["info"]))),
        "info_kept_rate": round(median(one.rate for one in ours)),
        "bare_rate": round(median(one.rate for one in bare)),
        "ratio": round(ratio, 3),
        "target_ratio": TARGET_RATIO,
        "target_kept_p95_ms": TARGET_CACHED_P95_MS,
        "target_made_p95_ms": TARGET_MADE_P95_MS,
    }
    lines = []
    for how, loads, target_ms in (
        ("kept", kept_loads, TARGET_CACHED_P95_MS),
        ("made anew", made_loads, TARGET_MADE_P95_MS),
        ("made anew, one client", quiet_loads, TARGET_MADE_P95_MS),
    ):
        for name, load in loads.items():
            figures |= describe(f"{name}_{how.replace(', ', '_').replace(' ', '_')}", load)
            lines.append((f"{name}, {how}: p50, p95 (target: {target_ms:.0f} ms)", tell(load)))
    return Report(
        f"Answers: {TENANTS} boxes of {CHANNELS} channels, {CLIENTS} clients, one web process",
        figures,
        [
            *lines,
            ("kept info a second, beside the bare server", f"{figures['info_kept_rate']} to {figures['bare_rate']}"),
            (f"ratio, median of {ROUNDS} pairs (target: {TARGET_RATIO})", f"{ratio:.2f}"),
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


def ask_in_turns(ours: int, bare: int, requests: list[bytes]) -> tuple[list[Load], list[Load]]:
    """Pairs, one after the other; the first pair is not counted."""
    pairs = [
        (ask_for(ours, requests, seconds=ROUND_S), ask_for(bare, requests, seconds=ROUND_S)) for _ in range(ROUNDS + 1)
    ]
    return [one for one, _ in pairs[1:]], [other for _, other in pairs[1:]]


@contextmanager
def bare_server(requests: list[bytes], bodies: list[bytes]) -> Iterator[int]:
    """Its port. It answers each of these requests with the body that belongs to it."""
    tokens = [request.split(b"Authorization: ")[1].split(b"\r\n")[0].decode() for request in requests]
    with connection.cursor() as cursor:
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
        yield port
    finally:
        process.terminate()
        process.wait(10)


def answers(port: int, request: bytes) -> bool:
    with suppress(OSError, AssertionError), Connection(port) as server:
        return bool(server.ask(request))
    return False


def describe(name: str, load: Load) -> dict[str, object]:
    return {f"{name}_p50_ms": load.take(0.5), f"{name}_p95_ms": load.take(0.95), f"{name}_a_second": round(load.rate)}


def tell(load: Load) -> str:
    return f"{load.take(0.5):.1f} ms, {load.take(0.95):.1f} ms"
