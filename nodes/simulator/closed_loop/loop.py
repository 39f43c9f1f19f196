"""The closed loop: payments move balances, balances and fees move payments, and a policy decides in between."""

import heapq
import itertools
from collections.abc import Callable

from msgspec import Struct

from nodes.engine.report import ChannelPolicy, PeerPolicy
from nodes.simulator.closed_loop.books import Books
from nodes.simulator.closed_loop.competitors import CompetitorKind, Competitors
from nodes.simulator.closed_loop.demand import DAY_MS, Payment
from nodes.simulator.closed_loop.market import Changes, Market
from nodes.simulator.closed_loop.observation import Pricer
from nodes.simulator.closed_loop.observe import observe
from nodes.simulator.closed_loop.outcome import Outcome
from nodes.simulator.closed_loop.payment import Try, try_payment
from nodes.simulator.closed_loop.rebalancer import Rebalancer
from nodes.simulator.closed_loop.world import ClosedWorld

HOUR_MS = 3_600_000
WARM_UP_DAYS = 8
_REBALANCE_HOUR = 4

_Action = Callable[[int], None]


class Terms(Struct, frozen=True, kw_only=True):
    """`period_h`: hours between decisions. The first comes after the warm-up, which no outcome counts."""

    days: int = 60
    period_h: int = 24
    competitors: CompetitorKind = "frozen"
    warm_up_days: int = WARM_UP_DAYS


class ClosedLoop:
    """One run. The same world, policy and terms give the same outcome."""

    def __init__(self, world: ClosedWorld, pricer: Pricer, *, terms: Terms) -> None:
        self.world = world
        self.market = Market(world)
        self.books = Books(world)
        self._pricer = pricer
        self._terms = terms
        self._competitors = Competitors(world, kind=terms.competitors)
        self._rebalancer = Rebalancer(self.market)
        self._agenda: list[tuple[int, int, _Action]] = []
        self._order = itertools.count()
        self._counted_from_ms = world.start_ms + terms.warm_up_days * DAY_MS

    def run(self, *, policy_name: str = "") -> Outcome:
        """1. plan what comes by the clock, 2. day by day every payment in order, and before each what is due by then,
        3. close the books.
        """
        agenda, first_day = self._agenda, self.world.start_ms // DAY_MS
        for day in range(first_day, first_day + self._terms.warm_up_days + self._terms.days):
            self._plan_day(day)
            for payment in self.world.demand.plan_day(day):
                if agenda[0][0] <= payment.at_ms:  # there is always the end of the day
                    self._advance(payment.at_ms)
                self._take(payment)
            self._advance((day + 1) * DAY_MS - 1)
        return self.books.close(self.market, policy=policy_name, competitors=self._terms.competitors)

    def _plan_day(self, day: int) -> None:
        starts_ms = day * DAY_MS
        for hour in range(0, 24, self._terms.period_h) if starts_ms >= self._counted_from_ms else ():
            self._plan(starts_ms + hour * HOUR_MS, self._decide)
        self._plan(starts_ms + _REBALANCE_HOUR * HOUR_MS, self._rebalance)
        self._plan(starts_ms + 12 * HOUR_MS, self._move_competitors)
        self._plan(starts_ms + DAY_MS - 1, self._end_day)

    def _plan(self, at_ms: int, action: _Action) -> None:
        heapq.heappush(self._agenda, (at_ms, next(self._order), action))

    def _advance(self, to_ms: int) -> None:
        agenda = self._agenda
        while agenda and agenda[0][0] <= to_ms:
            at_ms, _, action = heapq.heappop(agenda)
            action(at_ms)

    def _take(self, payment: Payment) -> None:
        tries = try_payment(self.market, payment)
        self.books.note_payment(tries)
        for tried in tries:
            if tried.verdict == "passed":
                self._plan(payment.at_ms + payment.hold_ms, self._settle_later(tried))
                self._competitors.note_flow(tried)
            elif tried.route.own_hop:
                self.books.note_failure(tried, now_ms=payment.at_ms)

    def _settle_later(self, tried: Try) -> _Action:
        def settle(now_ms: int) -> None:
            self.market.ledger.settle(tried.route.directions, tried.amounts_msat)
            if tried.route.own_hop:
                self.books.note_settled(tried, now_ms=now_ms)

        return settle

    def _decide(self, now_ms: int) -> None:
        wanted = self._pricer(observe(self.market, self.books, now_ms=now_ms))
        directions = self.world.network.own_directions
        changes: dict[int, PeerPolicy | None] = {}
        for scid, policy in wanted.items():
            new, present = take_own(policy), self.market.policies[directions[scid]]
            if new != present:
                changes[directions[scid]] = new
                self.books.note_change(scid, present, new=new, now_ms=now_ms)
        self._announce(changes, now_ms=now_ms)

    def _announce(self, changes: Changes, *, now_ms: int) -> None:
        if not changes:
            return
        for at_ms, source in self.market.announce(changes, now_ms=now_ms):
            self._plan(at_ms, self._hear_later(source, changes))

    def _hear_later(self, source: int, changes: Changes) -> _Action:
        return lambda _: self.market.hear(source, changes)

    def _rebalance(self, now_ms: int) -> None:
        self.books.note_rebalance(self._rebalancer.rebalance(self.books, now_ms=now_ms))

    def _move_competitors(self, now_ms: int) -> None:
        self._announce(self._competitors.move(self.market.policies, now_ms=now_ms), now_ms=now_ms)

    def _end_day(self, now_ms: int) -> None:
        self.books.end_day(self.market, counts=now_ms >= self._counted_from_ms)


def take_own(policy: ChannelPolicy) -> PeerPolicy:
    """The world keeps all policies in one shape; when one was written is not part of it."""
    return PeerPolicy(
        base_fee_msat=policy.base_fee_msat,
        fee_rate_ppm=policy.fee_rate_ppm,
        time_lock_delta=policy.time_lock_delta,
        min_htlc_msat=policy.min_htlc_msat,
        max_htlc_msat=policy.max_htlc_msat,
        disabled=policy.disabled,
        inbound_base_fee_msat=policy.inbound_base_fee_msat,
        inbound_fee_rate_ppm=policy.inbound_fee_rate_ppm,
    )
