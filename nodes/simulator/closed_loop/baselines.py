"""The rules a policy is compared with that are no strategy of the engine, each a few lines (B1 to B3, B5, B6)."""

import datetime as dt
from collections.abc import Callable, Mapping
from statistics import median_low

from msgspec import structs

from nodes.engine.prepare import NodeFacts
from nodes.engine.report import ChannelPolicy, ChannelState
from nodes.simulator.closed_loop.observation import Pricer

Rule = Callable[[NodeFacts, ChannelState, ChannelPolicy], ChannelPolicy]

DAY = dt.timedelta(days=1)
LOW_LOCAL_SAT = 50_000
DAILY_MIN_PPM, DAILY_MAX_PPM, DAILY_BASE_MSAT = 1, 5_000, 1_000
LEAST_AVAILABILITY = 0.8


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


class DailyRule:
    """B5, the documented daily rule: +5 % after a forward in 24 h, +1 % with less than 50,000 sat of ours, -15 % where
    none was ever forwarded, else -2 %; 1 to 5,000 ppm, base 1,000 msat; a peer that is there less than 80 % of the
    time has its channel disabled. One step a day, however often it is asked.
    """

    def __init__(self) -> None:
        self._next_at: dt.datetime | None = None
        self._ever: set[str] = set()
        self._exact: dict[str, float] = {}  # steps of 1 % of a small fee must add up

    def __call__(self, facts: NodeFacts) -> Mapping[str, ChannelPolicy]:
        now = facts.snapshot.taken_at
        if self._next_at is not None and now < self._next_at:
            return {}
        self._next_at = now + DAY
        settled = [forward for forward in facts.forwards if forward.status == "settled"]
        self._ever.update(forward.outgoing_scid for forward in settled)
        recent = {forward.outgoing_scid for forward in settled if forward.settled_at >= now - DAY}
        return price_each(facts, lambda _, channel, present: self._step(channel, present, recent))

    def _step(self, channel: ChannelState, present: ChannelPolicy, recent: set[str]) -> ChannelPolicy:
        scid = channel.short_channel_id
        rate = self._exact.get(scid, present.fee_rate_ppm) * self._find_factor(channel, recent)
        self._exact[scid] = rate = min(max(rate, DAILY_MIN_PPM), DAILY_MAX_PPM)
        priced = set_fee(present, round(rate), base_fee_msat=DAILY_BASE_MSAT)
        return structs.replace(priced, disabled=True) if _is_away(channel) else priced

    def _find_factor(self, channel: ChannelState, recent: set[str]) -> float:
        if channel.short_channel_id in recent:
            return 1.05
        if channel.local_balance_sat < LOW_LOCAL_SAT:
            return 1.01
        return 0.98 if channel.short_channel_id in self._ever else 0.85


def _is_away(channel: ChannelState) -> bool:
    if channel.uptime_s is None or not channel.lifetime_s:
        return False
    return channel.uptime_s / channel.lifetime_s < LEAST_AVAILABILITY


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
    "daily": DailyRule,
}
