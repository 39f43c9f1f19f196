"""brln's target of a channel: the seed, raised where it is short, sells best or loses money, and stepped towards.

Source: brln-autofee-pro, a community script on LNDg and Amboss.
"""

from msgspec import Struct

from nodes.engine.policies.own_hold import bound_rate
from nodes.engine.stateful_strategies import BrlnStrategy
from nodes.engine.wish import OwnHold

EMPTY_SHARE, SHORT_SHARE = 0.03, 0.05
STEP_EMPTY, STEP_SHORT, STEP_IDLE, STEP = 0.10, 0.07, 0.10, 0.05


class BrlnFacts(Struct, frozen=True, kw_only=True):
    """Of one channel. `earned_ppm`: the rate at which it sold in seven days; None: nothing left by it."""

    fee_rate_ppm: int
    local_share: float
    low_rounds: int
    seed_ppm: float
    earned_ppm: float | None
    is_top: bool
    is_idle: bool
    breaker: bool  # a raise was followed by far fewer payments


class BrlnTarget(Struct, frozen=True, kw_only=True):
    rule: str
    reason: str
    ppm: float


def aim(facts: BrlnFacts, strategy: BrlnStrategy) -> BrlnTarget:
    """The seed + 25 ppm, raised by the first reason that holds: shortage over rounds, a surge, best seller, a loss."""
    base_ppm = facts.seed_ppm + strategy.seed_add_ppm
    if facts.breaker:
        reason = "Far fewer payments left after the last raise"
        return BrlnTarget(rule="brln/breaker", reason=reason, ppm=facts.fee_rate_ppm * (1 - strategy.breaker_cut))
    rule, reason, rise = _find_rise(facts, strategy)
    ppm = base_ppm * (1 + rise)
    if facts.local_share < strategy.low_share:
        ppm = max(ppm, facts.fee_rate_ppm)  # never down while little is left
    return BrlnTarget(rule=rule, reason=f"{reason}, others charge {facts.seed_ppm:.0f} ppm", ppm=ppm)


def step_towards(target: BrlnTarget, facts: BrlnFacts, *, strategy: BrlnStrategy) -> int:
    """At most 5 % a run (10 % when nearly empty, 7 % when short, 10 % down when idle), at least 5 ppm; then floors.

    The floors: what rebalancing costs * 1.15, and 0.85 of the rate at which it really sold; then the limits.
    """
    return min(
        max(_floor_step(target, facts, strategy=strategy)[1], strategy.min_fee_rate_ppm), strategy.max_fee_rate_ppm
    )


def find_hold(target: BrlnTarget, facts: BrlnFacts, *, strategy: BrlnStrategy) -> OwnHold | None:
    """What takes the step off the target: the limits, the floors, or the reach of one run."""
    stepped_ppm, floored_ppm = _floor_step(target, facts, strategy=strategy)
    asked_ppm = round(target.ppm)
    if bounded := bound_rate(floored_ppm, lowest=strategy.min_fee_rate_ppm, highest=strategy.max_fee_rate_ppm):
        return OwnHold(held_by=bounded.held_by, why=bounded.why, asked_ppm=asked_ppm)
    if floored_ppm > stepped_ppm:
        why = f"it does not go below {floored_ppm} ppm, by what it costs and what it really sold at"
        return OwnHold(held_by="strategy_floor", why=why, asked_ppm=asked_ppm)
    if stepped_ppm == asked_ppm:
        return None
    return OwnHold(held_by="strategy_step", why="its rule goes a small step a run", asked_ppm=asked_ppm)


def _floor_step(target: BrlnTarget, facts: BrlnFacts, *, strategy: BrlnStrategy) -> tuple[int, int]:
    """The step towards the target, and the step above the floors."""
    present = facts.fee_rate_ppm
    reach = max(strategy.min_step_ppm, present * _limit_step(facts, is_down=target.ppm < present))
    if target.rule == "brln/breaker":
        reach = max(reach, present * strategy.breaker_cut)
    stepped = min(max(target.ppm, present - reach), present + reach)
    return round(stepped), round(max(stepped, _find_floor(facts, strategy)))


def is_worth(present: int, new: int, *, strategy: BrlnStrategy) -> bool:
    """Whether the change is at least 15 ppm and 4 %: below either it is ignored."""
    moved = abs(new - present)
    return moved >= strategy.min_change_ppm and moved >= strategy.min_change_share * present


def _find_rise(facts: BrlnFacts, strategy: BrlnStrategy) -> tuple[str, str, float]:
    share = f"{100 * facts.local_share:.0f} % of the balance is ours"
    if facts.low_rounds >= strategy.low_rounds:
        rounds = facts.low_rounds - strategy.low_rounds + 1
        rise = min(strategy.low_rise * rounds, strategy.low_max_rise)
        return "brln/low", f"{share} for {facts.low_rounds} runs", rise
    if facts.local_share < strategy.low_share:
        lack = 1 - facts.local_share / strategy.low_share
        return "brln/surge", f"Only {share}", min(strategy.surge_max_rise, 0.5 * lack)
    if facts.is_top:
        return "brln/top", "No channel of ours earns more", strategy.top_rise
    if strategy.cost_ppm is not None and facts.earned_ppm is not None and facts.earned_ppm < strategy.cost_ppm:
        reason = f"It sold at {facts.earned_ppm:.0f} ppm, below {strategy.cost_ppm} ppm of cost"
        return "brln/loss", reason, strategy.negative_margin_rise
    return "brln/seed", share, 0.0


def _limit_step(facts: BrlnFacts, *, is_down: bool) -> float:
    if facts.local_share < EMPTY_SHARE:
        return STEP_EMPTY
    if facts.local_share < SHORT_SHARE:
        return STEP_SHORT
    return STEP_IDLE if is_down and facts.is_idle else STEP


def _find_floor(facts: BrlnFacts, strategy: BrlnStrategy) -> float:
    by_cost = 0.0 if strategy.cost_ppm is None else strategy.cost_ppm * strategy.cost_floor
    by_sales = 0.0 if facts.earned_ppm is None else facts.earned_ppm * strategy.earned_floor
    return max(by_cost, by_sales)
