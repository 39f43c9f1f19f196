"""Redis is killed, or hangs, for a while: every read answers as before, limits go on in the process, all comes back.

`OUTAGE_S`: how long (`make judge`: 60 seconds).
"""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from mcp_saas.embedded.valkey import find_server
from nodes.engine.credential import CredentialOffer, Service
from nodes.pipeline.credential import set_credential
from tenants.context import enter_tenant
from tenants.tokens.access import mint_access_token
from tests.api.case import cases
from tests.api.openapi_document import list_operations
from tests.conftest import fill_box
from tests.factories import Box, make_box
from tests.fakes.provider_server import KEY
from tests.faults.embedded_instance import eventually
from tests.faults.web_process import WebProcess, web_process

pytestmark = pytest.mark.fault
OUTAGE_S = float(os.environ.get("OUTAGE_S", "8"))  # noqa: TID251 - how long a test lasts is no setting of the product
SLOWEST_S = 30.0  # half of what a client waits for a request that hangs with Redis
QUOTA = 6  # of a minute, at the scale below
SCALE = "0.01"
UP, DOWN = "connected", "disconnected"


class OwnRedis:
    """A Valkey on a port of its own, which comes back there."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self.url = f"redis://127.0.0.1:{port}/0"
        self.start()

    def start(self) -> None:
        options = ["--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        with (self._folder / "valkey.log").open("ab") as log:
            self.process = subprocess.Popen([str(find_server()), *options], stdout=log, stderr=log)
        with redis.Redis.from_url(self.url) as client:
            assert eventually(lambda: answers(client))

    def end(self) -> None:
        self.process.kill()
        self.process.wait(10)


def answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False


@pytest.fixture
def own_redis(tmp_path: Path, port: int) -> Iterator[OwnRedis]:
    server = OwnRedis(tmp_path, port)
    yield server
    server.end()


@pytest.fixture
def box(committed_db: None) -> Box:
    """With a record of everything, and keys of providers that nobody reaches."""
    box = fill_box(make_box("outlasting"), forwards=5)
    with enter_tenant(box.tenant):
        set_credential(Service.SPARKSEER, CredentialOffer(KEY), actor="the owner")
    return box


def list_reads(box: Box) -> list[str]:
    """Every read of a box that there is, but for those that name a thing."""
    reads = [one for one in list_operations("/api/v1/node/{pubkey}/") if one.method == "GET"]
    return [one.address(pubkey=box.pubkey) for one in reads if one.places == ["pubkey"]]


def sign(box: Box) -> dict[str, str]:
    token = mint_access_token(subject=str(box.dazbox.id), scopes=["read"], tenant_id=box.dazbox.id)
    return {"Authorization": f"Bearer {token}"}


def read_states(web: WebProcess) -> tuple[str, str]:
    services = httpx.get(f"{web.url}/api/v1/health", timeout=30, trust_env=False).json()["services"]
    return services["cache"], services["broker"]


@pytest.mark.timeout(300)
@cases({"killed": signal.SIGKILL, "hangs": signal.SIGSTOP})
def test_reads_answer_as_before_while_redis_is_away(case: signal.Signals, box: Box, own_redis: OwnRedis) -> None:
    reads = list_reads(box)
    assert len(reads) > 10
    with (
        web_process(REDIS_URL=own_redis.url, CELERY_BROKER_URL=own_redis.url) as web,
        httpx.Client(base_url=web.url, headers=sign(box), timeout=60, trust_env=False) as client,
    ):
        before = {path: client.get(path).status_code for path in reads}
        assert max(before.values()) < 500
        assert read_states(web) == (UP, UP)
        own_redis.process.send_signal(case)
        seen, slowest_s, ends_at_s = Counter[bool](), 0.0, time.monotonic() + OUTAGE_S
        while time.monotonic() < ends_at_s:
            for path in reads:
                began_s = time.monotonic()
                status = client.get(path).status_code
                slowest_s = max(slowest_s, time.monotonic() - began_s)
                assert status == before[path], path
                seen[status < 500] += 1
        assert (seen[False], seen[True] >= len(reads)) == (0, True)
        assert slowest_s < SLOWEST_S
        assert read_states(web) == (DOWN, DOWN)
        if case == signal.SIGSTOP:
            own_redis.process.send_signal(signal.SIGCONT)
        else:
            own_redis.end()
            own_redis.start()
        assert eventually(lambda: read_states(web) == (UP, UP))
        assert {path: client.get(path).status_code for path in reads} == before


def test_the_process_itself_keeps_the_limits_meanwhile(box: Box, own_redis: OwnRedis) -> None:
    with (
        web_process(REDIS_URL=own_redis.url, CELERY_BROKER_URL=own_redis.url, RATE_LIMIT_SCALE=SCALE) as web,
        httpx.Client(base_url=web.url, headers=sign(box), timeout=60, trust_env=False) as client,
    ):
        own_redis.end()
        answered = [client.get(box.path("mode")) for _ in range(QUOTA + 4)]
        assert [answer.status_code for answer in answered] == [200] * QUOTA + [429] * 4
        assert int(answered[-1].headers["Retry-After"]) > 0
        own_redis.start()
        assert eventually(lambda: client.get(box.path("mode")).status_code == 200)
