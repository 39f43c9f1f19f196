"""Webhooks with live workers and receivers on sockets: none is lost, and a slow one holds nobody else up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.utils import timezone

from nodes.engine.webhook.endpoint import Target
from nodes.models.webhook import WebhookDelivery, WebhookEndpoint
from nodes.pipeline.webhook.endpoint import create_endpoint
from nodes.pipeline.webhook.replay import send_test
from tenants.context import enter_tenant
from tenants.models.job import Job, JobLane
from tenants.queue import LOST_AFTER
from tests.celery_worker import Worker, running_worker
from tests.committed import committed_database
from tests.factories import Box, make_box
from tests.fakes.receiver import Receiver
from tests.fakes.telegram import Stall
from tests.faults.embedded_instance import DEADLINE_S

pytestmark = pytest.mark.fault


@dataclass
class Stage:
    """A worker with two processes, and receivers: of the box that is looked at, and of a neighbour."""

    worker: Worker
    receiver: Receiver
    port: int
    other: Receiver
    other_port: int

    def delivers(self, box: Box, count: int) -> bool:
        """Until so many came and nothing waits any more; moments to wait for are over."""

        def is_settled() -> bool:
            hurry(box)
            return count_waiting(box) == 0 and len(self.receiver.taken) == count

        return self.worker.reaches(is_settled)


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    receiver, other = Receiver(), Receiver()
    with receiver.serve() as server, other.serve() as other_server:
        ports = (server.port, other_server.port)
        trusted = ",".join(f"127.0.0.1:{port}" for port in ports)
        folder = tmp_path_factory.mktemp("worker")
        with committed_database(django_db_blocker), running_worker(folder, TRUSTED_WEBHOOKS=trusted) as worker:
            yield Stage(worker, receiver, ports[0], other, ports[1])


@pytest.fixture(autouse=True)
def forget(stage: Stage) -> None:
    for receiver in (stage.receiver, stage.other):
        receiver.taken.clear()
        receiver.calls.clear()


def make_hooked_box(name: str, receiver: Receiver, port: int, settings: Any) -> Box:
    """Its owner has one endpoint."""
    settings.ENV = settings.ENV.model_copy(update={"trusted_webhooks": [("127.0.0.1", port)]})
    box = make_box(name)
    with enter_tenant(box.tenant):
        endpoint = create_endpoint(Target(url=f"http://127.0.0.1:{port}/"), actor="test")
    receiver.secrets.append(endpoint.secrets.current)
    return box


def tell(box: Box) -> None:
    with enter_tenant(box.tenant):
        send_test(WebhookEndpoint.objects.get().id)


def count_waiting(box: Box) -> int:
    with enter_tenant(box.tenant):
        return WebhookDelivery.objects.filter(state="waiting").count()


def hurry(box: Box) -> None:
    """Whatever waits for a moment has it now."""
    now = timezone.now()
    with enter_tenant(box.tenant):
        WebhookDelivery.objects.filter(state="waiting", due_at__gt=now).update(due_at=now)
        WebhookEndpoint.objects.update(paused_until=None)
    Job.objects.filter(dazbox=box.dazbox, due_at__gt=now).update(due_at=now)


@pytest.mark.parametrize(
    ("takes_it", "arrives"), [(False, 1), (True, 2)], ids=["lost on its way", "taken, and the answer lost"]
)
def test_a_webhook_whose_worker_is_killed_under_way_is_delivered_under_the_same_id(
    stage: Stage, settings: Any, takes_it: bool, arrives: int
) -> None:
    box = make_hooked_box(f"killed {takes_it}", stage.receiver, stage.port, settings)
    stall = stage.receiver.stall = Stall(takes_it)
    tell(box)
    try:
        assert stall.reached.wait(DEADLINE_S)
        stage.worker.kill_children()
        assert count_waiting(box) == 1
    finally:
        stall.over.set()
    JobLane.objects.exclude(busy_since=None).update(busy_since=timezone.now() - LOST_AFTER)
    assert stage.delivers(box, arrives)
    assert len({message_id for message_id, _ in stage.receiver.taken}) == 1


def test_while_one_receiver_is_slow_a_neighbours_events_arrive(stage: Stage, settings: Any) -> None:
    slow = make_hooked_box("slow", stage.other, stage.other_port, settings)
    quick = make_hooked_box("quick", stage.receiver, stage.port, settings)
    stall = stage.other.stall = Stall(takes_it=True)
    for _ in range(20):
        tell(slow)
    try:
        assert stall.reached.wait(DEADLINE_S)
        tell(quick)
        assert stage.worker.reaches(lambda: stage.receiver.events == ["webhook.test"])
        assert stage.other.taken == stage.other.taken[:1]
    finally:
        stall.over.set()
