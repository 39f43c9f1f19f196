"""What is known of the node of the tenant we are in, for those who advise it: in a fixed number of queries."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from msgspec.structs import replace

from nodes.engine.effect import measure_ratio
from nodes.engine.language.sentence import LANGUAGES, tell_decision
from nodes.models.action import Action, ActionState
from nodes.models.channel import Channel
from nodes.models.decision import CycleRun, Decision
from nodes.models.node import OwnNode
from nodes.models.snapshot import Snapshot
from nodes.selectors.candidate import find_candidate_list
from nodes.selectors.channel import list_open_channels
from nodes.selectors.decision import action_of
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node
from nodes.selectors.rebalance import is_told_in_part, load_rebalances
from recommendations.engine.advice import Kind
from recommendations.engine.outlook import UNSAID
from recommendations.engine.survey import Decided, Refills, Survey, Surveyed, Traffic, total_refills, total_traffic
from recommendations.pipeline.outlook import find_outlooks
from tenants.sealing.tenant import current_keys

DAY = dt.timedelta(days=1)
LOOK_BACK_DAYS = 90
SEEN_WINDOW = dt.timedelta(days=7)
SEEN_LEAST_SPAN = dt.timedelta(days=3)
SEEN_SNAPSHOTS, SEEN_FEWEST = 16, 8  # opened of that week, evenly spread


class Seen(NamedTuple):
    """Of one channel in the snapshots looked at."""

    share: float | None
    last_active_at: dt.datetime | None


def survey_node(*, now: dt.datetime, done: dict[UUID, tuple[Kind, dt.datetime]]) -> Survey | None:
    """None before the first report. `done`: what the owner said was done, by recommendation."""
    node = read_own_node()
    if node.state is None or node.last_taken_at is None:
        return None
    taken_at, rows = node.last_taken_at, list_open_channels()
    days = count_days(node, taken_at)
    forwards = load_forwards(since=taken_at - days * DAY, until=taken_at)
    channels = _join(rows, total_traffic(forwards, until=taken_at, days=days), days=days, taken_at=taken_at)
    channels = _join_refills(channels, node, days=days, taken_at=taken_at)
    outlooks = find_outlooks(now)
    channels = tuple(replace(one, outlook=outlooks.get(one.scid, UNSAID)) for one in channels)
    backups = [at for kind, at in done.values() if kind == Kind.BACKUP]
    return Survey(
        id_space=UUID(bytes=current_keys().digest("recommendation", b"")[:16]),
        now=now,
        taken_at=taken_at,
        first_report_at=min((row.first_seen_at for row in rows), default=taken_at),
        implementation=node.state.implementation,
        block_height=node.state.block_height,
        is_synced=node.state.synced_to_chain,
        onchain_fees=node.state.read_onchain_fees(),
        days=days,
        is_refilling_partial=is_told_in_part(node, until=taken_at),
        channels=channels,
        candidates=tuple(found.work.candidates) if (found := find_candidate_list()) else (),
        backup_told_at=max(backups, default=None),
    )


def count_days(node: OwnNode, until: dt.datetime) -> int:
    """Whole days of forwards that are known before `until`, at most 90."""
    if node.history_since is None:
        return 0
    return max(0, min(LOOK_BACK_DAYS, (until - node.history_since).days))


def _join(
    rows: Sequence[Channel], traffic: dict[str, Traffic], *, days: int, taken_at: dt.datetime
) -> tuple[Surveyed, ...]:
    decided, seen = _load_decided(), _look_at_snapshots(rows, taken_at)
    return tuple(
        Surveyed(
            state=row.state,
            first_seen_at=row.first_seen_at,
            traffic=traffic.get(scid := row.state.short_channel_id)
            or Traffic(daily_net_msat=[0] * days, daily_earned_msat=[0] * days),
            decided=decided.get(bytes(row.digest)),
            seen_share=seen[scid].share if scid in seen else None,
            last_active_at=seen[scid].last_active_at if scid in seen else None,
        )
        for row in rows
    )


def _join_refills(
    channels: tuple[Surveyed, ...], node: OwnNode, *, days: int, taken_at: dt.datetime
) -> tuple[Surveyed, ...]:
    rebalances = load_rebalances(node, since=taken_at - days * DAY, until=taken_at)
    if rebalances is None:
        return channels
    refills = total_refills(rebalances, until=taken_at, days=days)
    return tuple(replace(one, refills=refills.get(one.scid) or Refills()) for one in channels)


def _load_decided() -> dict[bytes, Decided]:
    """What the newest run decided, by the digest of the channel."""
    newest = CycleRun.objects.order_by("-finished_at").values("id")[:1]
    decisions = Decision.objects.filter(run_id__in=newest).select_related("action")
    return {bytes(one.channel_digest): told for one in decisions.order_by("id") if (told := _describe(one)) is not None}


def _describe(decision: Decision) -> Decided | None:
    outcome, action = decision.outcome, action_of(decision)
    if outcome.proposed_policy is None:
        return None
    languages = LANGUAGES if outcome.direction != "keep" else ()
    return Decided(
        decision_id=decision.id,
        direction=outcome.direction,
        policy=outcome.proposed_policy,
        effect=outcome.effect,
        why={language: tell_decision(decision.inputs, outcome, language=language) for language in languages},
        action_id=action.id if action and not _is_settled(action) else None,
        is_settled=_is_settled(action),
        fee_ratio=_measure_fee_ratio(decision),
    )


def _is_settled(action: Action | None) -> bool:
    """Approved, it is done without another word of the owner."""
    return action is not None and action.state != ActionState.PLANNED


def _measure_fee_ratio(decision: Decision) -> float | None:
    present, proposed = decision.inputs.channel.own_policy, decision.outcome.proposed_policy
    if present is None or proposed is None or decision.outcome.effect is None:
        return None
    return measure_ratio(decision.inputs.flow, present, proposed=proposed)


def _look_at_snapshots(rows: Sequence[Channel], taken_at: dt.datetime) -> dict[str, Seen]:
    """Only where it tells anything new: a peer is away, or the node keeps no time of its peers (Core Lightning)."""
    if all(row.state.active and row.state.lifetime_s is not None for row in rows):
        return {}
    week = Snapshot.objects.filter(taken_at__gt=taken_at - SEEN_WINDOW).order_by("seq")
    numbers = list(week.values_list("seq", flat=True))
    step = max(1, -(-len(numbers) // SEEN_SNAPSHOTS))
    chosen = list(Snapshot.objects.filter(seq__in=numbers[::-step]).order_by("seq"))
    return {row.state.short_channel_id: _see(row.state.short_channel_id, chosen) for row in rows}


def _see(scid: str, snapshots: Sequence[Snapshot]) -> Seen:
    shown = [
        (one.taken_at, channel.active)
        for one in snapshots
        for channel in one.content.channels
        if channel.short_channel_id == scid
    ]
    active = [at for at, is_active in shown if is_active]
    is_enough = len(shown) >= SEEN_FEWEST and shown[-1][0] - shown[0][0] >= SEEN_LEAST_SPAN
    return Seen(len(active) / len(shown) if is_enough else None, max(active, default=None))
