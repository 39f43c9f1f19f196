"""The wish of brln's strategy: each channel in its third of the hour, with a memory of its week and its last raise."""

import datetime as dt
from collections.abc import Sequence

from nodes.engine.balance import measure_balance
from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.draw import draw_unit
from nodes.engine.market import PeerMarket
from nodes.engine.memory import BrlnMemory, DayValue
from nodes.engine.policies.brln.seed import keep_week, smooth_seed
from nodes.engine.policies.brln.target import BrlnFacts, aim, find_hold, is_worth, step_towards
from nodes.engine.policies.own_hold import hold_at_gate
from nodes.engine.stateful_strategies import BrlnStrategy
from nodes.engine.types import FlowTotals
from nodes.engine.wish import Wish

DAY_S, HOUR_S = 86_400, 3_600
WATCHED = dt.timedelta(days=7)  # how long a raise is watched


def find_top(channels: Sequence[ChannelInput]) -> str | None:
    """The short_channel_id of the channel that earned most in seven days; None where none earned."""
    best = max(channels, key=lambda given: given.flow.revenue_7d_msat, default=None)
    return best.channel.short_channel_id if best is not None and best.flow.revenue_7d_msat > 0 else None


def wish_brln(cycle: CycleInput, given: ChannelInput, *, strategy: BrlnStrategy, top: str | None) -> Wish:
    """A step towards the target. The memory goes on also where the fee is left alone."""
    terms = f"brln, {strategy.min_fee_rate_ppm}..{strategy.max_fee_rate_ppm} ppm"
    present, share = given.channel.own_policy, measure_balance(given.channel).local_ratio
    if given.market is None or present is None or share is None or given.flow.days_observed < 1:
        reason = "The fee, the balance, a day of history or others' fees are not known (no data)"
        return Wish(rule="brln/no-data", reason=reason, terms=terms)
    memory = _look(cycle, given, strategy=strategy, market=given.market, share=share)
    facts = BrlnFacts(
        fee_rate_ppm=present.fee_rate_ppm,
        local_share=share,
        low_rounds=memory.low_rounds,
        seed_ppm=memory.seed_ppm or 0.0,
        earned_ppm=_measure_earned(given.flow),
        is_top=_scid(given) == top,
        is_idle=given.flow.forwards_7d == 0,
        breaker=has_broken(memory, strategy),
    )
    target = aim(facts, strategy)
    new = step_towards(target, facts, strategy=strategy)
    if not is_worth(present.fee_rate_ppm, new, strategy=strategy) or not is_turn(
        cycle, given, rounds=strategy.spread_rounds
    ):
        why = "its rule moves a third of the channels an hour, and none by too little"
        is_gated = new != present.fee_rate_ppm
        hold = hold_at_gate(new, why) if is_gated else find_hold(target, facts, strategy=strategy)
        return Wish(rule=target.rule, reason=target.reason, terms=terms, own_hold=hold, memory=memory)
    is_up = new > present.fee_rate_ppm
    return Wish(
        rule=target.rule,
        reason=target.reason,
        terms=terms,
        fee_rate_ppm=new,
        own_hold=find_hold(target, facts, strategy=strategy),
        wait_s=strategy.up_interval_s if is_up else strategy.down_interval_s,
        memory=memory,
    )


def is_turn(cycle: CycleInput, given: ChannelInput, *, rounds: int) -> bool:
    """A third of the channels an hour: which, is left to a draw that never changes."""
    place = int(draw_unit(cycle.draw_seed, _scid(given)) * rounds)
    return int(cycle.now.timestamp()) // HOUR_S % rounds == place


def _look(
    cycle: CycleInput, given: ChannelInput, *, strategy: BrlnStrategy, market: PeerMarket, share: float
) -> BrlnMemory:
    """The memory after this look: the week, the seed, how long the channel is short, and its last raise."""
    known = given.memory.get("brln")
    before = known if isinstance(known, BrlnMemory) else BrlnMemory(at=cycle.now)
    days = keep_week(before.days, DayValue(day=int(cycle.now.timestamp()) // DAY_S, ppm=market.mean_fee_rate_ppm))
    elapsed_days = (cycle.now - before.at).total_seconds() / DAY_S
    raised_at, forwards = _find_raise(given, before)
    return BrlnMemory(
        at=cycle.now,
        days=days,
        seed_ppm=smooth_seed(days, strategy, last_ppm=before.seed_ppm, elapsed_days=elapsed_days),
        low_rounds=before.low_rounds + 1 if share < strategy.low_share else 0,
        fee_rate_ppm=given.channel.own_policy.fee_rate_ppm if given.channel.own_policy else None,
        raised_at=raised_at,
        forwards_before=forwards,
        forwards_7d=given.flow.out_forwards_7d,
    )


def _find_raise(given: ChannelInput, before: BrlnMemory) -> tuple[dt.datetime | None, int]:
    """When the fee in force was raised, and how many payments had left in the seven days before that."""
    present = given.channel.own_policy
    if present is None or before.fee_rate_ppm is None or present.fee_rate_ppm == before.fee_rate_ppm:
        return before.raised_at, before.forwards_before
    if present.fee_rate_ppm > before.fee_rate_ppm:
        return given.changes[-1].at if given.changes else before.at, before.forwards_7d
    return None, 0


def _measure_earned(flow: FlowTotals) -> float | None:
    return 1e6 * flow.revenue_7d_msat / flow.out_7d_msat if flow.out_7d_msat else None


def has_broken(memory: BrlnMemory, strategy: BrlnStrategy) -> bool:
    """Seven days after a raise: fewer than 70 % of the payments of the seven days before it.

    Looked at once the whole week lies after the raise, for a day: earlier sums would hold payments from before it.
    """
    if memory.raised_at is None or memory.forwards_before == 0:
        return False
    since = memory.at - memory.raised_at
    is_due = WATCHED <= since < WATCHED + dt.timedelta(days=1)
    return is_due and memory.forwards_7d < strategy.breaker_share * memory.forwards_before


def _scid(given: ChannelInput) -> str:
    return given.channel.short_channel_id
