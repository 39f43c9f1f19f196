"""The moving state of a closed loop: balances, the fees in force, and what each sender has heard of them."""

import math
from collections.abc import Mapping
from functools import cache

from nodes.engine.market import MarketSample
from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.demand import DAY_MS
from nodes.simulator.closed_loop.ledger import Ledger
from nodes.simulator.closed_loop.sender import Sender
from nodes.simulator.closed_loop.survey import survey_peers
from nodes.simulator.closed_loop.world import BALANCE_SHAPE, ClosedWorld
from nodes.simulator.seed import seed_random

LEAST_DELAY_MS, MOST_DELAY_MS = 10 * 60_000, DAY_MS  # until a sender sees a new policy: log-uniform
GRACE_MS = 10 * 60_000  # how long the policy before is honoured
AWAY_MS = DAY_MS // 4  # a peer that goes away stays away so long
_RENEWAL_DAYS = (2.0, 8.0)  # how often payments of others turn a channel over that is not ours

Changes = Mapping[int, PeerPolicy | None]  # new policies by direction


class Market:
    def __init__(self, world: ClosedWorld) -> None:
        self.world = world
        self.network = world.network
        self.ledger = Ledger(world.network.capacities_msat, first_shares=world.first_shares)
        self.policies = list(world.network.policies)
        self._announced: dict[int, list[PeerPolicy | None]] = {}  # by direction, oldest first, the first one included
        self._superseded: dict[int, tuple[PeerPolicy | None, int]] = {}  # by direction: the policy before, since when
        self.senders = {pair.source: Sender(self.policies) for pair in world.demand.pairs}
        self._survey: dict[str, list[MarketSample]] | None = None
        self._epochs: dict[int, int] = {}
        self._find_turn = cache(self._draw_turn)
        self._find_chance = cache(self._draw_chance)

    def announce(self, changes: Changes, *, now_ms: int) -> list[tuple[int, int]]:
        """Puts policies in force. Answers (when, source): at that moment this sender hears of them."""
        for direction, policy in changes.items():
            self._superseded[direction] = (self.policies[direction], now_ms)
            self._announced.setdefault(direction, [self.policies[direction]]).append(policy)
            self.policies[direction] = policy
        self._survey = None
        return [(now_ms + self._draw_delay(source, now_ms), source) for source in self.senders]

    def hear(self, source: int, changes: Changes) -> None:
        """A sender that has learned of a newer policy meanwhile, by a failure, does not go back."""
        policies = self.senders[source].policies
        for direction, policy in changes.items():
            if self._is_newer(direction, policy, than=policies[direction]):
                policies[direction] = policy

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
        if self._survey is None:
            self._survey = survey_peers(self.network, self.policies)
        return self._survey

    def renew(self, channel: int, *, now_ms: int) -> None:
        """Payments of others turn a foreign channel over every few days, whatever our node does."""
        first_ms, period_ms = self._find_turn(channel)
        epoch = (now_ms - self.world.start_ms + first_ms) // period_ms
        if epoch != self._epochs.setdefault(channel, first_ms // period_ms):
            self._epochs[channel] = epoch
            rng = seed_random(self.world.seed, "renewal", channel, epoch)
            self.ledger.share_out(channel, rng.betavariate(BALANCE_SHAPE, BALANCE_SHAPE))

    def is_away(self, channel: int, *, now_ms: int) -> bool:
        """Whether the peer of one of our channels is offline: quarter of a day by quarter of a day."""
        away_share = self.world.away_share
        return away_share > 0 and self._find_chance(channel, now_ms // AWAY_MS) < away_share

    def measure_presence(self, channel: int, *, now_ms: int) -> tuple[int, int]:
        """Seconds the peer was there, of the seconds since the start."""
        slots = range(self.world.start_ms // AWAY_MS, now_ms // AWAY_MS)
        away = sum(self._find_chance(channel, slot) < self.world.away_share for slot in slots)
        return (len(slots) - away) * AWAY_MS // 1000, len(slots) * AWAY_MS // 1000

    def _draw_chance(self, channel: int, slot: int) -> float:
        return seed_random(self.world.seed, "away", channel, slot).random()

    def _draw_turn(self, channel: int) -> tuple[int, int]:
        rng = seed_random(self.world.seed, "turn", channel)
        period_ms = int(rng.uniform(*_RENEWAL_DAYS) * DAY_MS)
        return rng.randrange(period_ms), period_ms

    def _draw_delay(self, source: int, now_ms: int) -> int:
        rng = seed_random(self.world.seed, "gossip", source, now_ms)
        return int(math.exp(rng.uniform(math.log(LEAST_DELAY_MS), math.log(MOST_DELAY_MS))))
