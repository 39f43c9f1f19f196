"""Reports that ask for a cycle before its turn: noticed here, noted, and named by the run that follows."""

import datetime as dt
from collections.abc import Sequence

from msgspec.structs import replace

from nodes.engine.report import Forward, NodeSnapshot
from nodes.engine.trigger import SURGE_HISTORY, Trigger, Watch, watch_forwards, watch_snapshot
from nodes.models.node import OwnNode
from nodes.pipeline.journal import note
from nodes.selectors.forward import load_forwards

SCHEDULE = "schedule"
STARTED_BY_CHARS = 128


def notice_snapshot(node: OwnNode, snapshot: NodeSnapshot) -> list[Trigger]:
    """What speaks, in the transaction that takes the snapshot in. The caller saves `node.watch`."""
    node.watch, speaking = watch_snapshot(node.watch or Watch(), snapshot)
    _note(speaking)
    return speaking


def notice_forwards(node: OwnNode, events: Sequence[Forward], *, now: dt.datetime) -> list[Trigger]:
    """As `notice_snapshot`, of a batch of forwards. Days are read only where the batch may be part of a surge."""
    if sum(event.status != "settled" for event in events) == 0:
        return []
    recent = load_forwards(since=now - SURGE_HISTORY, until=now)
    node.watch, speaking = watch_forwards(node.watch or Watch(), recent, now=now)
    _note(speaking)
    return speaking


def take_triggers(node: OwnNode) -> str:
    """What started the run that asks, in its transaction: the schedule, or the kinds of the triggers that waited."""
    if node.watch is None or not node.watch.waiting:
        return SCHEDULE
    kinds = sorted({trigger.kind for trigger in node.watch.waiting})
    node.watch = replace(node.watch, waiting=[])
    node.save(update_fields=["watch"])
    return ",".join(kinds)[:STARTED_BY_CHARS]


def _note(speaking: Sequence[Trigger]) -> None:
    for trigger in speaking:
        note("trigger", trigger.text, trigger=trigger.kind, subject=trigger.subject or None)
