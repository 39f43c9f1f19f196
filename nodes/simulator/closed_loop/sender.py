"""How a sender chooses among ways: by fee, by time locked, and by what its last payments taught it.

The weights are LND's (lnd 0.18: `routing/pathfind.go`, `routing/probability_apriori.go`): a hop costs its fee, plus
15e-9 of the amount for each block of its delta, plus what an attempt is worth (100 sat + 1,000 ppm of the amount) times
(1 / p - 1). p starts at 0.6; a failure makes it 0 from the amount that failed upwards, a success 0.95 up to the amount
that passed; what was learned halves every hour, so p goes back to 0.6. Senders know no balance but their own.
"""

import math
from collections.abc import Sequence
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


class Way(NamedTuple):
    """`own_hop`: which of the directions leaves our node, whose inbound fee counts there; 0: none."""

    directions: tuple[int, ...]
    own_hop: int = 0


class Lesson(NamedTuple):
    """The last thing a sender saw of a direction."""

    at_ms: int
    amount_msat: int
    passed: bool


Lessons = dict[int, Lesson]  # of one sender, by direction
Policies = Sequence[PeerPolicy | None]  # as one sender knows them, by direction


class Offer(NamedTuple):
    """A way at the prices a sender knows. `amounts_msat[i]` is what its i-th direction must carry."""

    cost_msat: float
    amounts_msat: list[int]


def weigh_delay(policy: PeerPolicy, amount_msat: int) -> float:
    return RISK_FACTOR * amount_msat * policy.time_lock_delta


def weigh_doubt(probability: float, amount_msat: int) -> float:
    return (ATTEMPT_BASE_MSAT + amount_msat / ATTEMPT_PARTS) * (1 / probability - 1)


def estimate_probability(lesson: Lesson | None, amount_msat: int, *, now_ms: int) -> float:
    if lesson is None:
        return PRIOR
    age_ms = now_ms - lesson.at_ms
    says_nothing = amount_msat > lesson.amount_msat if lesson.passed else amount_msat < lesson.amount_msat
    if says_nothing or age_ms > _FORGOTTEN_MS:
        return PRIOR
    weight: float = 0.5 ** (age_ms / HALF_LIFE_MS)
    return max(_LEAST, PRIOR + ((AFTER_SUCCESS if lesson.passed else 0.0) - PRIOR) * weight)


class Sender:
    """One source of payments: the policies it has heard of, and what it has learned."""

    def __init__(self, policies: Policies) -> None:
        self.policies = list(policies)
        self.lessons: Lessons = {}

    def price_route(
        self, route: Way, amount_msat: int, *, now_ms: int, most_msat: int, below_msat: float = math.inf
    ) -> Offer | None:
        """What the way costs, by the policies this sender knows.

        None: one of them does not let the amount pass, the sender would part with more than `most_msat`, or the cost
        is not below `below_msat`. The first direction is the sender's own: no fee, and no doubt. Most of a run is
        spent here, so `weigh_delay`, `weigh_doubt` and the plain fee are written out in the loop.
        """
        directions, own_hop = route
        policies, lessons = self.policies, self.lessons
        amounts = [amount_msat]
        amount, burden, below = amount_msat, 0.0, below_msat + amount_msat
        for hop in range(len(directions) - 1, 0, -1):
            direction = directions[hop]
            policy = policies[direction]
            if policy is None or policy.disabled or not policy.min_htlc_msat <= amount <= policy.max_htlc_msat:
                return None
            lesson = lessons.get(direction)
            doubt = PRIOR_DOUBT if lesson is None else 1 / estimate_probability(lesson, amount, now_ms=now_ms) - 1
            burden += (
                RISK_FACTOR * amount * policy.time_lock_delta + (ATTEMPT_BASE_MSAT + amount / ATTEMPT_PARTS) * doubt
            )
            if hop == own_hop:
                inbound = policies[directions[hop - 1] ^ 1]
                amount += price_forward(policy, inbound, amount_msat=amount)
            else:
                amount += policy.base_fee_msat + amount * policy.fee_rate_ppm // 1_000_000
            amounts.append(amount)
            if amount > most_msat or burden + amount >= below:
                return None
        amounts.reverse()
        return Offer(burden + amount - amount_msat, amounts)

    def learn(self, direction: int, amount_msat: int, *, now_ms: int, passed: bool) -> None:
        self.lessons[direction] = Lesson(now_ms, amount_msat, passed)
