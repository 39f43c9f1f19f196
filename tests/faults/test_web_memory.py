"""What large bodies took, the web process gives back."""

import sys
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mcp_saas.embedded.product import WEB_THREADS
from tenants.tokens.access import mint_access_token
from tests.faults.web_process import WebProcess, web_process

pytestmark = [pytest.mark.fault, pytest.mark.skipif(sys.platform != "linux", reason="PSS is Linux's measure")]
CLAIMS = "/api/v1/provisioning/claims"
LARGE = b"[" + b"1," * 2_000_000 + b"1]"
MOST_KEPT_MB = 12


def send(web: WebProcess, token: str, *, body: bytes, count: int) -> set[int]:
    """The statuses of `count` requests, as many at a time as the process has threads."""

    def send_one(_: int) -> int:
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": str(uuid.uuid4())}
        headers |= {"Content-Type": "application/json"}
        return httpx.post(web.url + CLAIMS, content=body, headers=headers, trust_env=False, timeout=60).status_code

    with ThreadPoolExecutor(WEB_THREADS) as pool:
        return set(pool.map(send_one, range(count)))


def test_after_large_bodies_in_parallel_the_web_process_is_as_small_as_before(committed_db: None) -> None:
    token = mint_access_token(subject=f"client:{uuid.uuid4()}", scopes=["provisioning"], tenant_id=None)
    with web_process() as web:
        assert send(web, token, body=b"[]", count=2 * WEB_THREADS) == {400}
        before_mb = web.measure_pss_mb()
        assert send(web, token, body=LARGE, count=3 * WEB_THREADS) == {400}
        assert web.measure_pss_mb() < before_mb + MOST_KEPT_MB
