"""Connections of a tenant's own, and a server that stands at several addresses."""

import asyncio
import base64
import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import UUID

import httpx
import psutil
import pytest
from redis import Redis

from bridge.engine.board import CATALOGUE, CHANGED, seal_catalogue
from bridge.engine.own_secrets import ALL, MARK_BYTES, SECRETS, seal_secrets
from bridge.engine.server import Catalogue, Limits, Pool, Server, Stdio, TenantSecret
from tests.bridge.edge.issuer import AUDIENCE, ISSUER, Issuer, serve
from tests.bridge.gateway.asking import call, call_text, see
from tests.bridge.gateway.running import CHILDREN, ROOT, TENANT, Running, child, running, wait_for

pytestmark = pytest.mark.fault
STATE_KEY = bytes(range(32))
ANN, BOB = UUID(int=1), UUID(int=2)


@contextmanager
def board(redis_url: str) -> Iterator[Callable[[Catalogue], None]]:
    """Where the control plane puts the catalogue."""
    with Redis.from_url(redis_url) as redis:

        def publish(catalogue: Catalogue) -> None:
            redis.set(CATALOGUE, seal_catalogue(catalogue, STATE_KEY))
            redis.publish(CHANGED, str(catalogue.revision))

        yield publish
        redis.delete(CATALOGUE, SECRETS)


def give_secret(redis_url: str, tenant: UUID, word: str) -> None:
    own = TenantSecret("one", tenant, env={"API_KEY": word})
    sealed = seal_secrets([own], STATE_KEY, tenant_id=tenant, mark=b"m" * MARK_BYTES)
    with Redis.from_url(redis_url) as redis:
        redis.hset(SECRETS, mapping={ALL: b"m", str(tenant): sealed})


def in_redis(redis_url: str) -> dict[str, str]:
    return {"MCP_SERVERS_FILE": "", "REDIS_URL": redis_url, "MCP_STATE_KEY": base64.b64encode(STATE_KEY).decode()}


def faulty(*arguments: str, revision: int = 1, pool: Pool | None = None, limits: Limits | None = None) -> Server:
    how = Stdio(sys.executable, (str(CHILDREN / "faulty.py"), *arguments))
    return Server("one", how, revision=revision, pool=pool or Pool(), limits=limits or Limits())


def show_state(gateway: Running, token: str) -> dict[str, dict[str, str]]:
    body = {"name": "one__state", "arguments": {}}
    headers = {"authorization": f"Bearer {token}"}
    told = httpx.post(f"{gateway.base}/mcp/tools/call", json=body, headers=headers, timeout=60, trust_env=False)
    state: dict[str, dict[str, str]] = json.loads(told.json()["content"][0]["text"])
    return state


def test_each_tenant_has_a_child_with_its_own_secret(tmp_path: Path, redis_url: str) -> None:
    def look(issuer: Issuer) -> None:
        environment = in_redis(redis_url) | {
            "JWKS_URL": issuer.url, "JWT_ISSUER": ISSUER, "JWT_AUDIENCE": AUDIENCE, "MCP_ANONYMOUS": "",
        }  # fmt: skip
        with board(redis_url) as publish:
            give_secret(redis_url, ANN, "of Ann")
            give_secret(redis_url, BOB, "of Bob")
            publish(Catalogue(1, (faulty(pool=Pool("per_credential", own_env=("API_KEY",))),)))
            with running(tmp_path, {}, **environment) as gateway:
                for tenant, word in ((ANN, "of Ann"), (BOB, "of Bob"), (ANN, "of Ann")):
                    token = issuer.sign(tenant_id=str(tenant))
                    assert show_state(gateway, token)["environment"]["API_KEY"] == word
                stranger = issuer.sign(tenant_id=str(UUID(int=3)))
                assert "API_KEY" not in show_state(gateway, stranger)["environment"]

    async def main() -> None:
        async with serve() as issuer:
            await asyncio.to_thread(look, issuer)

    asyncio.run(main())


def test_of_changes_that_follow_each_other_the_newest_stays(tmp_path: Path, redis_url: str) -> None:
    """Also where the newest takes longer to start than the one before."""
    with board(redis_url) as publish:
        publish(Catalogue(1, (faulty("first"),)))
        with running(tmp_path, {}, **in_redis(redis_url)) as gateway:
            wait_for(lambda: call(gateway, "one__pid").status_code == 200, what="the first")
            publish(Catalogue(2, (faulty("second", "--probe", "slow", revision=2),)))
            wait_for(lambda: len(gateway.children()) > 2, what="the second starts")
            publish(Catalogue(3, (faulty("third", revision=3),)))
            publish(Catalogue(4, (faulty("fourth", "--probe", "silent", "--era", "legacy", revision=4),)))
            wait_for(lambda: "fourth" in list_arguments(gateway), what="the fourth")
            assert call_text(gateway, "one__echo", text="on") == "on"
            wait_for(lambda: list_arguments(gateway) == ["fourth"], what="the end of all others")


def test_a_change_applies_while_calls_wait_and_none_is_lost(tmp_path: Path, redis_url: str) -> None:
    limits = Limits(in_flight=1, queued=64)
    with board(redis_url) as publish:
        publish(Catalogue(1, (faulty("first", limits=limits),)))
        with running(tmp_path, {}, **in_redis(redis_url)) as gateway, ThreadPoolExecutor(17) as pool:
            wait_for(lambda: call(gateway, "one__pid").status_code == 200, what="the first")
            slow = pool.submit(call_text, gateway, "one__wait", until=str(tmp_path / "done"))
            wait_for(lambda: see(gateway, "one")["in_flight"] == 1, what="a call under way")
            waiting = [pool.submit(call_text, gateway, "one__echo", text=str(number)) for number in range(16)]
            wait_for(lambda: see(gateway, "one")["waiting"] == 16, what="calls that wait")
            publish(Catalogue(2, (faulty("second", limits=limits, revision=2),)))
            wait_for(lambda: list_arguments(gateway) == ["first", "second"], what="the second beside the first")
            (tmp_path / "done").touch()
            assert slow.result() == "waited"
            assert [one.result() for one in waiting] == [str(number) for number in range(16)]
            wait_for(lambda: list_arguments(gateway) == ["second"], what="the end of the first")


def test_a_server_at_several_addresses_goes_on_without_one_of_them(tmp_path: Path) -> None:
    """Its calls go to the others, and to it again when it is back."""
    with replica(tmp_path, find_free_port()) as first, ExitStack() as until_killed:
        port = find_free_port()
        second = until_killed.enter_context(replica(tmp_path, port))
        own = {"is_trusted": True, "replicas": [second], "pool": {"policy": "several"}}
        with running(tmp_path, {"one": {"url": first, "dazbox": own}}) as gateway:
            wait_for(lambda: len(ask_in_turn(gateway)) == 2, what="calls at both")
            until_killed.close()
            wait_for(lambda: len(ask_in_turn(gateway)) == 1, what="calls at the one that is left")
            wait_for(lambda: "ready" in tell_conditions(gateway) != {"ready"}, what="that one is away is told")
            assert see(gateway, "one")["breaker"] == "closed"
            with replica(tmp_path, port):
                wait_for(lambda: len(ask_in_turn(gateway)) == 2, what="calls at both again")


def ask_in_turn(gateway: Running) -> set[str]:
    """Who answered; empty where a call failed."""
    told = [call(gateway, "one__pid") for _ in range(6)]
    return {one.text for one in told} if all(one.status_code == 200 for one in told) else set()


def tell_conditions(gateway: Running) -> set[str]:
    return {one["condition"] for one in see(gateway, "one")["connections"]}


def find_free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@contextmanager
def replica(folder: Path, port: int) -> Iterator[str]:
    """The address of a server behind HTTP: another gateway will do. It ends without a good-bye."""
    file = folder / f"{port}.json"
    file.write_text(json.dumps({"mcpServers": {"echo": child("fast_echo.py")}}), encoding="utf-8")
    environment = {
        "PATH": "/usr/bin:/bin",
        "MCP_SERVERS_FILE": str(file),
        "MCP_ANONYMOUS": TENANT,
        "MCP_PORT": str(port),
    }
    command = [sys.executable, "-m", "bridge.gateway"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: can_reach(url), what="another server")
        yield f"{url}/mcp/servers/echo"
    finally:
        process.kill()
        process.wait(60)


def can_reach(url: str) -> bool:
    try:
        return httpx.get(f"{url}/mcp/status", timeout=60, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def list_arguments(gateway: Running) -> list[str]:
    """What the children of the gateway were started with."""
    script, found = str(CHILDREN / "faulty.py"), list[str]()
    for one in gateway.children():
        with suppress(psutil.Error):  # it ends while it is looked at
            line = one.cmdline()
            found += line[line.index(script) + 1 :][:1] if script in line else []
    return found
