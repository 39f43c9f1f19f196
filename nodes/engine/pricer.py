"""A strategy ready to price channels, and the three ways to make one."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Values
from nodes.engine.memory import NodeMemory
from nodes.engine.policies.values import fill_wish
from nodes.engine.wish import Wish

WishOf = Callable[[ChannelInput], Wish]


class Pricer(Struct, frozen=True, kw_only=True):
    """A strategy ready to price channels. `node_memory`: what it keeps of the node; None: as it was."""

    wish: WishOf
    node_memory: NodeMemory | None = None


Prepare = Callable[[CycleInput, Sequence[ChannelInput], Any, Values], Pricer]


def prepare_each(wish: Callable[..., Wish]) -> Prepare:
    """Of a strategy that looks at one channel at a time: `wish(cycle, channel, strategy=...)`.

    What the wish leaves open and the values name is filled in.
    """

    def prepare(cycle: CycleInput, channels: Sequence[ChannelInput], strategy: Any, values: Values) -> Pricer:
        def wish_filled(given: ChannelInput) -> Wish:
            wished = wish(cycle, given, strategy=strategy)
            return replace(wished, **fill_wish(wished, given, values=values))

        return Pricer(wish=wish_filled)

    return prepare


def prepare_node(survey: Callable[..., Pricer]) -> Prepare:
    """Of a strategy that looks at all its channels first: `survey(cycle, channels, strategy=...)`. Filled in alike."""

    def prepare(cycle: CycleInput, channels: Sequence[ChannelInput], strategy: Any, values: Values) -> Pricer:
        surveyed = survey(cycle, channels, strategy=strategy)

        def wish_filled(given: ChannelInput) -> Wish:
            wished = surveyed.wish(given)
            return replace(wished, **fill_wish(wished, given, values=values))

        return replace(surveyed, wish=wish_filled)

    return prepare


def prepare_values(build: Callable[..., WishOf]) -> Prepare:
    """Of a strategy of charge-lnd's: `build(cycle, values, strategy=...)`. Nothing is surveyed."""

    def prepare(cycle: CycleInput, channels: Sequence[ChannelInput], strategy: Any, values: Values) -> Pricer:
        return Pricer(wish=build(cycle, values, strategy=strategy))

    return prepare
