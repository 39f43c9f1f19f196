"""The fee pipeline: ingest > prepare > decide > review > act > journal."""

import datetime as dt
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from nodes.engine.cycle import CycleInput
from nodes.engine.decision import decide_node
from nodes.engine.prepare import prepare_run
from nodes.engine.summary import NodeSummary, summarise_node
from nodes.models.decision import CycleRun
from nodes.models.node import Mode
from nodes.pipeline.act import announce_planned, plan_actions, record_decisions
from nodes.pipeline.ingest import load_facts
from nodes.pipeline.journal import note
from nodes.pipeline.memory import keep_memories
from nodes.pipeline.review import review_release
from nodes.pipeline.rollout import open_rollout
from nodes.pipeline.trigger import take_triggers
from nodes.selectors.node import lock_own_node, read_own_node


@dataclass(frozen=True, slots=True)
class Start:
    """When a run began, what it was started by, and the snapshot it looks at."""

    at: dt.datetime
    by: str
    snapshot_seq: int


def run_cycle() -> CycleRun | None:
    """One turn for the tenant we are in; None when its box has not reported yet, or is paused.

    1. ingest: the newest snapshot, the forwards before it, the policy in force, the peers' places in the network
    2. prepare: flows per channel, sums per peer, scores
    3. decide: raise, lower, change or keep, pure and replayable
    4. review: the stop rules may stop a release and undo it, or let it grow
    5. act: record decisions and actions; the mode says which of them are handed over; keep what strategies remember
    6. journal: one line for the owner
    Steps 4 to 6 are one transaction: a cycle killed before it left no trace and simply runs again.
    """
    started_at = timezone.now()
    facts = None if read_own_node().mode == Mode.PAUSED else load_facts()
    if facts is None:
        return None
    cycle, inputs = prepare_run(facts)
    decision = decide_node(cycle, inputs)
    outcomes = decision.decisions
    summary = summarise_node(inputs, outcomes)
    with transaction.atomic():
        node = lock_own_node()  # no mode changes under the run
        review_release(node, inputs, now=cycle.now)
        rollout = open_rollout(node, facts.snapshot.channels)
        start = Start(started_at, take_triggers(node), facts.snapshot.seq)
        run = _open_run(cycle, summary, mode=rollout.mode, start=start)
        actions = plan_actions(run, rollout, decisions=record_decisions(run, rollout, inputs=inputs, outcomes=outcomes))
        keep_memories(decision.memories, now=cycle.now)
        note("cycle", _describe(run, summary), run=str(run.id), snapshot_seq=run.snapshot_seq)
        announce_planned(run, actions)
    return run


def _open_run(cycle: CycleInput, summary: NodeSummary, *, mode: str, start: Start) -> CycleRun:
    return CycleRun.objects.create(
        started_at=start.at,
        finished_at=timezone.now(),
        snapshot_seq=start.snapshot_seq,
        mode=mode,
        started_by=start.by,
        engine_version=cycle.engine_version,
        summary=summary,
        context=cycle,
    )


def _describe(run: CycleRun, summary: NodeSummary) -> str:
    return (
        f"Looked at {summary.channels} channels in {run.mode} mode: "
        f"{summary.raised} fees to raise, {summary.lowered} to lower, {summary.changed} channels to change otherwise, "
        f"{summary.kept} to keep"
    )
