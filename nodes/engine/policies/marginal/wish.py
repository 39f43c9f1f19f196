"""Our own policy: each channel at the price by which what is sold earns most, less what it takes to have it again."""

from collections.abc import Sequence

from msgspec import Struct

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.memory import MarginalMemory
from nodes.engine.policies.marginal.demand import (
    Belief,
    choose_level,
    expect_payments,
    find_level,
    learn_demand,
    price_level,
)
from nodes.engine.policies.marginal.lesson import measure_share, take_lesson
from nodes.engine.policies.own_hold import bound_rate
from nodes.engine.stateful_strategies import MarginalStrategy
from nodes.engine.wish import OwnHold, Wish

LEAST_EXPECTED_PPM, MOST_EXPECTED_PPM = 20, 3_000  # between them what others charge is believed
LEAST_DAYS = 1.0


class NodeDemand(Struct, frozen=True, kw_only=True):
    """What the node's channels have in common. `earned_ppm`: of what left by them; None: nothing did."""

    earned_ppm: float | None
    payments_a_day: float  # that left, a channel
    sat_a_payment: float | None


class Price(Struct, frozen=True, kw_only=True):
    """A price, and what stands behind it. `cost_ppm`: of replacing what is sold; below 0: selling makes room."""

    level: int
    cost_ppm: float
    expected_ppm: float
    belief: Belief


def survey_demand(channels: Sequence[ChannelInput]) -> NodeDemand:
    """Over the seven days before the snapshot."""
    flows = [given.flow for given in channels]
    days = max([flow.days_observed for flow in flows], default=0.0)
    out_msat, count = sum(flow.out_7d_msat for flow in flows), sum(flow.out_forwards_7d for flow in flows)
    return NodeDemand(
        earned_ppm=sum(flow.revenue_7d_msat for flow in flows) / out_msat * 1e6 if out_msat else None,
        payments_a_day=max(1, count) / max(days, LEAST_DAYS) / max(1, len(channels)),
        sat_a_payment=out_msat / count / 1000 if count else None,
    )


def wish_marginal(cycle: CycleInput, given: ChannelInput, *, strategy: MarginalStrategy, node: NodeDemand) -> Wish:
    """The best price within one step of the present one. Without a day of history there is no wish."""
    terms = f"marginal, {strategy.min_fee_rate_ppm}..{strategy.max_fee_rate_ppm} ppm"
    present = given.channel.own_policy
    if present is None or given.flow.days_observed < LEAST_DAYS:
        reason = "Less than a day of forwarding history, or no fee, is known (no data)"
        return Wish(rule="marginal/no-data", reason=reason, terms=terms)
    memory = take_lesson(given, now=cycle.now, half_life_days=strategy.half_life_days)
    price = find_price(given, strategy, memory=memory, node=node)
    return Wish(
        rule=_name_rule(price, find_level(present.fee_rate_ppm)),
        reason=_tell_price(price, present.fee_rate_ppm, sat_a_payment=node.sat_a_payment),
        terms=terms,
        own_hold=_find_hold(price.level, present.fee_rate_ppm, strategy=strategy),
        fee_rate_ppm=_write_level(price.level, present.fee_rate_ppm, strategy=strategy),
        wait_s=strategy.update_interval_s,
        is_step=True,
        memory=memory,
    )


def find_price(given: ChannelInput, strategy: MarginalStrategy, *, memory: MarginalMemory, node: NodeDemand) -> Price:
    """1. what others charge, or our first price, says what to expect 2. what was sold at which price corrects it
    3. the share of the balance says what a sat sold costs 4. the level that earns most, of those one step away.
    """
    expected_ppm = strategy.market_factor * _expect_ppm(given, memory)
    belief = learn_demand(memory.offers, expected_ppm=expected_ppm, expected_a_day=node.payments_a_day)
    cost_ppm = strategy.depletion_weight * (node.earned_ppm or 0.0) * (1 - 2 * measure_share(given))
    levels = _list_levels(given, strategy, expected_ppm=expected_ppm)
    level = choose_level(belief, levels, cost_ppm=cost_ppm)
    return Price(level=level, cost_ppm=cost_ppm, expected_ppm=expected_ppm, belief=belief)


def _expect_ppm(given: ChannelInput, memory: MarginalMemory) -> float:
    market = given.market.median_fee_rate_ppm if given.market else None
    known = market if market is not None else memory.first_ppm
    return min(max(known or 0, LEAST_EXPECTED_PPM), MOST_EXPECTED_PPM)


def _list_levels(given: ChannelInput, strategy: MarginalStrategy, *, expected_ppm: float) -> range:
    """From one cut below the present price to one raise above it, inside the strategy's limits. What lies between the
    present price and the expected one is no adventure: others charge it.
    """
    present = given.channel.own_policy.fee_rate_ppm if given.channel.own_policy else 0
    lowest, highest = find_level(strategy.min_fee_rate_ppm), find_level(strategy.max_fee_rate_ppm)
    down = min(present / strategy.max_cut, expected_ppm)
    up = max(max(1, present) * strategy.max_raise, expected_ppm)
    return range(min(max(find_level(down), lowest), highest), min(max(find_level(up), lowest), highest) + 1)


def _write_level(level: int, present_ppm: int, *, strategy: MarginalStrategy) -> int:
    """The present price stays where it stands on the level; the limits are kept to the ppm."""
    wished_ppm = _ask_level(level, present_ppm)
    return min(max(wished_ppm, strategy.min_fee_rate_ppm), strategy.max_fee_rate_ppm)


def _ask_level(level: int, present_ppm: int) -> int:
    return present_ppm if level == find_level(present_ppm) else price_level(level)


def _find_hold(level: int, present_ppm: int, *, strategy: MarginalStrategy) -> OwnHold | None:
    asked_ppm = _ask_level(level, present_ppm)
    return bound_rate(asked_ppm, lowest=strategy.min_fee_rate_ppm, highest=strategy.max_fee_rate_ppm)


def _name_rule(price: Price, present_level: int) -> str:
    if price.level == present_level:
        return "marginal/best"
    return "marginal/raise" if price.level > present_level else "marginal/cut"


def _tell_price(price: Price, present_ppm: int, *, sat_a_payment: float | None) -> str:
    belief, payments = price.belief, expect_payments(price.belief, price.level)
    income = _tell_income(price, payments, present_ppm=present_ppm, sat_a_payment=sat_a_payment)
    selling = f"a sat sold costs {price.cost_ppm:.0f} ppm to have again"
    if price.cost_ppm < 0:
        selling = f"a sat sold makes room worth {-price.cost_ppm:.0f} ppm"
    learned = f"{belief.paid:.1f} payments left by it in {belief.days:.1f} days with balance to sell"
    if belief.days == 0:
        learned = "No whole day with balance to sell at one fee has been learned from yet"
    return (
        f"{learned}, at first sight "
        f"{price.expected_ppm:.0f} ppm halve the demand, {selling}, and {price_level(price.level)} ppm are expected "
        f"to earn most{income}"
    )


def _tell_income(price: Price, payments: float, *, present_ppm: int, sat_a_payment: float | None) -> str:
    """What the model expects a day; nothing where no payment says how large they are."""
    if sat_a_payment is None:
        return ""
    before = expect_payments(price.belief, find_level(present_ppm)) * present_ppm * sat_a_payment / 1e6
    after = payments * price_level(price.level) * sat_a_payment / 1e6
    return f" ({after:.1f} sat a day, {before:.1f} at the present fee)"
