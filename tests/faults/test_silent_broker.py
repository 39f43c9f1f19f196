"""The broker takes connections and says nothing (a Valkey that hangs): requests are answered all the same."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from mcp_saas.embedded.product import WEB_THREADS
from tenants.models.export import Export, ExportState
from tests.committed import ROOT, child_environment
from tests.conftest import ApiClient
from tests.factories import Box, make_box
from tests.faults.web_process import web_process

pytestmark = pytest.mark.fault
TIMEOUT_S = 90  # many times what four silent seconds need
SHOW_BROKER = "import mcp_saas.wsgi; from nodes.tasks import run_export; print(run_export.app.connection().as_uri())"


@pytest.fixture
def silent_url() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}/0"


def test_an_order_for_each_thread_of_the_web_process_leaves_it_answering(committed_db: None, silent_url: str) -> None:
    boxes = [make_box(f"orderer {number}") for number in range(WEB_THREADS)]
    tokens = [ApiClient().token_of(box) for box in boxes]
    with web_process(CELERY_BROKER_URL=silent_url) as web:

        def order(box: Box, token: str) -> int:
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"order-{box.dazbox.id}"}
            address = f"{web.url}/api/v1/provisioning/devices/{box.dazbox.id}/exports"
            return httpx.post(address, headers=headers, timeout=TIMEOUT_S, trust_env=False).status_code

        with ThreadPoolExecutor(WEB_THREADS) as pool:
            assert list(pool.map(order, boxes, tokens)) == [202] * WEB_THREADS
        assert httpx.get(f"{web.url}/api/v1/health", timeout=TIMEOUT_S, trust_env=False).status_code == 200
    waiting = Export.objects.filter(dazbox__in=[box.dazbox for box in boxes], state=ExportState.PENDING)
    assert waiting.count() == WEB_THREADS


def test_without_a_broker_of_its_own_the_web_process_sends_through_redis() -> None:
    environment = child_environment(REDIS_URL="redis://127.0.0.1:9/3", CELERY_BROKER_URL="")
    shown = subprocess.run(
        [sys.executable, "-c", SHOW_BROKER], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert shown.stdout == "redis://:**@127.0.0.1:9/3\n"
