"""A box whose actions live: approve, hand over, report, show in a snapshot."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from django.db.models import Max
from django.utils import timezone

from nodes.engine.report import ChannelPolicy
from nodes.models.action import Action
from nodes.models.journal import JournalEntry
from nodes.models.snapshot import Snapshot
from nodes.pipeline.action import approve_action
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.handover import ActionResult, hand_over, record_result
from nodes.pipeline.ingest import accept_snapshot
from tenants.context import enter_tenant
from tests.factories import TAKEN_AT, Box, make_snapshot


@contextmanager
def inside(box: Box) -> Iterator[None]:
    with enter_tenant(box.tenant):
        yield


def planned() -> list[Action]:
    return list(Action.objects.filter(state="planned").order_by("decision_id"))


def state_of(action: Action) -> str:
    action.refresh_from_db()
    return str(action.state)


def report(action: Action, *, success: bool = True, applied: ChannelPolicy | None = None, error: str = "") -> Action:
    result = ActionResult(success=success, at=timezone.now(), applied_policy=applied, error=error or None)
    return record_result(action, result)


def show(box: Box, *policies: tuple[Action, ChannelPolicy], taken_at: dt.datetime | None = None) -> None:
    """The next snapshot, in which these channels have these policies, and the others what they had."""
    present = {action.short_channel_id: policy for action, policy in policies}
    box.channels = [
        msgspec.structs.replace(channel, own_policy=present.get(channel.short_channel_id, channel.own_policy))
        for channel in box.channels
    ]
    seq = 1 + max(Snapshot.objects.values_list("seq", flat=True))
    accept_snapshot(make_snapshot(seq, box.channels, taken_at=taken_at or find_next_moment(seq)))


def find_next_moment(seq: int) -> dt.datetime:
    """After the last hand-over: what was read before it proves nothing."""
    sent_at = Action.objects.aggregate(last=Max("sent_at"))["last"] or TAKEN_AT
    return max(TAKEN_AT + dt.timedelta(minutes=seq), sent_at + dt.timedelta(seconds=1))


def write(box: Box, action: Action) -> Action:
    """Through its whole life."""
    approve_action(action, actor="test")
    return deliver(box, action)


def deliver(box: Box, action: Action) -> Action:
    """What is approved is written, reported and seen."""
    assert action.id in {one.id for one in hand_over("box")}
    report(action)
    show(box, (action, action.policy))
    assert state_of(action) == "confirmed"
    return action


def run_again() -> list[Action]:
    run_cycle()
    return planned()


def journal(kind: str = "action") -> list[str]:
    return [entry.detail.text for entry in JournalEntry.objects.filter(kind=kind).order_by("id")]
