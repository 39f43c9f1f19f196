"""The gateway for longer: memory after many calls and under many streams, a tenant that floods, a child that dies.

GATEWAY_CALLS (1,000,000) calls for the memory; RECOVERIES (20) kills of a child that is idle, each timed until the next
good answer. Kills under load: gateway_drill.
"""

import asyncio
import os
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import httpx

from tests.load.gateway import describe_environment, make_token, serve_keys
from tests.load.gateways import Running, describe_ours, find_children, running, with_token
from tests.load.report import Report
from tests.load.wrk import find_wrk, load

ENVIRON = os.environ  # noqa: TID251 - of this benchmark alone
CALLS = int(ENVIRON.get("GATEWAY_CALLS", "1000000"))
RECOVERIES = int(ENVIRON.get("RECOVERIES", "20"))
STREAMS, SHARE, FLOOD = 500, 16, 160
FLOOD_ROUNDS, FLOOD_S = 3, 5.0
TARGETS = {
    "idle_mb": 80,
    "after_mb": 128,
    "streams_mb": 100,
    "flood_ratio": 2.0,
    "recovery_s": 1.0,
}


def measure() -> Report:
    if find_wrk() is None:
        return Report("MCP gateway, longer", {"skipped": "wrk"}, [("wrk is not there (make bench)", "no data")])
    with tempfile.TemporaryDirectory(prefix="dazbox-gateway-") as name, serve_keys() as keys:
        folder = Path(name)
        ours = describe_ours(folder, token=make_token(), environment=describe_environment(keys))
        with running(ours, folder) as alive:
            figures: dict[str, object] = {f"target_{name}": target for name, target in TARGETS.items()}
            figures |= measure_memory(alive, folder) | measure_streams(alive)
            figures |= measure_flood(alive, folder) | measure_recovery(alive)
    return Report(
        "MCP gateway: memory, streams, a flood, a kill",
        figures,
        [
            ("memory idle (target: 80 MB)", f"{figures['idle_mb']} MB"),
            (f"after {figures['calls']:,} calls (target: 128 MB, no growth)", tell_memory(figures)),
            (f"more with {figures['streams']} idle event streams (target: 100 MB)", f"{figures['streams_mb']} MB"),
            ("p95 of a tenant beside one that floods at ten times its share (target: twice)", tell_flood(figures)),
            ("from the kill of an idle child to the next good answer (target: 1 s)", tell_recovery(figures)),
        ],
    )


def measure_memory(alive: Running, folder: Path) -> dict[str, object]:
    """Of the gateway's process alone, warmed up by ten thousand calls."""
    idle_mb, calls = alive.rss_mb(whole=False), 0
    load(alive.call, clients=16, seconds=2, folder=folder)
    seen_mb = [alive.rss_mb(whole=False)]
    while calls < CALLS:
        calls += load(alive.call, clients=16, seconds=min(10.0, 1 + CALLS / 20_000), folder=folder).requests
        seen_mb.append(alive.rss_mb(whole=False))
    half_mb = seen_mb[len(seen_mb) // 2]
    found = {"idle_mb": idle_mb, "warm_mb": seen_mb[0], "half_mb": half_mb, "after_mb": seen_mb[-1]}
    return {name: round(value, 1) for name, value in found.items()} | {"calls": calls}


def measure_streams(alive: Running) -> dict[str, object]:
    return asyncio.run(_open_streams(alive))


async def _open_streams(alive: Running) -> dict[str, object]:
    before_mb, token = alive.rss_mb(whole=False), alive.call.headers["Authorization"]
    request = (
        f"GET /mcp/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {token}\r\nAccept: text/event-stream\r\n\r\n"
    )
    writers, opened = [], 0
    for _ in range(STREAMS):
        reader, writer = await asyncio.open_connection("127.0.0.1", alive.port)
        writer.write(request.encode())
        opened += b" 200 " in await reader.readline()
        writers.append(writer)
    more_mb = alive.rss_mb(whole=False) - before_mb
    for writer in writers:
        writer.close()
    return {"streams": opened, "streams_mb": round(more_mb, 1)}


def measure_flood(alive: Running, folder: Path) -> dict[str, object]:
    """p95 of one tenant with its share of clients: beside another that keeps to its share, and with ten times it."""
    other = with_token(alive.call, make_token())

    def measure_beside(clients: int) -> int:
        with ThreadPoolExecutor(1) as pool:
            noise = pool.submit(load, other, clients=clients, seconds=FLOOD_S + 1, folder=folder)
            ours = load(alive.call, clients=SHARE, seconds=FLOOD_S, folder=folder)
            noise.result()
        return ours.p95_us

    pairs = [(measure_beside(SHARE), measure_beside(FLOOD)) for _ in range(FLOOD_ROUNDS)]
    fair_ms, flood_ms = (round(median(pair[place] for pair in pairs) / 1000, 2) for place in (0, 1))
    ratio = round(median(flood / fair for fair, flood in pairs), 2)
    return {"fair_p95_ms": fair_ms, "flood_p95_ms": flood_ms, "flood_ratio": ratio}


def measure_recovery(alive: Running) -> dict[str, object]:
    """Seconds, of each kill."""
    took_s = []
    for _ in range(RECOVERIES):
        ask(alive)
        [child] = find_children(alive)
        began_s = time.perf_counter()
        child.send_signal(signal.SIGKILL)
        while not ask(alive):
            continue
        took_s.append(time.perf_counter() - began_s)
    middle_s, most_s = round(median(took_s), 3), round(max(took_s), 3)
    return {"recovery_p50_s": middle_s, "recovery_most_s": most_s, "recoveries": RECOVERIES}


def ask(alive: Running) -> bool:
    """One call; whether it was answered well."""
    call = alive.call
    body = f"{call.before}1{call.after}"
    answer = httpx.post(call.url + call.path, content=body, headers=call.headers, timeout=60, trust_env=False)
    return answer.status_code == 200 and call.proof in answer.text


def tell_memory(figures: dict[str, object]) -> str:
    return "{after_mb} MB; {half_mb} at half of them, {warm_mb} at first".format(**figures)


def tell_recovery(figures: dict[str, object]) -> str:
    return "{recovery_p50_s} s, at most {recovery_most_s} of {recoveries}".format(**figures)


def tell_flood(figures: dict[str, object]) -> str:
    return "{flood_p95_ms} ms beside {fair_p95_ms}, {flood_ratio} times".format(**figures)
