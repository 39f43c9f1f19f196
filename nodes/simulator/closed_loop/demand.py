"""Who pays whom in a closed-loop world, over which ways, when and how much: all from the seed, before any fee is set.

Payers and payees stay the same for the whole run, and each pair pays one way more than back, so channels drain. Every
policy under comparison meets the same payments (common random numbers).
"""

import itertools
import math
import random
from array import array
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import astuple

from nodes.simulator.closed_loop.network import Network
from nodes.simulator.closed_loop.routes import Leg, RouteFinder, weigh_direction
from nodes.simulator.closed_loop.sender import Way
from nodes.simulator.seed import seed_random
from nodes.simulator.traffic import DAY_S, draw_amount_msat, draw_day, draw_hold_s

DAY_MS = DAY_S * 1000
LARGEST_AMOUNT_MSAT = 1_200_000_000  # drawn again beyond: larger payments are split (a real node: p99 900,000 sat)
ATTEMPT_FACTOR = 2  # what is tried is larger than what settles, of which the amounts are known
BUDGET_LOG_MEAN, BUDGET_LOG_SIGMA = math.log(1_000), 1.2  # ppm of the amount a sender pays at most, for the whole way
BUDGET_BASE_MSAT = 2_000
# Probes, offline payees, expired invoices: the last node refuses (real nodes: 28 fail for each that settles).
UNPAYABLE_SHARE = 0.8
_MASS_SIGMA = 0.8  # how unevenly nodes pay and are paid: log units
_GAP_MSAT = 20_000  # for 50,000 sat: 400 ppm
_CAPTIVE = 0.01  # the weight of two nodes that only we connect
_MOST_PAIRS = 800
_MOST_PEERS, _MOST_OTHERS = 90, 30  # who pays and is paid
_MOST_ASKED = 2_000  # pairs of them


Columns = Sequence[Sequence[int]]


class Pair(NamedTuple):
    source: int
    target: int
    routes: tuple[Way, ...]
    weight: float


class Payment(Struct, frozen=True, gc=False):
    at_ms: int
    pair: int
    amount_msat: int
    budget_msat: int
    hold_ms: int
    is_payable: bool


class Demand(Struct, frozen=True, kw_only=True, dict=True):
    """`mean_settled` and `mean_attempts` are per day: what should pass our node, and what is tried for it."""

    seed: int
    pairs: list[Pair]
    mean_settled: float
    mean_attempts: float
    unpayable_share: float = UNPAYABLE_SHARE

    def plan_day(self, day: int) -> Iterator[Payment]:
        """The payments of one day, in order. The same whoever asks, and whatever the fees are."""
        if not self.pairs:
            return iter(())
        columns = self._days.get(day)
        if columns is None:
            columns = self._days[day] = _pack_payments(self._draw_payments(day))
        return map(Payment, *columns) if columns else iter(())

    @cached_property
    def _days(self) -> dict[int, Columns]:
        """Each day is drawn once, for all policies that meet it."""
        return {}

    def _draw_payments(self, day: int) -> Iterator[Payment]:
        rng = seed_random(self.seed, "payments", day)
        heaped = list(itertools.accumulate(pair.weight for pair in self.pairs))
        for second in draw_day(rng, mean_settled=self.mean_settled, mean_attempts=self.mean_attempts):
            at_ms = day * DAY_MS + int(second * 1000)
            yield _draw_payment(rng, heaped, at_ms=at_ms, unpayable_share=self.unpayable_share)


def _pack_payments(payments: Iterable[Payment]) -> Columns:
    """The fields of `Payment` one by one, 48 bytes a payment: a busy world has millions of them."""
    return [array("q", column) for column in zip(*map(astuple, payments), strict=True)]


def _draw_payment(rng: random.Random, heaped: Sequence[float], *, at_ms: int, unpayable_share: float) -> Payment:
    amount_msat = _draw_amount(rng)
    budget_ppm = rng.lognormvariate(BUDGET_LOG_MEAN, BUDGET_LOG_SIGMA)
    return Payment(
        at_ms=at_ms,
        pair=min(bisect(heaped, rng.random() * heaped[-1]), len(heaped) - 1),
        amount_msat=amount_msat,
        budget_msat=BUDGET_BASE_MSAT + int(amount_msat * budget_ppm / 1_000_000),
        hold_ms=int(draw_hold_s(rng) * 1000) + 1,
        is_payable=rng.random() >= unpayable_share,
    )


def _draw_amount(rng: random.Random) -> int:
    while (amount_msat := ATTEMPT_FACTOR * draw_amount_msat(rng)) > LARGEST_AMOUNT_MSAT:
        pass
    return amount_msat


def choose_pairs(network: Network, *, seed: int) -> list[Pair]:
    """1. a pool of nodes, most of them our peers, 2. for each two of them the ways through us and around us,
    3. kept: those for whom we are a way worth trying, weighted by what the two pay and are paid.
    """
    rng = seed_random(seed, "pairs", network.pubkeys[network.own])
    finder = RouteFinder(network, rng)
    pool = _draw_pool(network, rng)
    paying = {node: rng.lognormvariate(0, _MASS_SIGMA) for node in pool}
    paid = {node: rng.lognormvariate(0, _MASS_SIGMA) for node in pool}
    asked = [(source, target) for source in pool for target in pool if source != target]
    pairs: list[Pair] = []
    for source, targets in itertools.groupby(
        sorted(rng.sample(asked, min(_MOST_ASKED, len(asked)))), key=lambda p: p[0]
    ):
        around = finder.find_around(source, [target for _, target in targets])
        for target, legs in around.items():
            if through := finder.find_through(source, target):
                weight = paying[source] * paid[target] * _weigh_gap(network, through[0], around=legs)
                pairs.append(Pair(source, target, _join_routes(through, legs), weight))
    pairs.sort(key=lambda pair: -pair.weight)
    return pairs[:_MOST_PAIRS]


def _draw_pool(network: Network, rng: random.Random) -> list[int]:
    """Large nodes rather than small ones, by the root of their capacity."""
    capacity: dict[int, float] = {}
    for (first, second), capacity_msat in zip(network.ends, network.capacities_msat, strict=True):
        capacity[first] = capacity.get(first, 0) + capacity_msat
        capacity[second] = capacity.get(second, 0) + capacity_msat
    peers = sorted({network.heads[direction] for direction in network.own_directions.values()})
    others = sorted(set(capacity) - {network.own, *peers})
    drawn = [
        _draw_nodes(rng, nodes, capacity=capacity)[:most]
        for nodes, most in ((peers, _MOST_PEERS), (others, _MOST_OTHERS))
    ]
    return sorted(itertools.chain.from_iterable(drawn))


def _draw_nodes(rng: random.Random, nodes: list[int], *, capacity: dict[int, float]) -> list[int]:
    """In random order, large ones rather first (weighted sampling, Efraimidis and Spirakis 2006)."""
    keys = {node: rng.random() ** (1 / math.sqrt(max(1.0, capacity[node]) / 1e9)) for node in nodes}
    return sorted(nodes, key=lambda node: -keys[node])


def _weigh_gap(network: Network, through: tuple[Leg, int], *, around: Sequence[Leg]) -> float:
    """1 where the way over us costs as much as the best way around, at our present fees, and less the further the two
    lie apart: in a dense network most payments have a choice among ways of nearly the same cost, few have none.
    """
    if not around:
        return _CAPTIVE
    leg, own_hop = through
    over_us = leg.weight + weigh_direction(network.policies[leg.directions[own_hop]])
    gap = (over_us - around[0].weight) / _GAP_MSAT
    return math.exp(gap / 2 if gap < 0 else -gap)


def _join_routes(through: Sequence[tuple[Leg, int]], around: Sequence[Leg]) -> tuple[Way, ...]:
    """In turn, the best of each first: what is dear is soon given up when something cheaper is known."""
    over_us = [Way(leg.directions, own_hop) for leg, own_hop in through]
    past_us = [Way(leg.directions) for leg in around]
    return tuple(way for turn in itertools.zip_longest(over_us, past_us) for way in turn if way is not None)
