"""Ten kinds of node: each takes a calibrated world and gives it one mark. For trying a policy where it may break."""

from collections.abc import Callable, Mapping

from msgspec import structs

from nodes.engine.report import PeerPolicy
from nodes.simulator.closed_loop.demand import Demand
from nodes.simulator.closed_loop.world import ClosedWorld
from nodes.simulator.seed import seed_random

Shaper = Callable[[ClosedWorld], ClosedWorld]

AGGRESSIVE_FACTOR, AGGRESSIVE_PPM = 5, 2_500


def shape_world(world: ClosedWorld, profile: str) -> ClosedWorld:
    """Raises KeyError for a name that is not in PROFILES."""
    return PROFILES[profile](world)


def make_normal(world: ClosedWorld) -> ClosedWorld:
    """As it comes out of the graph."""
    return world


def make_saturated(world: ClosedWorld) -> ClosedWorld:
    """Four times the payments its channels were calibrated for."""
    return world.scale_demand(4)


def make_inactive(world: ClosedWorld) -> ClosedWorld:
    """A twentieth of the payments."""
    return world.scale_demand(0.05)


def make_abused(world: ClosedWorld) -> ClosedWorld:
    """Probed: as many payments that arrive, and twenty times as many that never can."""
    demand = world.demand
    payable = 1 - demand.unpayable_share
    factor = payable + 20 * demand.unpayable_share
    probed = structs.replace(demand, mean_attempts=demand.mean_attempts * factor, unpayable_share=1 - payable / factor)
    return structs.replace(world, demand=probed)


def make_star(world: ClosedWorld) -> ClosedWorld:
    """A centre: its peers pay each other, and over it alone."""
    peers = {world.network.heads[direction] for direction in world.network.own_directions.values()}
    pairs = [
        pair._replace(routes=tuple(route for route in pair.routes if route.own_hop == 1 and len(route.directions) == 2))
        for pair in world.demand.pairs
        if pair.source in peers and pair.target in peers
    ]
    return _with_demand(world, structs.replace(world.demand, pairs=[pair for pair in pairs if pair.routes]))


def make_unstable(world: ClosedWorld) -> ClosedWorld:
    """Each peer is away a third of the time."""
    return structs.replace(world, away_share=1 / 3)


def make_aggressive(world: ClosedWorld) -> ClosedWorld:
    """Five times its fees, 2,500 ppm at least."""

    def raise_fee(policy: PeerPolicy, _: int) -> PeerPolicy:
        return structs.replace(policy, fee_rate_ppm=max(AGGRESSIVE_PPM, policy.fee_rate_ppm * AGGRESSIVE_FACTOR))

    return _with_own_policies(world, raise_fee)


def make_routing_hub(world: ClosedWorld) -> ClosedWorld:
    """Three times the payments, and every channel of its own in balance."""
    shares = [0.5 if world.network.touches_own(channel) else share for channel, share in enumerate(world.first_shares)]
    return structs.replace(world.scale_demand(3), first_shares=shares)


def make_dead(world: ClosedWorld) -> ClosedWorld:
    """Nothing is its own any more, and nobody wants to pay over it."""
    network = world.network
    shares = list(world.first_shares)
    for direction in network.own_directions.values():
        shares[direction >> 1] = float(direction % 2)
    dead = _with_demand(world, structs.replace(world.demand, pairs=[]))
    return structs.replace(dead, first_shares=shares)


def make_experimental(world: ClosedWorld) -> ClosedWorld:
    """Every fee drawn anew between 1 and 5,000 ppm, base fees and inbound discounts too."""

    def draw_fee(policy: PeerPolicy, direction: int) -> PeerPolicy:
        rng = seed_random(world.seed, "experiment", direction)
        return structs.replace(
            policy,
            fee_rate_ppm=round(5_000 ** rng.random()),
            base_fee_msat=rng.choice((0, 1, 1_000, 5_000)),
            inbound_fee_rate_ppm=-rng.choice((0, 0, 50, 200)),
        )

    return _with_own_policies(world, draw_fee)


def _with_demand(world: ClosedWorld, demand: Demand) -> ClosedWorld:
    return structs.replace(world, demand=demand)


def _with_own_policies(world: ClosedWorld, change: Callable[[PeerPolicy, int], PeerPolicy]) -> ClosedWorld:
    policies = list(world.network.policies)
    for direction in world.network.own_directions.values():
        policy = policies[direction]
        if policy is not None:
            policies[direction] = change(policy, direction)
    return structs.replace(world, network=structs.replace(world.network, policies=policies))


PROFILES: Mapping[str, Shaper] = {
    "normal": make_normal,
    "saturated": make_saturated,
    "inactive": make_inactive,
    "abused": make_abused,
    "star": make_star,
    "unstable": make_unstable,
    "aggressive_fees": make_aggressive,
    "routing_hub": make_routing_hub,
    "dead_node": make_dead,
    "experimental": make_experimental,
}
