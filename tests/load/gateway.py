"""What a tools/call costs through our gateway and through those of others: CPU, calls a second, waiting, memory.

The same child, the same generator, in turns in one run; ours with tokens, limits, queue, validation, metrics and audit
on. CPU is of the whole family of processes, which includes the child, and beside it of the gateway alone. The p99 that
ours adds is its own less that of the child by itself, asked by as many in the same rounds. Source of the bounds: issue
"MCP gateway".
"""

import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple
from uuid import uuid4

from django.conf import settings
from msgspec import to_builtins

from tenants.keys import load_key_ring
from tenants.tokens.access import mint_access_token
from tests.fakes.json_server import Call, JsonServer, Reply
from tests.load.bare_child import measure_p99_ms
from tests.load.gateways import Running, describe_ours, list_peers, running
from tests.load.report import Report
from tests.load.wrk import Loaded, find_wrk, load

ROUNDS, ROUND_S = 3, 4.0
CLIENTS = (1, 16, 64)
TARGET_CPU_MS, TARGET_RATIO, TARGET_RATE = 0.07, 8.0, 8_000
TARGET_P99_MS = {16: 5.0, 64: 20.0}
NO_DATA = "no data"


def measure() -> Report:
    if find_wrk() is None:
        return Report("MCP gateway", {"skipped": "wrk"}, [("wrk is not there (make bench installs it)", NO_DATA)])
    with tempfile.TemporaryDirectory(prefix="dazbox-gateway-") as folder, serve_keys() as keys, ExitStack() as stack:
        ours = describe_ours(Path(folder), token=make_token(), environment=describe_environment(keys))
        alive = [stack.enter_context(running(one, Path(folder))) for one in (ours, *list_peers())]
        idle_mb = {one.gateway.name: one.rss_mb(whole=False) for one in alive}
        figures: dict[str, object] = {"rounds": ROUNDS, "round_s": ROUND_S}
        loads = {}
        for clients in CLIENTS:
            loads[clients], child_ms = ask_in_turns(alive, clients, folder=Path(folder))
            figures |= describe_added(clients, loads[clients]["ours"], child_ms)
        for one in alive:
            name = one.gateway.name
            figures[f"{name}_ready_s"] = round(one.ready_s, 2)
            figures[f"{name}_idle_mb"] = round(idle_mb[name], 1)
            figures[f"{name}_after_mb"] = round(one.rss_mb(whole=False), 1)
            for clients in CLIENTS:
                figures |= describe(name, clients, loads[clients][name])
    return report(figures, [one.gateway.name for one in alive])


class Round(NamedTuple):
    """What wrk found, and CPU-ms a call: of the family, and of the gateway alone."""

    loaded: Loaded
    cpu_ms: float
    own_cpu_ms: float


def ask_in_turns(alive: list[Running], clients: int, *, folder: Path) -> tuple[dict[str, list[Round]], list[float]]:
    """By name; and the p99 (ms) of the child by itself in each round."""
    found: dict[str, list[Round]] = {one.gateway.name: [] for one in alive}
    child_ms: list[float] = []
    for _ in range(ROUNDS):
        child_ms.append(measure_p99_ms(clients=clients, seconds=ROUND_S))
        for one in alive:
            before_s, own_before_s = one.cpu_s(), one.cpu_s(whole=False)
            loaded = load(one.call, clients=clients, seconds=ROUND_S, folder=folder)
            calls = max(loaded.requests, 1) / 1000
            spent = (one.cpu_s() - before_s) / calls, (one.cpu_s(whole=False) - own_before_s) / calls
            found[one.gateway.name].append(Round(loaded, *spent))
    return found, child_ms


def describe_added(clients: int, rounds: list[Round], child_ms: list[float]) -> dict[str, object]:
    """Of pairs: a round of ours and the child's before it."""
    added_ms = median(one.loaded.p99_us / 1000 - alone for one, alone in zip(rounds, child_ms, strict=True))
    return {
        f"child_{clients}_p99_ms": round(median(child_ms), 2),
        f"ours_{clients}_added_p99_ms": round(added_ms, 2),
    }


def describe(name: str, clients: int, rounds: list[Round]) -> dict[str, object]:
    loads = [one.loaded for one in rounds]
    return {
        f"{name}_{clients}_cpu_ms": round(median(one.cpu_ms for one in rounds), 4),
        f"{name}_{clients}_own_cpu_ms": round(median(one.own_cpu_ms for one in rounds), 4),
        f"{name}_{clients}_rate": round(median(one.rate for one in loads)),
        f"{name}_{clients}_p50_ms": round(median(one.p50_us for one in loads) / 1000, 2),
        f"{name}_{clients}_p95_ms": round(median(one.p95_us for one in loads) / 1000, 2),
        f"{name}_{clients}_p99_ms": round(median(one.p99_us for one in loads) / 1000, 2),
        f"{name}_{clients}_wrong": sum(one.wrong + one.lost for one in loads),
    }


def report(figures: dict[str, object], names: list[str]) -> Report:
    lines = []
    for clients in CLIENTS:
        for name in names:
            wanted = ("cpu_ms", "own_cpu_ms", "rate", "p50_ms", "p99_ms", "wrong")
            told = [figures[f"{name}_{clients}_{what}"] for what in wanted]
            amounts = "{:.3f} ms CPU ({:.3f} without the child), {:,} a second, p50 {}, p99 {} ms, {} wrong".format(
                *told
            )
            lines.append((f"{name}, {clients} clients", amounts))
    best = min((float(str(figures[f"{name}_16_cpu_ms"])) for name in names[1:]), default=None)
    ours = float(str(figures["ours_16_cpu_ms"]))
    figures |= {"target_cpu_ms": TARGET_CPU_MS, "target_rate": TARGET_RATE, "target_ratio": TARGET_RATIO}
    figures["cpu_ratio_to_best_peer"] = round(best / ours, 1) if best else None
    figures |= {f"target_{clients}_added_p99_ms": target_ms for clients, target_ms in TARGET_P99_MS.items()}
    lines += [tell_added(figures, clients) for clients in TARGET_P99_MS]
    lines += [
        (f"CPU of the best peer beside ours, 16 clients (target: {TARGET_RATIO:g} times)", tell_ratio(best, ours)),
        ("ready after, idle and afterwards", "{} s, {} MB, {} MB".format(*(
            figures[f"ours_{what}"] for what in ("ready_s", "idle_mb", "after_mb")))),
    ]  # fmt: skip
    return Report("MCP gateway: tools/call echo through one child, beside gateways of others", figures, lines)


def tell_added(figures: dict[str, object], clients: int) -> tuple[str, str]:
    what = f"p99 that ours adds to the child's own, {clients} clients (target: {TARGET_P99_MS[clients]:g} ms)"
    return what, "{} ms (its own: {} ms)".format(
        figures[f"ours_{clients}_added_p99_ms"], figures[f"child_{clients}_p99_ms"]
    )


def tell_ratio(best: float | None, ours: float) -> str:
    return NO_DATA if best is None else f"{best / ours:.1f} times"


def make_token() -> str:
    return mint_access_token(subject="bench", scopes=["read", "act"], tenant_id=uuid4())


def describe_environment(keys: JsonServer) -> dict[str, str]:
    return {
        "JWKS_URL": f"http://127.0.0.1:{keys.port}/.well-known/jwks.json",
        "JWT_ISSUER": settings.ENV.jwt_issuer,
        "JWT_AUDIENCE": settings.ENV.jwt_audience,
        "REDIS_URL": settings.ENV.redis_url,
        "MCP_RATE_SCALE": "100000",
    }


def serve_keys() -> JsonServer:
    """The keys our tokens verify with, as the web publishes them."""
    jwks = {"keys": [to_builtins(key.jwk) for key in load_key_ring(settings.ENV.jwt_keys_dir).keys.values()]}

    def respond(call: Call) -> Reply:
        return Reply(body=jwks)

    return JsonServer(respond)
