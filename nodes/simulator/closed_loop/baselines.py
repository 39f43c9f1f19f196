"""The rules a policy is compared with that are no strategy of the engine, each a few lines (B1 to B3, B6)."""

from collections.abc import Callable, Mapping
from statistics import median_low

from msgspec import structs

from nodes.engine.prepare import NodeFacts
from nodes.engine.report import ChannelPolicy, ChannelState
from nodes.simulator.closed_loop.observation import Pricer

Rule = Callable[[NodeFacts, ChannelState, ChannelPolicy], ChannelPolicy]


def price_lnd_default(facts: NodeFacts) -> Mapping[str, ChannelPolicy]:
    """B1: LND's defaults, 1,000 msat and 1 ppm."""
    return price_each(facts, lambda _, __, present: set_fee(present, 1, base_fee_msat=1_000))


def price_network_median(facts: NodeFacts) -> Mapping[str, ChannelPolicy]:
    """B2: 100 ppm, the network's median, everywhere."""
    return price_each(facts, lambda _, __, present: set_fee(present, 100))


class FlatMedian:
    """B3: the median of the node's own fees at the first decision, everywhere."""

    def __init__(self) -> None:
        self._fee_rate_ppm: int | None = None

    def __call__(self, facts: NodeFacts) -> Mapping[str, ChannelPolicy]:
        if self._fee_rate_ppm is None:
            rates = [channel.own_policy.fee_rate_ppm for channel in facts.snapshot.channels if channel.own_policy]
            self._fee_rate_ppm = median_low(rates) if rates else 0
        fee_rate_ppm = self._fee_rate_ppm
        return price_each(facts, lambda _, __, present: set_fee(present, fee_rate_ppm))


class Multiplied:
    """B6's grid: each fee as the graph has it, times one factor, from the first decision on."""

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._is_done = False

    def __call__(self, facts: NodeFacts) -> Mapping[str, ChannelPolicy]:
        if self._is_done:
            return {}
        self._is_done = True
        return price_each(
            facts, lambda _, __, present: set_fee(present, min(1_000_000, round(present.fee_rate_ppm * self._factor)))
        )


def price_each(facts: NodeFacts, rule: Rule) -> dict[str, ChannelPolicy]:
    """What the rule wants of every channel that has a policy."""
    return {
        channel.short_channel_id: rule(facts, channel, channel.own_policy)
        for channel in facts.snapshot.channels
        if channel.own_policy is not None
    }


def set_fee(present: ChannelPolicy, fee_rate_ppm: int, *, base_fee_msat: int | None = None) -> ChannelPolicy:
    base = present.base_fee_msat if base_fee_msat is None else base_fee_msat
    return structs.replace(present, fee_rate_ppm=fee_rate_ppm, base_fee_msat=base)


BASELINES: dict[str, Callable[[], Pricer]] = {
    "lnd-default": lambda: price_lnd_default,
    "flat-100": lambda: price_network_median,
    "flat-median": FlatMedian,
}
