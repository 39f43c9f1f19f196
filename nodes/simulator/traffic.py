"""Who wants to pay through a node, and when: a day of payment attempts, from a seed.

What is modelled, with the figures of a real routing node with 85 channels (12,942 forwards of 2019 to 2025):
- arrivals: a Poisson process whose daily intensity is gamma distributed, so that daily counts of settled forwards have
  variance/mean of about 15, and whose rate follows the hour (1.9 times as many at 14 h as at 2 h UTC);
- amounts: lognormal (mu 9.91, sigma 2.23, in sat), cut by what channels can carry;
- senders prefer large channels, and each channel has a lasting taste for one direction: so channels drain and fill;
- a sender pays no more than a fee budget, drawn so that demand falls with the fee's power 0.62 (the elasticity seen at
  that node: descriptive, not a causal estimate).
A sender does not know balances. It tries a few channels before it gives up.
"""

import math
import random
from collections.abc import Iterator, Sequence

from msgspec import Struct

from nodes.simulator.seed import seed_random
from nodes.simulator.world import Channel, FleetNode

NS_PER_S = 10**9
DAY_S = 86_400
DAY_NS = DAY_S * NS_PER_S

AMOUNT_LOG_MEAN, AMOUNT_LOG_SIGMA = 9.91, 2.23
EXTRA_DAILY_VARIANCE = 14.0  # of settled forwards, as a multiple of their mean; Poisson adds 1
PEAK_HOUR, PEAK_TO_TROUGH = 14, 1.9
FEE_ELASTICITY = 0.62
SMALLEST_BUDGET_PPM = 50
TASTE = 0.9  # how strongly a channel favours one direction
CHANNELS_TRIED = 4
TYPICAL_SETTLED_PER_DAY, TYPICAL_CHANNELS = 18.0, 30
FAILED_DOWNSTREAM = 0.2
HELD_SHARE, HELD_AT_MOST_S = 0.03, DAY_S  # hold invoices and stuck payments
HOLD_LOG_MEAN, HOLD_LOG_SIGMA = math.log(2.8), 1.5  # seconds: p50 2.8, p95 33, p99 92


class Attempt(Struct, frozen=True, order=True):
    """A payment that would like to pass through `pubkey`. Channels stand in the order the sender tries them."""

    at_ns: int
    pubkey: str
    amount_msat: int  # to leave by the outgoing channel
    fee_budget_msat: int
    incoming_ids: tuple[int, ...]
    outgoing_ids: tuple[int, ...]
    hold_ns: int
    fails_downstream: bool


class Demand:
    """The wish of the world to pay through one node."""

    def __init__(self, node: FleetNode, channels: Sequence[Channel], *, seed: int) -> None:
        self._node = node
        self._seed = seed
        self._channel_ids = [channel.channel_id for channel in channels]
        tastes = [self._draw_taste(channel) for channel in channels]
        sizes = [math.sqrt(channel.capacity_sat) for channel in channels]
        self._incoming_weights = [size * math.exp(-taste) for size, taste in zip(sizes, tastes, strict=True)]
        self._outgoing_weights = [size * math.exp(taste) for size, taste in zip(sizes, tastes, strict=True)]

    def plan_day(self, day: int) -> list[Attempt]:
        """The attempts of one UTC day (days since 1970), in order. The same for a seed, whoever asks and when."""
        rng = seed_random(self._seed, self._node.pubkey, day)
        moments = draw_day(rng, mean_settled=self._node.settled_per_day, mean_attempts=self._node.attempts_per_day)
        return [self._draw_attempt(rng, day * DAY_NS + int(second * NS_PER_S)) for second in moments]

    def _draw_taste(self, channel: Channel) -> float:
        """Above 0: payments like to leave by this channel. The peer's own business, so it lasts."""
        rng = seed_random(self._seed, "taste", self._node.pubkey, channel.channel_id)
        return rng.gauss(0, TASTE)

    def _draw_attempt(self, rng: random.Random, at_ns: int) -> Attempt:
        amount_msat = draw_amount_msat(rng)
        budget_ppm = SMALLEST_BUDGET_PPM * (1 - rng.random()) ** (-1 / FEE_ELASTICITY)
        hold_s = draw_hold_s(rng)
        return Attempt(
            at_ns=at_ns,
            pubkey=self._node.pubkey,
            amount_msat=amount_msat,
            fee_budget_msat=1000 + int(amount_msat * min(budget_ppm, 1_000_000) / 1_000_000),
            incoming_ids=tuple(rng.choices(self._channel_ids, self._incoming_weights, k=CHANNELS_TRIED)),
            outgoing_ids=tuple(rng.choices(self._channel_ids, self._outgoing_weights, k=CHANNELS_TRIED)),
            hold_ns=int(hold_s * NS_PER_S),
            fails_downstream=rng.random() < FAILED_DOWNSTREAM,
        )


def draw_day(rng: random.Random, *, mean_settled: float, mean_attempts: float) -> Iterator[float]:
    """The moments of one day's attempts, in seconds since midnight UTC, in order.

    `mean_attempts` of them on an average day, of which `mean_settled` settle: so the settled ones get the variance.
    Each moment is drawn when it is asked for; the caller may draw from `rng` in between.
    """
    shape = mean_settled / EXTRA_DAILY_VARIANCE
    per_second = rng.gammavariate(shape, mean_attempts / shape) / DAY_S
    swing = (PEAK_TO_TROUGH - 1) / (PEAK_TO_TROUGH + 1)
    second = 0.0
    while True:  # thinning: arrivals at the peak's rate, kept in proportion to the hour's
        second += rng.expovariate(per_second * (1 + swing)) if per_second else DAY_S
        if second >= DAY_S:
            return
        hours_from_peak = second / 3600 - PEAK_HOUR
        if rng.random() * (1 + swing) < 1 + swing * math.cos(hours_from_peak * math.pi / 12):
            yield second


def draw_amount_msat(rng: random.Random) -> int:
    return max(1, int(rng.lognormvariate(AMOUNT_LOG_MEAN, AMOUNT_LOG_SIGMA) * 1000))


def draw_hold_s(rng: random.Random) -> float:
    """Between the moment an HTLC is locked in and the moment it settles."""
    held = rng.random() < HELD_SHARE
    return rng.uniform(0, HELD_AT_MOST_S) if held else rng.lognormvariate(HOLD_LOG_MEAN, HOLD_LOG_SIGMA)


def expect_settled_per_day(channel_count: int) -> float:
    """Larger nodes forward more, but less than in proportion."""
    return TYPICAL_SETTLED_PER_DAY * math.sqrt(channel_count / TYPICAL_CHANNELS)
