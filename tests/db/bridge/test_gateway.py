"""A real gateway beside the control plane: what is wanted here runs there, and what is seen there is told here."""

import base64
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from bridge.engine.merge import Observed
from bridge.engine.observed import Condition
from bridge.engine.server import Pool, Server, Stdio
from bridge.manager.board import state_key
from bridge.manager.catalogue import add_server, set_running
from bridge.manager.command import restart_server
from bridge.manager.log import read_lines
from bridge.manager.publish import publish, try_publish
from bridge.manager.secret import set_secret
from bridge.manager.seen import observe, read_gateways
from bridge.models.secret import OwnSecret
from bridge.selectors.catalogue import find_row
from bridge.tasks import tend_catalogue
from tenants.context import enter_tenant
from tests.factories import Box
from tests.faults.embedded_instance import eventually

ROOT = Path(__file__).parents[3]
CHILDREN = ROOT / "tests" / "bridge" / "children"
FAST_ECHO = CHILDREN / "fast_echo.py"
PATIENCE_S = 60
pytestmark = pytest.mark.fault


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    with running(tmp_path) as (process, _):
        yield process


@contextmanager
def running(tmp_path: Path, **variables: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A gateway, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener, (tmp_path / "gateway.log").open("wb") as log:
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "REDIS_URL": settings.ENV.redis_url,
            "MCP_STATE_KEY": base64.b64encode(state_key() or b"").decode(),
            "MCP_SOCKET_FD": str(listener.fileno()),
            "JWKS_URL": "http://127.0.0.1:9/.well-known/jwks.json",
            **variables,
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge.gateway"],
            cwd=ROOT, env=environment, pass_fds=[listener.fileno()], stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield process, "http://{}:{}".format(*listener.getsockname())
        finally:
            process.terminate()
            process.wait(timeout=PATIENCE_S)


def wait_for(is_so: Callable[[Observed], bool]) -> Observed:
    found: list[Observed] = []

    def look() -> bool:
        seen = observe("echo")
        if seen is not None and is_so(seen):
            found.append(seen)
        return bool(found)

    assert eventually(look), f"not seen in time: {observe('echo')}"
    return found[0]


def test_a_server_runs_where_a_gateway_is_and_all_of_it_is_seen_here(gateway: subprocess.Popen[bytes]) -> None:
    add_server(Server("echo", Stdio(sys.executable, (str(FAST_ECHO),))), actor="test")
    publish()
    seen = wait_for(lambda one: one.condition is Condition.READY and bool(one.seen_pins))
    assert (seen.revision, seen.tools, seen.quarantined) == (1, 3, ())
    assert seen.capabilities == {"tools": {"listChanged": True}}
    [connection] = seen.connections
    assert connection.pid is not None

    tend_catalogue()
    assert {pin.tool for pin in find_row("echo").pins.all()} == {"echo", "add", "pid"}
    settled = wait_for(lambda one: one.revision == 2 and one.condition is Condition.READY)
    assert [one.pid for one in settled.connections] == [connection.pid]  # approval restarts nothing

    restart_server("echo")
    anew = wait_for(lambda one: [link.pid for link in one.connections if link.pid] not in ([], [connection.pid]))
    assert anew.connections[0].restarts >= 1 or anew.connections[0].pid != connection.pid
    assert {connection.pid, anew.connections[0].pid} <= {line.pid for line in read_lines("echo", stream="life")}

    set_running("echo", should_run=False, actor="test")
    publish()
    wait_for(lambda one: one.condition is Condition.STOPPED)
    assert [one.catalogue_revision for one in read_gateways()] == [publish()]


def test_a_tenant_s_connection_carries_its_own_secret_and_is_opened_anew_when_that_changes(
    alice: Box, tmp_path: Path
) -> None:
    child = Stdio(sys.executable, (str(CHILDREN / "own_word.py"),))
    add_server(Server("own", child, pool=Pool("per_credential", own_env=("WORD",))), actor="test")
    with running(tmp_path, MCP_ANONYMOUS=str(alice.dazbox.id)) as (_, address):

        def give(word: str) -> None:
            with enter_tenant(alice.tenant):
                set_secret(find_row("own"), OwnSecret(env={"WORD": word}), policy="per_credential", actor="test")
            assert try_publish()

        def carries(word: str) -> bool:
            body = {"name": "own__tell", "arguments": {}}
            answer = httpx.post(f"{address}/mcp/tools/call", json=body, timeout=PATIENCE_S)
            return answer.status_code == 200 and word in answer.text

        give("first")
        assert eventually(lambda: carries("first"))
        give("second")
        assert eventually(lambda: carries("second"))
