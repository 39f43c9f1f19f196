"""How each strategy is asked for its wishes: prepared once for the channels it prices, then channel by channel.

Preparing is where a strategy surveys the node: what depends on several channels (a peer's sum, a node-wide margin) is
worked out there, and what it remembers of the whole node is handed back.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Values
from nodes.engine.memory import NodeMemory
from nodes.engine.policies.flow import wish_flow
from nodes.engine.policies.proportional import prepare_proportional
from nodes.engine.policies.static import prepare_static
from nodes.engine.rules import Site
from nodes.engine.strategies import FlowStrategy, ProportionalStrategy, StaticStrategy
from nodes.engine.wish import Wish

WishOf = Callable[[ChannelInput], Wish]


class Pricer(Struct, frozen=True, kw_only=True):
    """A strategy ready to price channels. `node_memory`: what it keeps of the node; None: as it was."""

    wish: WishOf
    node_memory: NodeMemory | None = None


Prepare = Callable[[CycleInput, Sequence[ChannelInput], Any, Values], Pricer]


def prepare_each(wish: Callable[..., Wish]) -> Prepare:
    """Of a strategy that looks at one channel at a time: `wish(cycle, channel, strategy=...)`."""

    def prepare(cycle: CycleInput, channels: Sequence[ChannelInput], strategy: Any, values: Values) -> Pricer:
        return Pricer(wish=lambda given: wish(cycle, given, strategy=strategy))

    return prepare


def prepare_values(build: Callable[[Any, Values], WishOf]) -> Prepare:
    """Of a strategy of charge-lnd's: its parameters may be among the values collected, and nothing is surveyed."""

    def prepare(cycle: CycleInput, channels: Sequence[ChannelInput], strategy: Any, values: Values) -> Pricer:
        return Pricer(wish=build(strategy, values))

    return prepare


PREPARES: dict[type, Prepare] = {
    StaticStrategy: prepare_values(prepare_static),
    ProportionalStrategy: prepare_values(prepare_proportional),
    FlowStrategy: prepare_each(wish_flow),
}


def prepare_site(cycle: CycleInput, channels: Sequence[ChannelInput], *, site: Site) -> Pricer:
    """`channels`: all that matched the site, those kept out by a bar included."""
    return PREPARES[type(site.strategy)](cycle, channels, site.strategy, site.values)
