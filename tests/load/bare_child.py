"""The child of the gateway's benchmark by itself: over its pipe, by as many clients, without a gateway between."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from statistics import quantiles

from tests.load.gateways import ECHO, MODERN

CHUNK = 1 << 16
META = {"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}}


def measure_p99_ms(*, clients: int, seconds: float) -> float:
    """Of closed loops as wrk's are: each client asks anew once it is answered, and all are in one pipe."""
    with subprocess.Popen(ECHO, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        into, out = child.stdin.fileno(), child.stdout.fileno()
        ask(into, write_line(0, "server/discover", {}))
        next(read_ids(out))
        took_s = drive(into, out, clients=clients, seconds=seconds)
        child.stdin.close()
    return quantiles(took_s, n=100)[98] * 1000


def drive(into: int, out: int, *, clients: int, seconds: float) -> list[float]:
    """Seconds of each call."""
    began_s = time.perf_counter()
    asked_s = dict.fromkeys(range(1, clients + 1), began_s)
    ask(into, b"".join(write_call(number) for number in asked_s))
    took_s: list[float] = []
    last = clients
    for ids in read_ids(out):
        now_s = time.perf_counter()
        took_s += [now_s - asked_s.pop(number) for number in ids]
        if now_s - began_s < seconds:
            fresh = range(last + 1, last + 1 + len(ids))
            asked_s |= dict.fromkeys(fresh, now_s)
            last += len(ids)
            ask(into, b"".join(write_call(number) for number in fresh))
        elif not asked_s:
            break
    return took_s


def write_call(number: int) -> bytes:
    return write_line(number, "tools/call", {"name": "echo", "arguments": {"text": f"call/{number}"}})


def write_line(number: int, method: str, params: dict[str, object]) -> bytes:
    message = {"jsonrpc": "2.0", "id": number, "method": method, "params": params | {"_meta": META}}
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"


def ask(into: int, lines: bytes) -> None:
    while lines:
        lines = lines[os.write(into, lines) :]


def read_ids(out: int) -> Iterator[list[int]]:
    """Of the answers that came together. Raises RuntimeError for one that is wrong."""
    rest = b""
    while chunk := os.read(out, CHUNK):
        *lines, rest = (rest + chunk).split(b"\n")
        answers = [json.loads(line) for line in lines]
        if any("result" not in answer for answer in answers):
            raise RuntimeError(f"the child answered {answers}")
        yield [answer["id"] for answer in answers]
