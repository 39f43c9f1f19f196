"""What a closed loop starts from: a network, balances and a demand, all from one seed."""

from functools import cached_property

from msgspec import Struct, structs

from nodes.simulator.closed_loop.demand import Demand, choose_pairs
from nodes.simulator.closed_loop.dice import BALANCE_SHAPE, Dice
from nodes.simulator.closed_loop.network import Network
from nodes.simulator.closed_loop.routes import WaysAround
from nodes.simulator.seed import seed_random
from nodes.simulator.traffic import expect_settled_per_day

_FIRST_GUESS = 10.0  # attempts for each forward that should settle


class ClosedWorld(Struct, frozen=True, kw_only=True, dict=True):
    """`first_shares[c]`: what channel `c`'s first node holds at the start, of what lies beyond the reserves.

    `start_ms` is the first midnight (unix milliseconds); nothing else in it depends on a calendar.
    """

    seed: int
    network: Network
    demand: Demand
    first_shares: list[float]
    away_share: float = 0.0  # of the time our channels' peers are not there, each by itself
    start_ms: int = 1_727_049_600_000  # 2024-09-23 00:00 UTC, the day after the graph of the tuning

    @cached_property
    def dice(self) -> Dice:
        return Dice(self.seed)

    @cached_property
    def ways_around(self) -> WaysAround:
        return WaysAround(self.network)

    def scale_demand(self, factor: float) -> "ClosedWorld":
        """The same world in which `factor` times as many payments are tried."""
        mean_attempts = self.demand.mean_attempts * factor
        return structs.replace(self, demand=structs.replace(self.demand, mean_attempts=mean_attempts))


def make_closed_world(network: Network, *, seed: int) -> ClosedWorld:
    """Not scaled yet: `calibrate` (calibration.py) finds how many attempts make the wanted number of forwards."""
    settled = expect_settled_per_day(len(network.own_directions))
    demand = Demand(
        seed=seed,
        pairs=choose_pairs(network, seed=seed),
        mean_settled=settled,
        mean_attempts=settled * _FIRST_GUESS,
    )
    return ClosedWorld(seed=seed, network=network, demand=demand, first_shares=_draw_shares(network, seed=seed))


def _draw_shares(network: Network, *, seed: int) -> list[float]:
    """A channel's share depends on the seed and its id alone."""
    return [
        seed_random(seed, "balance", channel_id).betavariate(BALANCE_SHAPE, BALANCE_SHAPE)
        for channel_id in network.channel_ids
    ]
