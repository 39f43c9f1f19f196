"""A fee policy over the operator's own past, day by day, each day with earlier events only.

There is no counterfactual in it: payments that other fees would have brought or driven away are not in the history.
So no earnings are worked out. It tells how the policy would have decided, beside what the operator did, and whether
the score it goes by told which channels would earn.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from msgspec import Struct

from nodes.engine.cycle import ChannelInput, Memories
from nodes.engine.decision import decide_node
from nodes.engine.policy_change import PolicyChange
from nodes.engine.prepare import NodeFacts, prepare_run
from nodes.engine.rank_correlation import correlate_ranks
from nodes.engine.report import Forward
from nodes.engine.rewind import rewind_facts
from nodes.engine.types import ChannelDecision

DAY = dt.timedelta(days=1)
HORIZON = dt.timedelta(days=30)  # of fees told ahead, and of the naive predictor
ANSWER_TIME = dt.timedelta(days=7)  # within which an operator's change is set beside a decision
DEPLETED_SHARE = 0.05
NOTE = (
    "No counterfactual: what other fees would have brought is not in the history, so no gain is worked out. Balances "
    "are worked back through the forwards; rebalances and own payments are not seen. Fee rates are those of the day; "
    "base fees, limits and switches are today's. What peers and the market charged, the graph, uptime and on-chain "
    "fees of the day are not known and not looked at: rules that ask for them find no data. Every channel that is open "
    "today counts as active; closed ones are missing."
)


class BacktestDay(Struct, frozen=True, kw_only=True):
    """What would have been decided at one midnight. Correlations: None, where the next 30 days are not known."""

    day: dt.date
    raised: int
    lowered: int
    changed: int  # their fees stay, and another field of the policy moves
    kept: int
    depleted: int  # of all but the kept: channels of which less than 5 % was ours
    compared: int  # channels whose operator changed the fee rate in the seven days after
    agreed: int  # of them, those moved the same way
    score_correlation: float | None
    naive_correlation: float | None


class Backtest(Struct, frozen=True, kw_only=True):
    """Shares 0..1; None: no data. `score_correlation`: between each channel's score and the fees of its next 30 days,
    mean of the days; `naive_correlation`: the same for the fees of its last 30 days.
    """

    days: list[BacktestDay]
    decisions: int
    changes: int
    depleted_share: float | None  # of the changes
    agreement: float | None  # of the decisions beside which the operator moved
    compared: int
    score_correlation: float | None
    naive_correlation: float | None
    note: str = NOTE


def run_backtest(facts: NodeFacts, *, days: int) -> Backtest:
    """Decides by `facts.policy` at each of the last `days` midnights (UTC) before the snapshot.

    `facts.forwards` and `facts.changes` are all that is known. Days before the first forward are left out.
    """
    newest = facts.snapshot.taken_at.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    began = facts.history_since
    midnights = [newest - DAY * back for back in range(days - 1, -1, -1)]
    memories = Memories()
    looked: list[BacktestDay] = []
    for midnight in midnights:
        if began is None or midnight < began + DAY:
            continue
        cycle, inputs = prepare_run(replace(rewind_facts(facts, midnight), memories=memories))
        decision = decide_node(cycle, inputs)
        memories = merge_memories(memories, decision.memories)
        looked.append(_look_at(facts, inputs, decisions=decision.decisions, midnight=midnight))
    return _sum_up(looked)


def merge_memories(before: Memories, after: Memories) -> Memories:
    """What the next run finds: the newer word by node, peer and channel; what was not said again stays."""
    return Memories(
        node={**before.node, **after.node},
        peers={peer: {**before.peers.get(peer, {}), **kept} for peer, kept in (before.peers | after.peers).items()},
        channels={
            scid: {**before.channels.get(scid, {}), **kept} for scid, kept in (before.channels | after.channels).items()
        },
    )


def _look_at(
    facts: NodeFacts, inputs: Sequence[ChannelInput], *, decisions: Sequence[ChannelDecision], midnight: dt.datetime
) -> BacktestDay:
    moved = [pair for pair in zip(inputs, decisions, strict=True) if pair[1].direction != "keep"]
    answers = [_find_answer(facts.changes.get(given.channel.short_channel_id, ()), midnight) for given in inputs]
    beside = [(d.direction, answer) for d, answer in zip(decisions, answers, strict=True) if answer is not None]
    score, naive = _correlate(facts, inputs, midnight=midnight)
    return BacktestDay(
        day=midnight.date(),
        raised=sum(decision.direction == "raise" for decision in decisions),
        lowered=sum(decision.direction == "lower" for decision in decisions),
        changed=sum(decision.direction == "change" for decision in decisions),
        kept=len(decisions) - len(moved),
        depleted=sum(_is_depleted(given) for given, _ in moved),
        compared=len(beside),
        agreed=sum(direction == answer for direction, answer in beside),
        score_correlation=score,
        naive_correlation=naive,
    )


def _is_depleted(given: ChannelInput) -> bool:
    return given.channel.local_balance_sat < DEPLETED_SHARE * given.channel.capacity_sat


def _find_answer(changes: Sequence[PolicyChange], midnight: dt.datetime) -> str | None:
    """Which way the fee rate went in the seven days after; None: it did not move, or nobody saw."""
    near = [c for c in changes if midnight <= c.at < midnight + ANSWER_TIME and c.old_fee_rate_ppm is not None]
    if not near or near[0].old_fee_rate_ppm is None or near[0].old_fee_rate_ppm == near[-1].new_fee_rate_ppm:
        return None
    return "raise" if near[-1].new_fee_rate_ppm > near[0].old_fee_rate_ppm else "lower"


def _correlate(
    facts: NodeFacts, inputs: Sequence[ChannelInput], *, midnight: dt.datetime
) -> tuple[float | None, float | None]:
    """(by the score, by the last 30 days): how well each orders the channels by the fees of the next 30 days."""
    if midnight + HORIZON > facts.snapshot.taken_at:
        return None, None
    scored = [(g.channel.short_channel_id, g.score.value) for g in inputs if g.score.value is not None]
    ahead = _sum_fees(facts.forwards, since=midnight, until=midnight + HORIZON)
    before = _sum_fees(facts.forwards, since=midnight - HORIZON, until=midnight)
    earned = [ahead.get(scid, 0) for scid, _ in scored]
    by_score = correlate_ranks([score for _, score in scored], earned)
    return by_score, correlate_ranks([before.get(scid, 0) for scid, _ in scored], earned)


def _sum_fees(forwards: Iterable[Forward], *, since: dt.datetime, until: dt.datetime) -> Mapping[str, int]:
    """Fees in msat of the settled forwards that left by each channel."""
    fees: defaultdict[str, int] = defaultdict(int)
    for forward in forwards:
        if forward.status == "settled" and since <= forward.settled_at < until:
            fees[forward.outgoing_scid] += forward.fee_msat
    return fees


def _sum_up(days: list[BacktestDay]) -> Backtest:
    changes = sum(day.raised + day.lowered + day.changed for day in days)
    compared = sum(day.compared for day in days)
    return Backtest(
        days=days,
        decisions=changes + sum(day.kept for day in days),
        changes=changes,
        depleted_share=sum(day.depleted for day in days) / changes if changes else None,
        agreement=sum(day.agreed for day in days) / compared if compared else None,
        compared=compared,
        score_correlation=_average(day.score_correlation for day in days),
        naive_correlation=_average(day.naive_correlation for day in days),
    )


def _average(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None
