"""What payments are willing to pay to leave by one channel, as far as it is known, and which price earns most by it.

The model, a channel: `rate` payments a day want to leave by it; one of them takes a price p with the probability
1 / (1 + exp((ln p - m) / WIDTH)), so at exp(m) every second one does. What was seen are offers: for so many days, with
balance to sell, a price stood, and so many payments took it. Their number is Poisson; `rate` has a Gamma prior, which
integrates out exactly (Gelman et al., Bayesian Data Analysis, 2.6), `m` a normal prior on a grid of 30 values.

WIDTH is where the measured elasticity comes in: the demand above has the elasticity -(1 - share) / WIDTH, so -0.62 at
its middle with 0.8 (one real node: -0.62 +- 0.05).

Prices stand on levels an eighth of a log unit apart, so every value of the curve is worked out once.
"""

import math
from collections.abc import Sequence
from functools import cache

from msgspec import Struct

from nodes.engine.memory import PriceOffer

WIDTH = 0.8
STEPS = 8  # levels in one log unit: neighbours differ by 13 %
MIDDLES = tuple(range(13, 73, 2))  # levels of `m`: 5 to 7,500 ppm
PRIOR_SPREAD = 1.0  # log units: how far off what others charge may be
PRIOR_RATE = 0.5  # the Gamma prior's shape: as weak as half a payment
MAX_LEVEL = 110  # above 900,000 ppm


class Belief(Struct, frozen=True, kw_only=True):
    """The demand of one channel: for each of MIDDLES how probable it is, times the payments a day it then has."""

    weights: tuple[float, ...]
    paid: float  # payments seen, older ones counted less
    days: float  # that they were seen in


def find_level(fee_rate_ppm: float) -> int:
    """The nearest level of a price; that of 1 ppm for anything below."""
    return min(MAX_LEVEL, round(STEPS * math.log(max(1.0, fee_rate_ppm))))


def price_level(level: int) -> int:
    return round(math.exp(level / STEPS))


def learn_demand(offers: Sequence[PriceOffer], *, expected_ppm: float, expected_a_day: float) -> Belief:
    """The belief after the offers. Before any, half of `expected_a_day` payments' wishers take `expected_ppm`."""
    paid = math.fsum(offer.payments for offer in offers)
    days = math.fsum(offer.days for offer in offers)
    prior_days = PRIOR_RATE / max(expected_a_day, 1e-3)
    likely, rates = [], []
    for index, middle in enumerate(MIDDLES):
        seen_days = prior_days + math.fsum(offer.days * _table()[offer.level][index][0] for offer in offers)
        gap = (middle / STEPS - math.log(expected_ppm)) / PRIOR_SPREAD
        log_takes = math.fsum(offer.payments * _table()[offer.level][index][1] for offer in offers)
        likely.append(log_takes - gap * gap / 2 - (PRIOR_RATE + paid) * math.log(seen_days))
        rates.append((PRIOR_RATE + paid) / seen_days)
    top = max(likely)
    chances = [math.exp(value - top) for value in likely]
    total = math.fsum(chances)
    weights = tuple(chance / total * rate for chance, rate in zip(chances, rates, strict=True))
    return Belief(weights=weights, paid=paid, days=days)


def expect_payments(belief: Belief, level: int) -> float:
    """A day, at the level's price."""
    return math.fsum(weight * share for weight, (share, _) in zip(belief.weights, _table()[level], strict=True))


def choose_level(belief: Belief, levels: Sequence[int], *, cost_ppm: float) -> int:
    """The level that earns most: (price - cost) times the payments expected. The cost may be negative."""
    return max(levels, key=lambda level: (math.exp(level / STEPS) - cost_ppm) * expect_payments(belief, level))


@cache
def _table() -> tuple[tuple[tuple[float, float], ...], ...]:
    """By level and middle: which share takes the price, and its logarithm."""
    return tuple(tuple(_take(level - middle) for middle in MIDDLES) for level in range(MAX_LEVEL + 1))


def _take(gap: int) -> tuple[float, float]:
    share = 1 / (1 + math.exp(gap / STEPS / WIDTH))
    return share, math.log(share)
