"""How a sender chooses among ways: by fee, by time locked, and by what its last payments taught it.

The weights are LND's (lnd 0.18: `routing/pathfind.go`, `routing/probability_apriori.go`): a hop costs its fee, plus
15e-9 of the amount for each block of its delta, plus what an attempt is worth (100 sat + 1,000 ppm of the amount) times
(1 / p - 1). p starts at 0.6; a failure makes it 0 from the amount that failed upwards, a success 0.95 up to the amount
that passed; what was learned halves every hour, so p goes back to 0.6. Senders know no balance but their own.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from nodes.engine.report import PeerPolicy
from nodes.simulator.forwarding import price_forward

RISK_FACTOR = 15e-9
ATTEMPT_BASE_MSAT, ATTEMPT_PARTS = 100_000, 1_000  # 1,000 ppm: a thousandth of the amount
PRIOR, AFTER_SUCCESS = 0.6, 0.95
PRIOR_DOUBT = 1 / PRIOR - 1
HALF_LIFE_MS = 3_600_000
_LEAST = 0.005  # a way that has just failed is dear, not impossible
_FORGOTTEN_MS = 10 * HALF_LIFE_MS
_LEAST_DOUBT = 1 / AFTER_SUCCESS - 1
_SAFELY = 1 - 1e-9  # a bound must not lie above the cost by what floats round off

Policies = Sequence[PeerPolicy | None]  # by direction
CanSend = Callable[[int, int, int], bool]  # direction, amount in msat, now in ms


class Way(NamedTuple):
    """`own_hop`: which of the directions leaves our node, whose inbound fee counts there; 0: none."""

    directions: tuple[int, ...]
    own_hop: int = 0


class Known:
    """What one sender knows of one direction: the policy it has heard of, and the last thing it saw there.

    A run reads these some ten million times: slots, and the policy's figures beside it.
    """

    __slots__ = (
        "base_fee_msat", "fee_rate_ppm", "has_inbound_fee", "is_passed", "least_msat", "most_msat", "policy", "routes",
        "seen_at_ms", "seen_msat", "time_lock_delta", "valid_until_ms",
    )  # fmt: skip

    def __init__(self, policy: PeerPolicy | None) -> None:
        self.routes: list[Route] = []  # that lead over it
        self.is_passed, self.valid_until_ms = False, -1  # nothing seen yet
        self.hear(policy)

    def hear(self, policy: PeerPolicy | None) -> None:
        self.policy = policy
        is_open = policy is not None and not policy.disabled
        if policy is not None:
            self.base_fee_msat, self.fee_rate_ppm = policy.base_fee_msat, policy.fee_rate_ppm
            self.time_lock_delta = policy.time_lock_delta
            self.least_msat, self.most_msat = policy.min_htlc_msat, policy.max_htlc_msat
        if not is_open:
            self.least_msat, self.most_msat = 1, 0  # no amount lies between
        self.has_inbound_fee = bool(policy and (policy.inbound_base_fee_msat or policy.inbound_fee_rate_ppm))
        self._make_stale()

    def learn(self, amount_msat: int, *, now_ms: int, is_passed: bool) -> None:
        if is_passed != self.is_passed or now_ms > self.valid_until_ms:
            self._make_stale()
        self.seen_at_ms, self.seen_msat, self.is_passed = now_ms, amount_msat, is_passed
        self.valid_until_ms = now_ms + _FORGOTTEN_MS

    def estimate_probability(self, amount_msat: int, now_ms: int) -> float:
        if now_ms > self.valid_until_ms:
            return PRIOR
        if amount_msat > self.seen_msat if self.is_passed else amount_msat < self.seen_msat:
            return PRIOR
        weight: float = 0.5 ** ((now_ms - self.seen_at_ms) / HALF_LIFE_MS)
        return max(_LEAST, PRIOR + ((AFTER_SUCCESS if self.is_passed else 0.0) - PRIOR) * weight)

    def _make_stale(self) -> None:
        for route in self.routes:
            route.stale_at_ms = 0


class Route:
    """A way as one sender knows it. `onwards`: all directions but its own, from the payee back, as fees add up.

    It costs `least_msat` plus `least_share` of the amount at least, until `stale_at_ms`: most ways need not be priced
    to be known as dearer than another.
    """

    __slots__ = ("entering", "known", "least_msat", "least_share", "leaving", "onwards", "stale_at_ms", "way")

    def __init__(self, way: Way, known: tuple[Known, ...], *, entering: Known | None) -> None:
        """`entering`: our side of the channel by which it reaches us, whose inbound fee counts; None: a way around."""
        self.way, self.known, self.onwards = way, known, known[:0:-1]
        self.leaving, self.entering = known[way.own_hop] if entering else None, entering
        self.stale_at_ms: float = 0
        for one in (*self.onwards, entering) if entering else self.onwards:
            one.routes.append(self)

    def bound(self, now_ms: int) -> None:
        """Works `least_msat` and `least_share` out anew. Rounding down costs a fee less than 1 msat."""
        fixed, share, stale_at_ms = 0.0, 0.0, math.inf
        for known in self.onwards:
            if known.least_msat > known.most_msat:
                fixed = math.inf
                break
            doubt = PRIOR_DOUBT
            if known.is_passed and now_ms <= known.valid_until_ms:
                doubt, stale_at_ms = _LEAST_DOUBT, min(stale_at_ms, known.valid_until_ms + 1)
            fixed += ATTEMPT_BASE_MSAT * doubt
            share += doubt / ATTEMPT_PARTS + RISK_FACTOR * known.time_lock_delta
            if known is not self.leaving or not (self.entering and self.entering.has_inbound_fee):
                fixed += known.base_fee_msat - 1
                share += known.fee_rate_ppm / 1_000_000
        self.least_msat, self.least_share, self.stale_at_ms = fixed * _SAFELY, share * _SAFELY, stale_at_ms


class Offer(NamedTuple):
    """A route at the prices a sender knows. `amounts_msat[i]` is what its i-th direction must carry."""

    route: Route
    cost_msat: float
    amounts_msat: list[int]


def weigh_delay(policy: PeerPolicy, amount_msat: int) -> float:
    return RISK_FACTOR * amount_msat * policy.time_lock_delta


def weigh_doubt(probability: float, amount_msat: int) -> float:
    return (ATTEMPT_BASE_MSAT + amount_msat / ATTEMPT_PARTS) * (1 / probability - 1)


class Sender:
    """One source of payments: what it knows of each direction it may ever use, `known`."""

    def __init__(self, policies: Policies) -> None:
        self._policies = policies
        self.known: dict[int, Known] = {}

    def map_routes(self, ways: Iterable[Way]) -> list[Route]:
        """Before the first news: what is not in `known` yet is known as it was at the start."""
        return [self._map_route(way) for way in ways]

    def _map_route(self, way: Way) -> Route:
        directions, own_hop = way
        known = tuple(map(self._know, directions))
        return Route(way, known, entering=self._know(directions[own_hop - 1] ^ 1) if own_hop else None)

    def _know(self, direction: int) -> Known:
        known = self.known.get(direction)
        if known is None:
            known = self.known[direction] = Known(self._policies[direction])
        return known


def choose_route(
    routes: Iterable[Route], amount_msat: int, *, now_ms: int, most_msat: int, can_send: CanSend
) -> Offer | None:
    """The cheapest, by the policies this sender knows, that `can_send` says its own channel can carry.

    None: on each way a policy does not let the amount pass, or the sender would part with more than `most_msat`. The
    first direction is the sender's own: no fee, and no doubt. Most of a run is spent here, so `weigh_delay`,
    `weigh_doubt` and the plain fee are written out, and a route is left as soon as it cannot be the cheapest any more.
    """
    best, lowest, below = None, math.inf, math.inf
    for route in routes:
        if now_ms >= route.stale_at_ms:
            route.bound(now_ms)
        if route.least_msat + amount_msat * route.least_share > lowest:
            continue
        leaving, amount, burden, amounts = route.leaving, amount_msat, 0.0, [amount_msat]
        for known in route.onwards:
            if not known.least_msat <= amount <= known.most_msat:
                break
            doubt = PRIOR_DOUBT if now_ms > known.valid_until_ms else 1 / known.estimate_probability(amount, now_ms) - 1
            burden += (
                RISK_FACTOR * amount * known.time_lock_delta + (ATTEMPT_BASE_MSAT + amount / ATTEMPT_PARTS) * doubt
            )
            amount += (
                _price_own(known, route.entering, amount_msat=amount)
                if known is leaving
                else known.base_fee_msat + amount * known.fee_rate_ppm // 1_000_000
            )
            amounts.append(amount)
            if amount > most_msat or burden + amount >= below:
                break
        else:
            if can_send(route.way.directions[0], amount, now_ms):
                lowest = burden + amount - amount_msat
                best, below = (route, amounts), lowest + amount_msat
    return None if best is None else Offer(best[0], lowest, best[1][::-1])


def _price_own(leaving: Known, entering: Known | None, *, amount_msat: int) -> int:
    """The fee our own node asks for, in msat."""
    if entering is None or not entering.has_inbound_fee or leaving.policy is None:
        return leaving.base_fee_msat + amount_msat * leaving.fee_rate_ppm // 1_000_000
    return price_forward(leaving.policy, entering.policy, amount_msat=amount_msat)
