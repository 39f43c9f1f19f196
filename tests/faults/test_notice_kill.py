"""Messages to the owner with a live worker and the Bot API on a socket: what happened is told, whoever dies or is away
meanwhile.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from django.utils import timezone

from nodes.engine.credential import Service
from nodes.models.action import Action
from nodes.models.kill_switch import WHOLE_NODE, SwitchDetail
from nodes.models.notice import Notice
from nodes.pipeline.credential import set_credential
from nodes.pipeline.ingest import accept_snapshot
from nodes.pipeline.kill_switch import set_switch
from nodes.pipeline.release import ReleaseChange, change_release
from nodes.selectors.notice import read_notifications
from tenants.context import enter_tenant
from tenants.models.job import Job, JobLane
from tenants.models.schedule import CycleSchedule
from tenants.queue import LOST_AFTER
from tests.celery_worker import Worker, running_worker
from tests.committed import committed_database
from tests.db.nodes.acting import deliver
from tests.factories import Box, make_box, make_channel, make_offer, make_snapshot
from tests.fakes.json_server import JsonServer
from tests.fakes.telegram import CHAT, TOKEN, Stall, Telegram
from tests.faults.embedded_instance import DEADLINE_S

pytestmark = pytest.mark.fault
STOPPED = "Kill switch, node\nKill switch of the node set by the owner: a pause"


@dataclass
class Stage:
    """A worker, and the Bot API it sends to."""

    worker: Worker
    telegram: Telegram
    port: int

    def tells(self, box: Box, *texts: str) -> bool:
        """Until the owner of the box has got these and nothing waits any more; moments to wait for are over."""

        def is_told() -> bool:
            hurry(box)
            return count_waiting(box) == 0 and self.telegram.texts == list(texts)

        is_reached = self.worker.reaches(is_told)
        print(self.telegram.texts)
        return is_reached


@pytest.fixture(scope="module")
def stage(django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    telegram = Telegram()
    with telegram.serve() as server:
        port = server.port
    url = f"http://127.0.0.1:{port}"
    folder = tmp_path_factory.mktemp("worker")
    with committed_database(django_db_blocker), running_worker(folder, TELEGRAM_API_URL=url) as worker:
        yield Stage(worker, telegram, port)


@pytest.fixture
def api(stage: Stage) -> Iterator[JsonServer]:
    stage.telegram.texts.clear()
    with stage.telegram.serve(stage.port) as server:
        yield server


def make_told_box(name: str) -> Box:
    """Its owner has a bot."""
    box = make_box(name)
    with enter_tenant(box.tenant):
        box.channels = [make_channel(1), make_channel(2, local_balance_sat=100_000)]
        accept_snapshot(make_snapshot(1, box.channels))
        set_credential(Service.TELEGRAM, make_offer(TOKEN, chat_id=CHAT), actor="test")
    return box


def stop_node(box: Box) -> None:
    with enter_tenant(box.tenant):
        set_switch(WHOLE_NODE, SwitchDetail("a pause", None), actor="owner")


def count_waiting(box: Box) -> int:
    with enter_tenant(box.tenant):
        return Notice.objects.filter(state="waiting").count()


def hurry(box: Box) -> None:
    """Whatever waits for a moment has it now."""
    now = timezone.now()
    with enter_tenant(box.tenant):
        Notice.objects.filter(state="waiting", due_at__gt=now).update(due_at=now)
        row = read_notifications()
        if row.pace.not_before and row.pace.not_before > now:
            row.pace = msgspec.structs.replace(row.pace, not_before=None)
            row.save()
    Job.objects.filter(dazbox=box.dazbox, due_at__gt=now).update(due_at=now)


def approved(box: Box) -> list[Action]:
    with enter_tenant(box.tenant):
        return list(Action.objects.filter(state="approved").order_by("decision_id"))


def tell_written(action: Action) -> str:
    inputs, outcome = action.decision.inputs, action.decision.outcome
    rates = f"{action.expected_policy.fee_rate_ppm} to {action.policy.fee_rate_ppm} ppm"
    return f"{action.short_channel_id} with {inputs.channel.peer_alias}: fee rate {rates}. {outcome.reason}"


def test_what_a_live_box_wrote_arrives_as_one_digest_and_nothing_else(stage: Stage, api: JsonServer) -> None:
    box = make_told_box("live")
    with enter_tenant(box.tenant):
        change_release(ReleaseChange(mode="live"), actor="owner")
    begun = "The fee engine, node\nMode set to live: set by the owner"
    assert stage.tells(box, begun)
    with enter_tenant(box.tenant):
        accept_snapshot(make_snapshot(2, box.channels))
    CycleSchedule.objects.filter(dazbox=box.dazbox).update(next_run_at=timezone.now(), started_at=None)
    assert stage.worker.reaches(lambda: len(approved(box)) == 2)
    with enter_tenant(box.tenant):
        actions = [deliver(box, action) for action in approved(box)]
        lines = sorted(tell_written(action) for action in actions)
    digest = "\n".join(["Fees written (2), node", *lines])
    assert stage.tells(box, begun, digest)


@pytest.mark.parametrize(
    ("takes_it", "arrives"), [(False, 1), (True, 2)], ids=["lost on its way", "taken, and the answer lost"]
)
def test_a_message_whose_worker_is_killed_under_way_is_delivered(
    stage: Stage, api: JsonServer, takes_it: bool, arrives: int
) -> None:
    box = make_told_box(f"killed {takes_it}")
    stall = stage.telegram.stall = Stall(takes_it)
    stop_node(box)
    try:
        assert stall.reached.wait(DEADLINE_S)
        stage.worker.kill_children()
        assert count_waiting(box) == 1
    finally:
        stall.over.set()
    JobLane.objects.exclude(busy_since=None).update(busy_since=timezone.now() - LOST_AFTER)
    assert stage.tells(box, *[STOPPED] * arrives)


def test_what_happened_while_the_bot_api_was_away_comes_later(stage: Stage) -> None:
    stage.telegram.texts.clear()
    box = make_told_box("away")
    stop_node(box)

    def was_tried_twice() -> bool:
        hurry(box)
        with enter_tenant(box.tenant):
            return Notice.objects.get().attempts >= 2

    assert stage.worker.reaches(was_tried_twice)
    with stage.telegram.serve(stage.port):
        assert stage.tells(box, STOPPED)
    with enter_tenant(box.tenant):
        assert Notice.objects.get().state == "sent"
