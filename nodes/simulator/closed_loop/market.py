"""The moving state of a closed loop: balances, the fees in force, and what each sender has heard of them."""

import math
from collections.abc import Mapping

from nodes.engine.market import MarketSample
from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.demand import DAY_MS
from nodes.simulator.closed_loop.ledger import Ledger
from nodes.simulator.closed_loop.sender import Route, Sender
from nodes.simulator.closed_loop.survey import Survey
from nodes.simulator.closed_loop.world import ClosedWorld

GRACE_MS = 10 * 60_000  # how long the policy before is honoured
AWAY_MS = DAY_MS // 4  # a peer that goes away stays away so long

Changes = Mapping[int, PeerPolicy | None]  # new policies by direction


class Market:
    def __init__(self, world: ClosedWorld) -> None:
        self.world = world
        self.network = world.network
        self.ledger = Ledger(world.network.capacities_msat, first_shares=world.first_shares)
        self.policies = list(world.network.policies)
        self._announced: dict[int, list[PeerPolicy | None]] = {}  # by direction, oldest first, the first one included
        self._superseded: dict[int, tuple[PeerPolicy | None, int]] = {}  # by direction: the policy before, since when
        self.senders = {pair.source: Sender(world.network.policies) for pair in world.demand.pairs}
        self.routes: list[list[Route]] = [
            self.senders[pair.source].map_routes(pair.routes) for pair in world.demand.pairs
        ]
        self._survey = Survey(world.network)
        self._renewal_due_ms = [self._find_first_renewal(channel) for channel in range(len(world.network.ends))]
        self._is_shaky = world.away_share > 0

    def announce(self, changes: Changes, *, now_ms: int) -> list[tuple[int, int]]:
        """Puts policies in force. Answers (when, source): at that moment this sender hears of them."""
        for direction, policy in changes.items():
            self._superseded[direction] = (self.policies[direction], now_ms)
            self._announced.setdefault(direction, [self.policies[direction]]).append(policy)
            self.policies[direction] = policy
        self._survey.note(changes)
        return [(now_ms + self.world.dice.find_delay(source, now_ms), source) for source in self.senders]

    def hear(self, source: int, changes: Changes) -> None:
        """A sender that has learned of a newer policy meanwhile, by a failure, does not go back."""
        known_to = self.senders[source].known
        for direction, policy in changes.items():
            known = known_to.get(direction)
            if known is not None and self._is_newer(direction, policy, than=known.policy):
                known.hear(policy)

    def _is_newer(self, direction: int, policy: PeerPolicy | None, *, than: PeerPolicy | None) -> bool:
        """News may arrive in another order than they were announced in; an older one is dropped, as nodes do."""
        for announced in reversed(self._announced[direction]):
            if announced is than:
                return False
            if announced is policy:
                return True
        return True

    def find_accepted(self, direction: int, *, now_ms: int) -> list[PeerPolicy | None]:
        """By which policies the tail of a direction lets payments pass: the newest, and in its grace the old one."""
        superseded = self._superseded.get(direction)
        if superseded is not None and now_ms < superseded[1] + GRACE_MS:
            return [self.policies[direction], superseded[0]]
        return [self.policies[direction]]

    def survey(self) -> dict[str, list[MarketSample]]:
        """What leads to each of our peers, by the fees in force."""
        return self._survey.show()

    def can_send(self, direction: int, amount_msat: int, now_ms: int) -> bool:
        """Whether a sender's own channel is open and has the balance."""
        policy = self.policies[direction]
        return policy is not None and not policy.disabled and self.can_carry(direction, amount_msat, now_ms)

    def can_carry(self, direction: int, amount_msat: int, now_ms: int) -> bool:
        """Whether the tail has the balance now. Positional, as all that runs once a hop."""
        channel = direction >> 1
        if now_ms >= self._renewal_due_ms[channel]:
            self._renew(channel, now_ms=now_ms)
        if self._is_shaky and self.network.touches_own(channel) and self.is_away(channel, now_ms=now_ms):
            return False
        ledger = self.ledger
        return ledger.balances[direction] - ledger.reserves[channel] >= amount_msat

    def renew(self, channel: int, *, now_ms: int) -> None:
        """Payments of others turn a foreign channel over every few days, whatever our node does."""
        if now_ms >= self._renewal_due_ms[channel]:
            self._renew(channel, now_ms=now_ms)

    def _renew(self, channel: int, *, now_ms: int) -> None:
        """Only when somebody asks for its balance: the turns in between are not seen by anybody."""
        first_ms, period_ms = self.world.dice.find_turn(channel)
        began_ms = self.world.start_ms - first_ms
        epoch = (now_ms - began_ms) // period_ms
        self._renewal_due_ms[channel] = began_ms + (epoch + 1) * period_ms
        self.ledger.share_out(channel, self.world.dice.find_share(channel, epoch))

    def _find_first_renewal(self, channel: int) -> float:
        """In ms; our own channels move by what is followed alone."""
        if self.network.touches_own(channel):
            return math.inf
        first_ms, period_ms = self.world.dice.find_turn(channel)
        return self.world.start_ms - first_ms + period_ms

    def is_away(self, channel: int, *, now_ms: int) -> bool:
        """Whether the peer of one of our channels is offline: quarter of a day by quarter of a day."""
        return self._is_shaky and self.world.dice.find_presence(channel, now_ms // AWAY_MS) < self.world.away_share

    def measure_presence(self, channel: int, *, now_ms: int) -> tuple[int, int]:
        """Seconds the peer was there, of the seconds since the start."""
        slots = range(self.world.start_ms // AWAY_MS, now_ms // AWAY_MS)
        away = sum(self.is_away(channel, now_ms=slot * AWAY_MS) for slot in slots) if self._is_shaky else 0
        return (len(slots) - away) * AWAY_MS // 1000, len(slots) * AWAY_MS // 1000
