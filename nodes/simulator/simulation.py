"""Moves a world forward in time: payments arrive, are locked in, settle, and shift balances."""

import hashlib
import heapq
from collections import Counter, deque
from collections.abc import Iterator
from typing import Literal, NamedTuple

from nodes.simulator.block import estimate_height
from nodes.simulator.forwarding import admits, price_forward
from nodes.simulator.rebalancing import Wish, plan_rebalances, rebalance
from nodes.simulator.traffic import DAY_NS, NS_PER_S, Attempt, Demand
from nodes.simulator.world import Channel, ForwardRecord, InFlight, Side, World

FINAL_CLTV_DELTA = 80


class _Route(NamedTuple):
    incoming: Channel
    outgoing: Channel
    in_msat: int  # what must come in: the amount to pass on, and our fee


class Simulation:
    """A world and the payments that are still to come. The same world advances the same way, in one step or in many."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.nodes = {node.pubkey: node for node in world.fleet}
        self.known_nodes = {node.pubkey: node for node in world.known_nodes}
        self.channels = {channel.channel_id: channel for channel in world.channels}
        self.channels_of = {node.pubkey: world.channels_of(node.pubkey) for node in world.fleet}
        self.attempt_counts: Counter[str] = Counter()  # by node, since this object was made
        self._demands = [Demand(node, self.channels_of[node.pubkey], seed=world.seed) for node in world.fleet]
        self._next_day = world.advanced_to_ns // DAY_NS
        self._agenda: deque[Attempt | Wish] = deque()

    def advance(self, to_ns: int) -> None:
        """1. take what is wished up to `to_ns` in order, 2. before each settle what is due, 3. try to forward the
        payment, or to move the node's own sats.

        A moment that lies in the past changes nothing: a clock set back does not undo payments.
        """
        for wish in self._take_wishes(to_ns):
            self._settle_until(wish.at_ns)
            if isinstance(wish, Wish):
                rebalance(wish, self.nodes[wish.pubkey], channels=self.channels_of[wish.pubkey])
            else:
                self.attempt_counts[wish.pubkey] += 1
                self._try_forward(wish)
        self._settle_until(to_ns)
        self.world.advanced_to_ns = max(to_ns, self.world.advanced_to_ns)

    def _take_wishes(self, to_ns: int) -> Iterator[Attempt | Wish]:
        while True:
            while not self._agenda and self._next_day * DAY_NS <= to_ns:
                self._agenda = self._plan_day(self._next_day)
                self._next_day += 1
            if not self._agenda or self._agenda[0].at_ns > to_ns:
                return
            yield self._agenda.popleft()

    def _plan_day(self, day: int) -> deque[Attempt | Wish]:
        planned: list[Attempt | Wish] = []
        planned += sorted(attempt for demand in self._demands for attempt in demand.plan_day(day))
        for node in self.world.fleet:
            planned += plan_rebalances(node, day, seed=self.world.seed)
        planned.sort(key=lambda wish: wish.at_ns)
        return deque(wish for wish in planned if wish.at_ns > self.world.advanced_to_ns)

    def _try_forward(self, attempt: Attempt) -> None:
        """The sender tries one outgoing channel after the other, as long as the failures come from here."""
        for outgoing_id in attempt.outgoing_ids:
            route = self._find_route(attempt, self.channels[outgoing_id])
            if route is None:
                continue
            own, _ = route.outgoing.seen_by(attempt.pubkey)
            if not route.outgoing.active or route.outgoing.spendable_msat(own) < attempt.amount_msat:
                self._record_failure(attempt, route, status="local_failed")
            elif attempt.fails_downstream:
                return self._record_failure(attempt, route, status="failed")
            else:
                return self._lock_in(attempt, route)
        return None

    def _find_route(self, attempt: Attempt, outgoing: Channel) -> _Route | None:
        """None: the sender, who knows all policies and its own side's balances, does not send this to us this way."""
        policy = outgoing.seen_by(attempt.pubkey)[0].policy
        if policy is None or not admits(policy, attempt.amount_msat):
            return None
        for incoming_id in attempt.incoming_ids:
            incoming = self.channels[incoming_id]
            own, peer = incoming.seen_by(attempt.pubkey)
            fee_msat = price_forward(policy, own.policy, amount_msat=attempt.amount_msat)
            in_msat = attempt.amount_msat + fee_msat
            reachable = incoming.active and admits(peer.policy, in_msat) and incoming.spendable_msat(peer) >= in_msat
            if incoming is not outgoing and reachable and fee_msat <= attempt.fee_budget_msat:
                return _Route(incoming, outgoing, in_msat)
        return None

    def _record_failure(self, attempt: Attempt, route: _Route, *, status: Literal["failed", "local_failed"]) -> None:
        record = ForwardRecord(
            at_ns=attempt.at_ns,
            incoming_id=route.incoming.channel_id,
            outgoing_id=route.outgoing.channel_id,
            in_msat=route.in_msat,
            out_msat=attempt.amount_msat,
            incoming_htlc=0,
            outgoing_htlc=0,
            status=status,
            received_at_ns=attempt.at_ns,
            arrival=self._count_arrival(attempt.pubkey),
        )
        self.nodes[attempt.pubkey].history.append(record)

    def _count_arrival(self, pubkey: str) -> int:
        node = self.nodes[pubkey]
        node.arrivals += 1
        return node.arrivals

    def _lock_in(self, attempt: Attempt, route: _Route) -> None:
        _, sender = route.incoming.seen_by(attempt.pubkey)
        own, _ = route.outgoing.seen_by(attempt.pubkey)
        height = estimate_height(attempt.at_ns // NS_PER_S) + FINAL_CLTV_DELTA
        htlc = InFlight(
            settles_at_ns=attempt.at_ns + attempt.hold_ns,
            pubkey=attempt.pubkey,
            incoming_id=route.incoming.channel_id,
            outgoing_id=route.outgoing.channel_id,
            in_msat=route.in_msat,
            out_msat=attempt.amount_msat,
            incoming_htlc=_offer_htlc(route.incoming, sender, amount_msat=route.in_msat),
            outgoing_htlc=_offer_htlc(route.outgoing, own, amount_msat=attempt.amount_msat),
            incoming_expiry=height + (own.policy.time_lock_delta if own.policy else 0),
            outgoing_expiry=height,
            payment_hash=hashlib.sha256(f"{self.world.seed}:{attempt.pubkey}:{attempt.at_ns}".encode()).digest(),
            received_at_ns=attempt.at_ns,
            arrival=self._count_arrival(attempt.pubkey),
        )
        heapq.heappush(self.world.in_flight, htlc)

    def _settle_until(self, to_ns: int) -> None:
        in_flight = self.world.in_flight
        while in_flight and in_flight[0].settles_at_ns <= to_ns:
            self._settle(heapq.heappop(in_flight))

    def _settle(self, htlc: InFlight) -> None:
        incoming, outgoing = self.channels[htlc.incoming_id], self.channels[htlc.outgoing_id]
        own_incoming, sender = incoming.seen_by(htlc.pubkey)
        own_outgoing, receiver = outgoing.seen_by(htlc.pubkey)
        own_incoming.balance_msat += htlc.in_msat
        sender.sent_msat += htlc.in_msat
        receiver.balance_msat += htlc.out_msat
        own_outgoing.sent_msat += htlc.out_msat
        incoming.update_count += 1
        outgoing.update_count += 1
        record = ForwardRecord(
            at_ns=htlc.settles_at_ns,
            incoming_id=htlc.incoming_id,
            outgoing_id=htlc.outgoing_id,
            in_msat=htlc.in_msat,
            out_msat=htlc.out_msat,
            incoming_htlc=htlc.incoming_htlc,
            outgoing_htlc=htlc.outgoing_htlc,
            status="settled",
            received_at_ns=htlc.received_at_ns,
            arrival=htlc.arrival,
        )
        self.nodes[htlc.pubkey].history.append(record)


def _offer_htlc(channel: Channel, sender: Side, *, amount_msat: int) -> int:
    """Takes the amount out of the sender's balance; answers the HTLC's index."""
    sender.balance_msat -= amount_msat
    sender.htlc_count += 1
    channel.update_count += 1
    return sender.htlc_count - 1
