"""Builds a world out of a channel graph: the fleet, its channels, balances from a model, fourteen days of traffic."""

import msgspec

from nodes.engine.report import PeerPolicy
from nodes.simulator.identity import derive_identities, make_identity_key, rename_nodes
from nodes.simulator.seed import seed_random
from nodes.simulator.selection import DEFAULT_SEED, select_fleet
from nodes.simulator.simulation import Simulation
from nodes.simulator.traffic import DAY_NS, NS_PER_S, expect_settled_per_day
from nodes.simulator.world import Channel, FleetNode, KnownNode, Side, World, check_conservation
from nodes.sources.describegraph.graph import Graph, GraphChannel, GraphPolicy

BALANCE_NOTE = (
    "Channel balances are private on Lightning: these come from a model (seeded, bimodal: Beta(0.4, 0.4) of what a "
    "channel holds beyond 1 % reserves and the commitment fee), moved by 14 days of simulated forwards. So do uptimes, "
    "openers, and which few channels are inactive, unannounced or pending."
)

HISTORY_DAYS = 14
_BALANCE_SHAPE = 0.4
_COMMITMENT_WEIGHT = 724  # of a static-remote-key commitment transaction with two outputs
_FEE_PER_KW = (253, 3_000)
_DUST_LIMIT_SAT = 354
_DEFAULT_MIN_HTLC_MSAT = 1000
_SHARE_INACTIVE = 0.03
_SHARE_PRIVATE = 0.03
_SHARE_OF_NODES_WITH_PENDING_CHANNEL = 0.3
_LEAST_SETTLED_SHARE = 0.02  # a node nobody can afford does not get endless attempts


def build_world(
    graph: Graph,
    fleet_count: int,
    *,
    origin: str,
    now_s: int,
    seed: int = DEFAULT_SEED,
    has_own_keys: bool = False,
) -> World:
    """1. choose the fleet (and, with `has_own_keys`, give it public keys whose secret keys it has), 2. take over its
    channels and give them balances, 3. scale its traffic, 4. let 14 days pass.

    The same arguments give the same world, byte for byte; what a channel starts with does not depend on the fleet.
    Raises SelectionError when too few nodes qualify.
    """
    chosen = select_fleet(graph, fleet_count, seed=seed)
    identities = derive_identities(chosen, seed=seed) if has_own_keys else {pubkey: pubkey for pubkey in chosen}
    graph = rename_nodes(graph, identities)
    ours = set(identities.values())
    channels = [
        _take_over(channel, seed) for channel in graph.channels if channel.node1 in ours or channel.node2 in ours
    ]
    known_nodes = _know_neighbours(graph, channels)
    now_ns = now_s * NS_PER_S
    world = World(
        seed=seed,
        origin=origin,
        began_at_ns=now_ns - HISTORY_DAYS * DAY_NS,
        advanced_to_ns=now_ns - HISTORY_DAYS * DAY_NS,
        fleet=[],
        channels=channels,
        known_nodes=known_nodes,
    )
    world.fleet.extend(_found_node(pubkey, world, stands_for=real) for real, pubkey in identities.items())
    _scale_demand(world, now_ns)
    Simulation(world).advance(now_ns)
    check_conservation(world)
    return world


def _take_over(channel: GraphChannel, seed: int) -> Channel:
    """The real channel; what the graph does not tell is drawn from the seed and the channel's id alone."""
    rng = seed_random(seed, "channel", channel.channel_id)
    fee_per_kw = rng.randint(*_FEE_PER_KW)
    active = rng.random() >= _SHARE_INACTIVE
    online = rng.betavariate(20, 1) if active else rng.betavariate(2, 2)
    taken = Channel(
        channel_id=channel.channel_id,
        chan_point=channel.chan_point or f"{rng.randbytes(32).hex()}:{rng.randrange(2)}",
        capacity_sat=channel.capacity_sat,
        sides=(
            _take_side(channel.node1, channel.policy1, capacity_sat=channel.capacity_sat),
            _take_side(channel.node2, channel.policy2, capacity_sat=channel.capacity_sat),
        ),
        initiator=1 if rng.random() < 0.5 else 0,
        commit_fee_sat=min(fee_per_kw * _COMMITMENT_WEIGHT // 1000, channel.capacity_sat // 4),
        fee_per_kw=fee_per_kw,
        reserve_sat=min(max(channel.capacity_sat // 100, _DUST_LIMIT_SAT), channel.capacity_sat // 4),
        private=rng.random() < _SHARE_PRIVATE,
        active=active,
        online_ppm=int(online * 1_000_000),
    )
    _share_capacity(taken, rng.betavariate(_BALANCE_SHAPE, _BALANCE_SHAPE))
    return taken


def _share_capacity(channel: Channel, first_share: float) -> None:
    """Both keep the reserve; the first has its share of the rest. The opener has sent what the other side holds."""
    held_sat = channel.capacity_sat - channel.commit_fee_sat
    first_sat = channel.reserve_sat + int((held_sat - 2 * channel.reserve_sat) * first_share)
    first, second = channel.sides
    first.balance_msat = first_sat * 1000
    second.balance_msat = (held_sat - first_sat) * 1000
    opener = channel.sides[channel.initiator]
    opener.sent_msat = held_sat * 1000 - opener.balance_msat


def _take_side(pubkey: str, announced: GraphPolicy | None, *, capacity_sat: int) -> Side:
    """Without a balance yet. The agreed bounds are LND's defaults, or wider where the announced policy needs it."""
    policy = take_policy(announced, capacity_sat)
    return Side(
        pubkey=pubkey,
        balance_msat=0,
        policy=policy,
        min_htlc_msat=min(_DEFAULT_MIN_HTLC_MSAT, policy.min_htlc_msat if policy else _DEFAULT_MIN_HTLC_MSAT),
        max_in_flight_msat=max(capacity_sat * 990, policy.max_htlc_msat if policy else 0),
    )


def take_policy(policy: GraphPolicy | None, capacity_sat: int) -> PeerPolicy | None:
    """Nodes ignore an announcement whose values are impossible, and one that promises more than the channel holds."""
    if policy is None or not policy.fits_bolt7:
        return None
    capacity_msat = capacity_sat * 1000
    return PeerPolicy(
        base_fee_msat=policy.base_fee_msat,
        fee_rate_ppm=policy.fee_rate_ppm,
        time_lock_delta=policy.time_lock_delta,
        min_htlc_msat=min(policy.min_htlc_msat, capacity_msat),
        max_htlc_msat=min(policy.max_htlc_msat or capacity_msat, capacity_msat),
        disabled=policy.disabled,
        inbound_base_fee_msat=policy.inbound_base_fee_msat,
        inbound_fee_rate_ppm=policy.inbound_fee_rate_ppm,
        last_update=policy.last_update,
    )


def _know_neighbours(graph: Graph, channels: list[Channel]) -> list[KnownNode]:
    """The fleet and its direct peers, with the sums of all their channels in the graph."""
    counts = {side.pubkey: 0 for channel in channels for side in channel.sides}
    capacities = dict.fromkeys(counts, 0)
    for channel in graph.channels:
        for pubkey in (channel.node1, channel.node2):
            if pubkey in counts:
                counts[pubkey] += 1
                capacities[pubkey] += channel.capacity_sat
    return [
        KnownNode(
            pubkey=node.pubkey,
            alias=node.alias,
            channel_count=counts[node.pubkey],
            capacity_sat=capacities[node.pubkey],
            last_update=node.last_update,
        )
        for node in graph.nodes
        if node.pubkey in counts
    ]


def _found_node(pubkey: str, world: World, *, stands_for: str) -> FleetNode:
    rng = seed_random(world.seed, "node", stands_for)
    settled_per_day = expect_settled_per_day(len(world.channels_of(pubkey)))
    has_pending = rng.random() < _SHARE_OF_NODES_WITH_PENDING_CHANNEL
    return FleetNode(
        pubkey=pubkey,
        identity_key=make_identity_key(stands_for, seed=world.seed),
        stands_for=stands_for,
        alias=next(node.alias for node in world.known_nodes if node.pubkey == pubkey),
        settled_per_day=settled_per_day,
        attempts_per_day=settled_per_day * 2,
        pending_channel_points=[f"{rng.randbytes(32).hex()}:0"] if has_pending else [],
    )


def _scale_demand(world: World, now_ns: int) -> None:
    """Sets how many payments are tried a day, so that about `settled_per_day` succeed under today's fees and balances.

    Plays the history once with a copy and counts. Later, lower fees bring more forwards and higher fees fewer.
    """
    probe = Simulation(msgspec.msgpack.decode(msgspec.msgpack.encode(world), type=World))
    probe.advance(now_ns)
    for node in world.fleet:
        settled = sum(record.status == "settled" for record in probe.nodes[node.pubkey].history)
        share = max(settled / max(1, probe.attempt_counts[node.pubkey]), _LEAST_SETTLED_SHARE)
        node.attempts_per_day = node.settled_per_day / share
