"""Small closed-loop worlds for tests, out of the generated network."""

from functools import cache

from nodes.simulator.closed_loop.calibration import calibrate
from nodes.simulator.closed_loop.extract import cut_extract
from nodes.simulator.closed_loop.network import Network
from nodes.simulator.closed_loop.world import ClosedWorld, make_closed_world
from nodes.simulator.selection import select_fleet
from nodes.simulator.small_network import generate_network


@cache
def small_networks(count: int = 3) -> list[Network]:
    graph = generate_network(seed=7, now_s=1_727_000_000, node_count=100)
    return [cut_extract(graph, pubkey, node_count=60) for pubkey in select_fleet(graph, count, seed=7)]


@cache
def small_world(seed: int = 1, *, number: int = 0) -> ClosedWorld:
    return calibrate(make_closed_world(small_networks()[number], seed=seed))
