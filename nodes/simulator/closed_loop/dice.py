"""What chance decides in one world besides its payments: the same for every policy that meets it, so drawn once."""

import math
from functools import cache

from nodes.simulator.closed_loop.demand import DAY_MS
from nodes.simulator.seed import seed_random

BALANCE_SHAPE = 0.4  # Beta: most channels start near empty or near full, as a real node's do
LEAST_DELAY_MS, MOST_DELAY_MS = 10 * 60_000, DAY_MS  # until a sender sees a new policy: log-uniform
_RENEWAL_DAYS = (2.0, 8.0)  # how often payments of others turn a channel over that is not ours
_DRIFT = 0.1  # log units a week on each direction


class Dice:
    """Each throw depends on the seed and on what it is for, never on the throws before it."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.find_turn = cache(self._draw_turn)
        self.find_share = cache(self._draw_share)
        self.find_presence = cache(self._draw_presence)
        self.find_delay = cache(self._draw_delay)
        self.find_drift = cache(self._draw_drift)

    def _draw_turn(self, channel: int) -> tuple[int, int]:
        """(how far into its period a foreign channel starts, the period), in ms."""
        rng = seed_random(self._seed, "turn", channel)
        period_ms = int(rng.uniform(*_RENEWAL_DAYS) * DAY_MS)
        return rng.randrange(period_ms), period_ms

    def _draw_share(self, channel: int, epoch: int) -> float:
        """What the first node of a foreign channel holds after its n-th turn."""
        return seed_random(self._seed, "renewal", channel, epoch).betavariate(BALANCE_SHAPE, BALANCE_SHAPE)

    def _draw_presence(self, channel: int, slot: int) -> float:
        """0..1: a peer is away in this slot if it lies below the share of time it is away."""
        return seed_random(self._seed, "away", channel, slot).random()

    def _draw_delay(self, source: int, now_ms: int) -> int:
        """After how many ms a sender hears what is announced now."""
        rng = seed_random(self._seed, "gossip", source, now_ms)
        return int(math.exp(rng.uniform(math.log(LEAST_DELAY_MS), math.log(MOST_DELAY_MS))))

    def _draw_drift(self, direction: int, day: int) -> float:
        """By which factor a drifting competitor changes this fee today."""
        return math.exp(seed_random(self._seed, "drift", direction, day).gauss(0, _DRIFT))
