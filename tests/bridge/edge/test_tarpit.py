"""Who heeds a refusal is told at once; who goes on asking is held up, each tenant for itself."""

import asyncio
import time
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from bridge.gateway.refusal import Refusal
from bridge.gateway.tarpit import A_SECOND, FREE, MAX_TENANTS, MOST_S, Tarpit
from tests.bridge.edge.virtual import run
from tests.bridge.gateway.asking import SECONDS
from tests.bridge.gateway.running import child, running

ALICE, BOB = UUID(int=1), UUID(int=2)
TOO_MANY = Refusal("too-many", "Later.", status=429, code=1029)
MANY = 60


async def hold(tarpit: Tarpit, tenant: UUID, refusal: Refusal = TOO_MANY) -> float:
    """Seconds."""
    began_s = asyncio.get_running_loop().time()
    await tarpit.hold(tenant, refusal)
    return asyncio.get_running_loop().time() - began_s


def make() -> Tarpit:
    return Tarpit(clock=asyncio.get_running_loop().time)


def test_the_first_refusals_are_told_at_once_and_those_of_others_too() -> None:
    async def main() -> list[float]:
        tarpit = make()
        await asyncio.gather(*(hold(tarpit, ALICE) for _ in range(10 * FREE)))
        return [await hold(tarpit, BOB) for _ in range(FREE)]

    assert max(run(main())) == pytest.approx(0, abs=1e-6)


def test_who_asks_anew_as_soon_as_he_is_refused_is_refused_so_many_times_a_second() -> None:
    async def main() -> float:
        tarpit = make()
        return sum([await hold(tarpit, ALICE) for _ in range(FREE + 100)])

    assert run(main()) == pytest.approx(100 / A_SECOND)


def test_of_many_at_once_none_is_held_longer_than_a_second() -> None:
    async def main() -> list[float]:
        tarpit = make()
        held_s = await asyncio.gather(*(hold(tarpit, ALICE) for _ in range(500)))
        await asyncio.sleep(MOST_S + FREE / A_SECOND)
        return [max(held_s), await hold(tarpit, ALICE)]

    assert run(main()) == pytest.approx([MOST_S, 0])


def test_other_refusals_are_never_held() -> None:
    async def main() -> float:
        tarpit, missing = make(), Refusal("not-found", "It is not there.", status=404, code=-32601)
        return sum([await hold(tarpit, ALICE, missing) for _ in range(5 * FREE)])

    assert run(main()) == 0


def test_who_was_refused_long_ago_is_forgotten() -> None:
    async def main() -> int:
        tarpit = make()
        for number in range(3 * MAX_TENANTS):
            tarpit.take(UUID(int=number))
            await asyncio.sleep(0.1)
        return len(tarpit._used_s)

    assert run(main()) <= MAX_TENANTS


@pytest.mark.parametrize("path", ["/mcp/tools/call", "/mcp/servers/echo"])
def test_a_tenant_beyond_its_rate_is_refused_ever_later(tmp_path: Path, path: str) -> None:
    """On one connection. However slow the machine is, it is never sooner."""
    meta = {"io.modelcontextprotocol/protocolVersion": "2026-07-28", "io.modelcontextprotocol/clientCapabilities": {}}
    params = {"name": "echo", "arguments": {"text": "a"}, "_meta": meta}
    rpc = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    body = rpc if "servers" in path else {"name": "echo__echo", "arguments": {"text": "a"}}
    headers = {"mcp-protocol-version": "2026-07-28", "mcp-method": "tools/call", "mcp-name": "echo"}
    headers |= {"accept": "application/json, text/event-stream"}
    with (
        running(tmp_path, {"echo": child("fast_echo.py")}, MCP_RATE_SCALE="0.0001") as gateway,
        httpx.Client(timeout=SECONDS, trust_env=False) as http,
    ):
        began_s = time.monotonic()
        told = [http.post(gateway.base + path, json=body, headers=headers).status_code for _ in range(MANY)]
        took_s = time.monotonic() - began_s
    assert set(told[5:]) == {429}
    assert took_s >= (told.count(429) - FREE - 1) / A_SECOND
