"""lightdash's daily rule: a little dearer after a payment, a little cheaper without one.

Source: lightdash, as documented: +5 % after a forward in 24 hours, +1 % with less than 50,000 sat left, -15 % where
none ever left, else -2 %; 1 .. 5,000 ppm; disabled below 80 % availability.
"""

from msgspec import Struct

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.memory import DailyMemory
from nodes.engine.policies.own_hold import bound_rate
from nodes.engine.stateful_strategies import DailyStrategy
from nodes.engine.wish import Wish


class DailyFacts(Struct, frozen=True, kw_only=True):
    """Of one channel. `availability`: 0 .. 1; None: not known."""

    fee_rate_ppm: int
    local_sat: int
    out_1d_msat: int
    has_forwarded: bool
    availability: float | None = None


class DailyStep(Struct, frozen=True, kw_only=True):
    rule: str
    reason: str
    percent: int


def wish_daily(cycle: CycleInput, given: ChannelInput, *, strategy: DailyStrategy) -> Wish:
    """The day's step from the present fee. What the rule switched off it switches on again, and nothing else."""
    terms = f"daily, {strategy.min_fee_rate_ppm}..{strategy.max_fee_rate_ppm} ppm"
    present = given.channel.own_policy
    if present is None or given.flow.days_observed < 1:
        reason = "Less than a day of forwarding history, or no fee, is known (no data)"
        return Wish(rule="daily/no-data", reason=reason, terms=terms)
    facts = _gather_facts(given, fee_rate_ppm=present.fee_rate_ppm)
    was_switched_off = _was_switched_off(given)
    if strategy.min_availability is not None and not is_available(facts, min_availability=strategy.min_availability):
        reason = f"The peer was there {100 * (facts.availability or 0):.0f} % of the time"
        memory = DailyMemory(has_forwarded=facts.has_forwarded, switched_off=was_switched_off or not present.disabled)
        return Wish(rule="daily/away", reason=reason, terms=terms, disabled=True, memory=memory)
    step = step_day(facts, low_local_sat=strategy.low_local_sat)
    return Wish(
        rule=step.rule,
        reason=step.reason,
        terms=terms,
        fee_rate_ppm=move_rate(
            present.fee_rate_ppm, step.percent, min_ppm=strategy.min_fee_rate_ppm, max_ppm=strategy.max_fee_rate_ppm
        ),
        own_hold=bound_rate(
            step_rate(present.fee_rate_ppm, step.percent),
            lowest=strategy.min_fee_rate_ppm,
            highest=strategy.max_fee_rate_ppm,
        ),
        base_fee_msat=strategy.base_fee_msat,
        disabled=False if was_switched_off else None,
        switches_on=was_switched_off,
        wait_s=strategy.update_interval_s,
        is_step=True,
        memory=DailyMemory(has_forwarded=facts.has_forwarded, switched_off=was_switched_off and present.disabled),
    )


def step_day(facts: DailyFacts, *, low_local_sat: int = 50_000) -> DailyStep:
    """The row of the table that holds first."""
    if facts.out_1d_msat > 0:
        out_sat = facts.out_1d_msat // 1000
        return DailyStep(rule="daily/forwarded", reason=f"{out_sat} sat left by the channel in a day", percent=5)
    if facts.local_sat < low_local_sat:
        reason = f"Only {facts.local_sat} sat are left on our side"
        return DailyStep(rule="daily/low", reason=reason, percent=1)
    if not facts.has_forwarded:
        return DailyStep(rule="daily/never", reason="No payment ever left by the channel", percent=-15)
    return DailyStep(rule="daily/quiet", reason="No payment left by the channel in a day", percent=-2)


def move_rate(fee_rate_ppm: int, percent: int, *, min_ppm: int, max_ppm: int) -> int:
    """`step_rate` inside the limits."""
    return min(max(step_rate(fee_rate_ppm, percent), min_ppm), max_ppm)


def step_rate(fee_rate_ppm: int, percent: int) -> int:
    """The rate moved by whole per cent, by 1 ppm at least.

    Rounding to the nearest would hold every rate below 10 ppm for ever.
    """
    scaled = fee_rate_ppm * (100 + percent)
    moved = -(-scaled // 100) if percent > 0 else scaled // 100
    if moved == fee_rate_ppm:  # only 0 ppm, which no per cent moves
        moved += 1 if percent > 0 else -1
    return moved


def is_available(facts: DailyFacts, *, min_availability: float) -> bool:
    """Whether the peer was there often enough; unknown is no reason to disable."""
    return facts.availability is None or facts.availability >= min_availability


def _was_switched_off(given: ChannelInput) -> bool:
    memory = given.memory.get("daily")
    return isinstance(memory, DailyMemory) and memory.switched_off


def _gather_facts(given: ChannelInput, *, fee_rate_ppm: int) -> DailyFacts:
    channel, memory = given.channel, given.memory.get("daily")
    has_forwarded = given.flow.out_forwards_7d > 0 or (isinstance(memory, DailyMemory) and memory.has_forwarded)
    is_watched = channel.uptime_s is not None and channel.lifetime_s
    return DailyFacts(
        fee_rate_ppm=fee_rate_ppm,
        local_sat=channel.local_balance_sat,
        out_1d_msat=given.flow.out_1d_msat,
        has_forwarded=has_forwarded,
        availability=(channel.uptime_s or 0) / (channel.lifetime_s or 1) if is_watched else None,
    )
