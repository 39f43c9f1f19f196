"""Sats to move from a channel that has too many to one that sells and runs dry, and what that may cost at most.

What a million sat in the target are worth is what it earned on each that left; what they are worth in the source is
what that earned, times the chance that they are sold there within `HORIZON_DAYS`. The difference is the break-even.
LNDg pays at most 65 % of a channel's fee (its `AR-MaxCost%`): so is our limit, of the break-even.
"""

from collections.abc import Iterator

from msgspec import Struct

from recommendations.engine.advice import Estimate, Evidence, Kind
from recommendations.engine.commands import pay_in_a_circle
from recommendations.engine.confidence import trust_history
from recommendations.engine.draft import (
    Draft,
    measure,
    measure_channel,
    measure_outlook,
    measure_refills,
    measure_traffic,
)
from recommendations.engine.interval import Interval, measure_mean
from recommendations.engine.params import Rebalance
from recommendations.engine.survey import Survey, Surveyed

DRY_BELOW, FULL_ABOVE, MIDDLE = 0.25, 0.60, 0.50  # our share of a channel
HORIZON_DAYS = 30
MAX_COST_SHARE = 0.65
FEWEST_FORWARDS = 5
LEAST_SAT = 10_000
MINUTES = 10


class Need(Struct, frozen=True):
    """A channel that runs dry. `drain_sat`: a day, net of what comes in; `want_sat`: to the middle or the demand."""

    channel: Surveyed
    drain_sat: Interval
    want_sat: int
    earns_ppm: float


class Move(Struct, frozen=True, kw_only=True):
    need: Need
    source: Surveyed
    amount_sat: int
    source_ppm: float
    break_even_ppm: int
    max_cost_ppm: int
    last_hop_ppm: int | None

    @property
    def max_cost_sat(self) -> int:
        return self.amount_sat * self.max_cost_ppm // 1_000_000


def advise_rebalances(survey: Survey) -> Iterator[Draft]:
    """Each channel is a source or a target of one advice at most; who gains most a day chooses first."""
    used: set[str] = set()
    needs = sorted(find_needs(survey), key=lambda one: (-one.drain_sat.mean * one.earns_ppm, one.channel.scid))
    for need in needs:
        moves = [move for source in _list_sources(survey) if (move := plan_move(need, source, days=survey.days))]
        moves = [move for move in moves if move.source.scid not in used]
        if moves:
            best = max(moves, key=lambda one: (one.break_even_ppm * one.amount_sat, one.source.scid))
            used.add(best.source.scid)
            yield _advise(survey, best)


def find_needs(survey: Survey) -> list[Need]:
    return [need for channel in survey.channels if (need := find_need(channel)) is not None]


def find_need(channel: Surveyed) -> Need | None:
    """None for a channel that has enough, sells nothing, or is refilled by what comes in."""
    ratio, earns_ppm = channel.ratio, channel.traffic.earned_ppm
    drain = measure_drain(channel)
    if ratio is None or ratio >= DRY_BELOW or not channel.state.active or earns_ppm is None or drain is None:
        return None
    if drain.mean <= 0 or channel.traffic.out_count < FEWEST_FORWARDS:
        return None
    room_sat = int(channel.state.capacity_sat * MIDDLE) - channel.state.local_balance_sat
    return Need(channel, drain, min(room_sat, int(drain.mean * HORIZON_DAYS)), earns_ppm)


def measure_drain(channel: Surveyed) -> Interval | None:
    """Sat that leave a day, net of what comes in; its low end is at least 0. None: too few days."""
    drain = measure_mean(channel.traffic.daily_net_msat)
    return Interval(max(0.0, drain.low), drain.mean, max(0.0, drain.high)).scale(1e-3) if drain else None


def plan_move(need: Need, source: Surveyed, *, days: int) -> Move | None:
    """None where the pair does not work: one peer, too little to move, or dearer than it brings."""
    target = need.channel
    if source.state.peer_pubkey == target.state.peer_pubkey:
        return None
    spare_sat = source.state.local_balance_sat - int(source.state.capacity_sat * MIDDLE)
    amount_sat = min(need.want_sat, spare_sat)
    if amount_sat < LEAST_SAT:
        return None
    source_ppm = _value_source(source, days=days)
    break_even_ppm = int(need.earns_ppm - source_ppm)
    move = Move(
        need=need,
        source=source,
        amount_sat=amount_sat,
        source_ppm=source_ppm,
        break_even_ppm=break_even_ppm,
        max_cost_ppm=int(break_even_ppm * MAX_COST_SHARE),
        last_hop_ppm=_price_last_hop(target, amount_sat),
    )
    return move if move.max_cost_sat >= 1 and (move.last_hop_ppm or 0) <= move.max_cost_ppm else None


def _list_sources(survey: Survey) -> list[Surveyed]:
    return [one for one in survey.channels if one.state.active and one.ratio is not None and one.ratio > FULL_ABOVE]


def _value_source(source: Surveyed, *, days: int) -> float:
    """What its sats are worth where they are: its own ppm, times the chance that all are sold within the horizon."""
    earned_ppm = source.traffic.earned_ppm
    if earned_ppm is None or not days:
        return 0.0
    sold_sat = source.traffic.out_msat / 1000 / days * HORIZON_DAYS
    return earned_ppm * min(1.0, sold_sat / max(1, source.state.local_balance_sat))


def _price_last_hop(target: Surveyed, amount_sat: int) -> int | None:
    """What the target's own peer charges to send there; the other hops come on top, and nobody knows them yet."""
    policy = target.state.peer_policy
    if policy is None:
        return None
    return policy.fee_rate_ppm + policy.base_fee_msat * 1000 // amount_sat


def _advise(survey: Survey, move: Move) -> Draft:
    need, target = move.need, move.need.channel
    lasts = move.amount_sat / need.drain_sat.mean
    gain = need.drain_sat.scale(move.break_even_ppm / 1e6)
    return Draft(
        kind=Kind.REBALANCE,
        subject=target.scid,
        params=Rebalance(
            target=target.named,
            source=move.source.named,
            amount_sat=move.amount_sat,
            target_earns_ppm=int(need.earns_ppm),
            source_earns_ppm=int(move.source_ppm),
            break_even_ppm=move.break_even_ppm,
            max_cost_ppm=move.max_cost_ppm,
            max_cost_sat=move.max_cost_sat,
            drain_sat_per_day=int(need.drain_sat.mean),
            days_left=round(target.state.local_balance_sat / need.drain_sat.mean, 1),
            last_hop_ppm=move.last_hop_ppm,
            days=survey.days,
            outlook=target.outlook,
            paid_ppm=round(paid_ppm) if (paid_ppm := _find_paid_ppm(target)) is not None else None,
            paid_count=target.refills.count if target.refills else 0,
        ),
        estimate=Estimate(low=gain.low, mean=gain.mean, high=gain.high, lasts_days=round(lasts, 1)),
        effort=MINUTES,
        cost_sat=move.max_cost_sat,
        confidence=trust_history(survey, forwards=target.traffic.out_count),
        evidence=_list_evidence(survey, move),
        command=pay_in_a_circle(
            survey,
            move.source.state,
            target=target.state,
            amount_sat=move.amount_sat,
            max_cost_sat=move.max_cost_sat,
        ),
    )


def _find_paid_ppm(target: Surveyed) -> float | None:
    return target.refills.ppm if target.refills else None


def _list_evidence(survey: Survey, move: Move) -> tuple[Evidence, ...]:
    target = move.need.channel
    return (
        *measure_channel(target, "local_balance_sat", "capacity_sat"),
        *measure_channel(move.source, "local_balance_sat", "capacity_sat"),
        *measure_traffic(survey, target, "earned_msat", "out_msat", "in_msat"),
        *measure_traffic(survey, move.source, "earned_msat", "out_msat"),
        *measure_refills(survey, target, "count", "amount_msat", "fee_msat"),
        measure(f"channel:{target.scid}/peer_policy.fee_rate_ppm", move.last_hop_ppm),
        *measure_outlook(target),
    )
