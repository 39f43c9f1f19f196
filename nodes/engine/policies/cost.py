"""charge-lnd's `cost`: what a channel's opening cost, spread over its capacity sold once."""

from collections.abc import Callable

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Values
from nodes.engine.policies.values import frame_wish
from nodes.engine.report import ChannelState
from nodes.engine.strategies import CostStrategy
from nodes.engine.wish import Wish

COST_FACTOR = 1.0
NOT_OURS_PPM = 1


def prepare_cost(cycle: CycleInput, values: Values, *, strategy: CostStrategy) -> Callable[[ChannelInput], Wish]:
    factor = next(f for f in (strategy.cost_factor, values.cost_factor, COST_FACTOR) if f is not None)
    say = frame_wish(values, terms=f"cost, {factor:g} times")

    def wish(given: ChannelInput) -> Wish:
        opening_sat = find_opening_fee(given.channel)
        if opening_sat is None:
            return say(given, rule="cost/no-data", reason="What opening the channel cost is not known (no data)")
        ppm = price_cost(opening_sat, capacity_sat=given.channel.capacity_sat, cost_factor=factor)
        reason = "Opening the channel cost us {} sat" if opening_sat else "Opening the channel cost us nothing"
        return say(given, rule="cost", reason=reason, facts=(opening_sat,) if opening_sat else (), fee_rate_ppm=ppm)

    return wish


def find_opening_fee(channel: ChannelState) -> int | None:
    """In sat, 0 where another paid; None where it was ours and the node did not report it."""
    return 0 if channel.initiator is False else channel.opening_fee_sat


def price_cost(opening_fee_sat: int, *, capacity_sat: int, cost_factor: float) -> int:
    """int(factor * 1e6 * opening fee / capacity), and 1 where the opening was not ours. Source: charge-lnd, `cost`."""
    return int(cost_factor * 1_000_000 * opening_fee_sat / capacity_sat) if opening_fee_sat else NOT_OURS_PPM
