"""How each strategy is asked for its wishes: prepared once for the channels it prices, then channel by channel.

Preparing is where a strategy surveys the node: what depends on several channels (a peer's sum, a node-wide margin) is
worked out there, and what it remembers of the whole node is handed back.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Strategy, TimeOfDayStrategy, UseConfigStrategy, Values
from nodes.engine.policies.cost import prepare_cost
from nodes.engine.policies.flow import wish_flow
from nodes.engine.policies.ignore import prepare_disable, prepare_ignore, prepare_ignore_fees, prepare_unmatched
from nodes.engine.policies.match_peer import prepare_match_peer
from nodes.engine.policies.onchain_fee import prepare_onchain_fee
from nodes.engine.policies.proportional import prepare_proportional
from nodes.engine.policies.static import prepare_static
from nodes.engine.policies.time_of_day import find_slot, tell_slot
from nodes.engine.pricer import Prepare, Pricer, prepare_each, prepare_values
from nodes.engine.report import MAX_PPM
from nodes.engine.rules import lay_over
from nodes.engine.stateful_pricing import STATEFUL
from nodes.engine.strategies import (
    CostStrategy,
    DisableStrategy,
    FlowStrategy,
    IgnoreFeesStrategy,
    IgnoreStrategy,
    MatchPeerStrategy,
    OnchainFeeStrategy,
    ProportionalStrategy,
    StaticStrategy,
)
from nodes.engine.wish import Wish


def prepare_time_of_day(
    cycle: CycleInput, channels: Sequence[ChannelInput], *, strategy: TimeOfDayStrategy, values: Values
) -> Pricer:
    """The inner strategy with the values of the slot that holds, its outbound rate times the slot's factor."""
    slot = find_slot(strategy, cycle.now)
    inner = prepare_strategy(
        cycle, channels, strategy=strategy.inner, values=lay_over(values, slot.values) if slot else values
    )
    factor, terms = slot.factor if slot else None, tell_slot(strategy, slot)

    def wish(given: ChannelInput) -> Wish:
        wished = inner.wish(given)
        ppm = wished.fee_rate_ppm
        scaled_ppm = ppm if ppm is None or factor is None else min(MAX_PPM, round(ppm * factor))
        held = wished.own_hold
        return replace(
            wished,
            rule=f"time_of_day/{wished.rule}",
            terms=f"{terms}; {wished.terms}",
            fee_rate_ppm=scaled_ppm,
            own_hold=replace(held, asked_ppm=min(MAX_PPM, round(held.asked_ppm * factor))) if held and factor else held,
        )

    return replace(inner, wish=wish)


PREPARES: dict[type, Prepare] = STATEFUL | {
    StaticStrategy: prepare_values(prepare_static),
    ProportionalStrategy: prepare_values(prepare_proportional),
    MatchPeerStrategy: prepare_values(prepare_match_peer),
    CostStrategy: prepare_values(prepare_cost),
    OnchainFeeStrategy: prepare_values(prepare_onchain_fee),
    IgnoreStrategy: prepare_values(prepare_ignore),
    IgnoreFeesStrategy: prepare_values(prepare_ignore_fees),
    DisableStrategy: prepare_values(prepare_disable),
    UseConfigStrategy: prepare_values(prepare_unmatched),
    FlowStrategy: prepare_each(wish_flow),
}


def prepare_strategy(
    cycle: CycleInput, channels: Sequence[ChannelInput], *, strategy: Strategy, values: Values
) -> Pricer:
    """`channels`: all that the rule is to price, those kept out by a bar included."""
    if isinstance(strategy, TimeOfDayStrategy):
        return prepare_time_of_day(cycle, channels, strategy=strategy, values=values)
    return PREPARES[type(strategy)](cycle, channels, strategy, values)
