"""One id from the request to its last echo: messages of Celery, jobs of the fair queue, log lines, error reports and
counts of a real worker over the real broker.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mcp_saas.kit.metric_folder import clean_folder, collect
from mcp_saas.kit.request_id import NAME, on_behalf_of
from tenants.models.job import Job
from tests.celery_worker import Worker, running_worker
from tests.committed import committed_database
from tests.factories import make_box
from tests.fakes.job_tasks import fail
from tests.fakes.json_server import Call, JsonServer, Reply
from tests.unit.mcp_saas.test_scrub import PUBKEY, SECRETS, SHORT

pytestmark = pytest.mark.fault
ASKED, ASKED_LATER = "5f0c2a6e-7a3d-4a55-9c1f-1c2a3b4c5d6e", "0a1b2c3d-7a3d-4a55-9c1f-1c2a3b4c5d6e"


@pytest.fixture(scope="module")
def reports() -> Iterator[JsonServer]:
    """Where Sentry would be."""
    with JsonServer(lambda call: Reply()) as server:
        yield server


@pytest.fixture(scope="module")
def counts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clean_folder(tmp_path_factory.mktemp("metrics"))


@pytest.fixture(scope="module")
def worker(
    django_db_setup: None,
    django_db_blocker: Any,
    tmp_path_factory: pytest.TempPathFactory,
    reports: JsonServer,
    counts: Path,
) -> Iterator[Worker]:
    folder = tmp_path_factory.mktemp("worker")
    variables = {"SENTRY_DSN": f"http://key@127.0.0.1:{reports.port}/1", "PROMETHEUS_MULTIPROC_DIR": str(counts)}
    with (
        committed_database(django_db_blocker),
        running_worker(folder, include="tests.fakes.job_tasks", **variables) as running,
    ):
        yield running


def lines_of(worker: Worker, request_id: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in worker.log.splitlines() if line.startswith("{")]
    return [line for line in lines if line.get(NAME) == request_id]


def read_envelope(call: Call) -> str:
    return (gzip.decompress(call.body) if call.headers.get("Content-Encoding") == "gzip" else call.body).decode()


def test_a_task_that_fails_tells_on_whose_behalf(worker: Worker, reports: JsonServer) -> None:
    secret = SECRETS["macaroon"]
    with on_behalf_of(ASKED):
        worker.app.send_task("tests.break", args=[f"{secret} of {PUBKEY}"])
    assert worker.reaches(lambda: bool(lines_of(worker, ASKED)))
    reports.wait_for_calls("/envelope/", 1)
    sent = "".join(read_envelope(call) for call in reports.calls)
    assert f'"{NAME}":"{ASKED}"' in sent.replace(" ", "")
    assert "refused" in sent
    for told in (sent, worker.log):
        assert secret not in told
        assert PUBKEY not in told
    assert SHORT in worker.log


def test_a_job_of_the_fair_queue_tells_it_too(worker: Worker) -> None:
    box = make_box("asking")
    with on_behalf_of(ASKED_LATER):
        fail.queue_for(box.tenant.id)
    assert worker.reaches(lambda: any(line["event"] == "job_failed" for line in lines_of(worker, ASKED_LATER)))
    assert Job.objects.get(dazbox=box.dazbox).request_id == ASKED_LATER
    fail.queue_for(box.tenant.id)
    assert set(Job.objects.filter(dazbox=box.dazbox).values_list("request_id", flat=True)) == {ASKED_LATER, ""}


def test_what_worker_processes_count_is_counted_together(worker: Worker, counts: Path) -> None:
    def count(task: str, outcome: str) -> float:
        samples = [sample for metric in collect(counts) for sample in metric.samples]
        wanted = {"task": task, "outcome": outcome}
        return sum(one.value for one in samples if one.name == "dazbox_tasks_total" and one.labels == wanted)

    before = count("tests.break", "failure")
    for _ in range(6):
        worker.app.send_task("tests.break", args=["nothing"])
    assert worker.reaches(lambda: count("tests.break", "failure") == before + 6)
    assert count("tenants.tasks.dispatch_jobs", "success") > 0
