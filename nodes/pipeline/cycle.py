"""The fee pipeline: ingest > preprocess > score > decide > act > journal."""

import datetime as dt

from django.db import transaction
from django.utils import timezone

from nodes.engine.decision import ENGINE_VERSION, decide_channel
from nodes.engine.summary import NodeSummary, summarise_node
from nodes.models.decision import CycleRun
from nodes.pipeline.act import plan_actions, record_decisions
from nodes.pipeline.ingest import NodeFacts, load_facts
from nodes.pipeline.journal import note
from nodes.pipeline.preprocess import prepare_channels
from nodes.pipeline.score import score_channels
from nodes.selectors.graph import find_positions


def run_cycle() -> CycleRun | None:
    """One turn for the tenant we are in; None when its box has not reported yet.

    1. ingest: the newest snapshot, the forwards before it, the policy in force
    2. preprocess: flows per channel, sums per peer, the peer's place in the network
    3. score: each channel, from what is known of it
    4. decide: raise, lower or keep, pure and replayable
    5. act: record decisions and actions (shadow: nothing is handed over)
    6. journal: one line for the owner
    Steps 5 and 6 are one transaction: a cycle killed before it left no trace and simply runs again.
    """
    started_at = timezone.now()
    facts = load_facts()
    if facts is None:
        return None
    positions = find_positions(channel.peer_pubkey for channel in facts.snapshot.channels)
    prepared = prepare_channels(facts, positions)
    inputs = score_channels(facts, prepared)
    outcomes = [decide_channel(given) for given in inputs]
    summary = summarise_node(inputs, outcomes)
    with transaction.atomic():
        run = _open_run(facts, summary, started_at=started_at)
        plan_actions(run, record_decisions(run, inputs=inputs, outcomes=outcomes))
        note("cycle", _describe(run, summary), run=str(run.id), snapshot_seq=run.snapshot_seq)
    return run


def _open_run(facts: NodeFacts, summary: NodeSummary, *, started_at: dt.datetime) -> CycleRun:
    return CycleRun.objects.create(
        started_at=started_at,
        finished_at=timezone.now(),
        snapshot_seq=facts.snapshot.seq,
        mode=facts.mode,
        engine_version=ENGINE_VERSION,
        summary=summary,
    )


def _describe(run: CycleRun, summary: NodeSummary) -> str:
    return (
        f"Looked at {summary.channels} channels in {run.mode} mode: "
        f"{summary.raised} fees to raise, {summary.lowered} to lower, {summary.kept} to keep"
    )
