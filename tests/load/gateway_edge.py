"""Microseconds of one call in each part of the gateway's edge: python -m tests.load.gateway_edge [calls].

One thread, no socket; the best of the rounds, in CPU time, since other work on the machine only ever adds.
"""

import asyncio
import hashlib
import sys
import time
from collections.abc import Callable, Coroutine
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from bridge.engine.audited import AuditedCall
from bridge.engine.server import Access, Server, Stdio
from bridge.engine.tool import read_tool
from bridge.gateway.audit import Audit
from bridge.gateway.cache import Answers, make_key
from bridge.gateway.door import access
from bridge.gateway.door.caller import Caller
from bridge.gateway.door.entrance import Door, Grant
from bridge.gateway.door.origin import Origins
from bridge.gateway.door.token import Verified
from bridge.gateway.limits import check_shape
from bridge.gateway.metrics import Metrics
from bridge.gateway.pins import Pins
from bridge.gateway.queue import FairQueue
from bridge.gateway.rates import Rates, weigh
from bridge.gateway.schema import Schemas
from bridge.gateway.single_flight import Flights

ROUNDS = 25
CALLS = 2_000
TENANT = UUID("0b9d6c1e-6a0f-4a8e-9a53-1f2e3d4c5b6a")
ARGUMENTS = b'{"text":"hello world, this is an argument","n":12}'
BODY = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":%b}}' % ARGUMENTS
SCHEMA = (
    b'{"type":"object","properties":{"text":{"type":"string","maxLength":1000},"n":{"type":"integer","minimum":0}},'
    b'"required":["text"],"additionalProperties":false}'
)
TOKEN = "h" * 60 + "." + "c" * 480 + "." + "s" * 86  # as long as ours are


async def measure(make: Callable[[], object] | Callable[[], Coroutine[object, object, object]], calls: int) -> float:
    """Microseconds a call; what a loop itself takes is in it."""
    is_async = asyncio.iscoroutinefunction(make)
    best_s = float("inf")
    for _ in range(ROUNDS):
        began_s = time.process_time()
        if is_async:
            for _ in range(calls):
                await make()  # type: ignore[misc]
        else:
            for _ in range(calls):
                make()
        best_s = min(best_s, time.process_time() - began_s)
    return best_s / calls * 1e6


def make_parts() -> dict[str, Callable[[], object]]:
    caller = Caller("box", TENANT, frozenset({"read", "act"}), "session", TOKEN, time.time() + 900)
    door = Door(None, issuer="i", audience="a")
    grant = Grant(Verified(caller, 0), good_until=time.time() + 900, keys_version=0)
    door._grants[TOKEN.encode()] = grant
    scope = {"scheme": "http", "headers": [
        (b"host", b"localhost:8001"), (b"user-agent", b"wrk"), (b"accept", b"application/json, text/event-stream"),
        (b"content-type", b"application/json"), (b"content-length", b"120"),
        (b"mcp-protocol-version", b"2026-07-28"), (b"mcp-method", b"tools/call"),
        (b"authorization", b"Bearer " + TOKEN.encode()),
    ]}  # fmt: skip
    origins, rates, pins, schemas = Origins(hosts=(), origins=()), Rates(1e6), Pins(), Schemas()
    tool = read_tool(b'{"name":"echo","inputSchema":%b,"annotations":{"readOnlyHint":true}}' % SCHEMA)
    pins.learn(Server("home", Stdio("home")), [tool])
    schemas.learn("home", {"echo": SCHEMA})
    queue, metrics, answers = FairQueue(64, 256), Metrics(), Answers(1 << 20)
    flights: Flights[bytes] = Flights()
    audit = Audit(None)
    audit._redis = object()  # type: ignore[assignment]
    rows = audit._rows
    mine = Access()

    async def door_admits() -> None:
        await door.admit(scope)

    async def turn() -> None:
        await queue.enter(TENANT, deadline_s=30)
        queue.leave(TENANT)

    async def flight() -> None:
        await flights.run(b"key", answer, timeout_s=30)

    async def answer() -> bytes:
        return b"{}"

    def note() -> None:
        audit.note(AuditedCall(
            1.5, TENANT, "box", "home", "echo", "a" * 64, "ok", 1.25, "request-1", "gateway-1",
        ))  # fmt: skip
        rows.clear()

    return {
        "host and origin": lambda: origins.check(scope),
        "door (a known token)": door_admits,
        "shape": lambda: check_shape(BODY),
        "access": lambda: access.check(caller, mine, server="home", tool=tool),
        "rates": lambda: rates.take(caller, "home", cost=weigh(len(BODY))),
        "pins": lambda: pins.check("home", "echo"),
        "schema, twins, one spelling": lambda: schemas.check("home", "echo", arguments=ARGUMENTS),
        "hash of arguments": lambda: hashlib.sha256(ARGUMENTS).hexdigest(),
        "queue (a place is free)": turn,
        "audit": note,
        "metrics": lambda: metrics.note("home", "ok", seconds=0.001),
        "* cache: key and look": lambda: answers.find(make_key("home", "echo", params=ARGUMENTS, tenant=TENANT)),
        "* single flight (alone)": flight,
    }


async def run(calls: int = CALLS) -> dict[str, float]:
    """By part; those with a star are of tools alone whose answers are kept."""
    return {name: await measure(make, calls) for name, make in make_parts().items()}


def measure_signature() -> float:
    """Of a token that is not known yet, once a minute: microseconds."""
    key = ec.generate_private_key(ec.SECP256R1())
    token = jwt.encode({"sub": "box"}, key, "ES256")
    began_s = time.process_time()
    for _ in range(500):
        jwt.decode(token, key.public_key(), algorithms=["ES256"])
    return (time.process_time() - began_s) / 500 * 1e6


def main() -> None:
    found = asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else CALLS))
    for name, us in found.items():
        print(f"{us:7.2f} us  {name}")
    always = sum(us for name, us in found.items() if not name.startswith("*"))
    print(f"{always:7.2f} us  together; {sum(found.values()):.2f} with the cache")
    print(f"{measure_signature():7.0f} us  a signature, once a minute a token")


if __name__ == "__main__":
    main()
