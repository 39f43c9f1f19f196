"""Cuts the surroundings of one node out of a channel graph: its peers, and the large nodes that compete with it."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import structs

from nodes.engine.types import PeerPosition
from nodes.simulator.closed_loop.network import Network
from nodes.simulator.network import take_policy
from nodes.simulator.seed import seed_random
from nodes.sources.describegraph.graph import Graph, GraphChannel

DEFAULT_EXTRACT_SIZE = 220  # nodes
_MOST_PEERS = 200
NODE_SIZES = (1, 5, 20, 85)
_SIZE_TOLERANCE = 0.15


def tell_choice(sizes: Iterable[int]) -> str:
    """The rule by which nodes of these sizes are chosen."""
    return (
        f"Nodes with {', '.join(map(str, sizes))} channels that are usable both ways (15 % more or less), as many of "
        "each size; sorted by public key, shuffled by the seed of the choice, the first ones taken. The choice looks "
        "at nothing a simulation has answered."
    )


class ChoiceError(ValueError):
    """The graph has too few nodes of the sizes asked for, or not the node asked for. The message says what to do."""


def choose_nodes(graph: Graph, count: int, *, seed: int, sizes: tuple[int, ...] = NODE_SIZES) -> list[str]:
    """`count` public keys by the rule of `tell_choice`, the sizes in turn.

    A longer choice of the same seed begins with a shorter.

    A size the graph has too few nodes of leaves its turns to the others. Raises ChoiceError when all run out.
    """
    queues = [_shuffle_candidates(graph, size, seed=seed) for size in sizes]
    chosen: list[str] = []
    while len(chosen) < count:
        turn = [queue.pop() for queue in queues if queue]
        if not turn:
            raise ChoiceError(
                f"{len(chosen)} nodes of this graph qualify, {count} were asked for: ask for fewer, or for other "
                f"--sizes. {tell_choice(sizes)}"
            )
        chosen.extend(pubkey for pubkey in turn if pubkey not in chosen)
    return chosen[:count]


def _shuffle_candidates(graph: Graph, size: int, *, seed: int) -> list[str]:
    counts = Counter(
        end for channel in graph.channels if len(list(channel.usable_directions())) == 2 for end in _ends(channel)
    )
    low, high = size * (1 - _SIZE_TOLERANCE), size * (1 + _SIZE_TOLERANCE)
    fitting = sorted(pubkey for pubkey, count in counts.items() if low <= count <= high)
    seed_random(seed, "choice", size).shuffle(fitting)
    return fitting


def cut_extract(
    graph: Graph,
    pubkey: str,
    *,
    node_count: int = DEFAULT_EXTRACT_SIZE,
    positions: Mapping[str, PeerPosition] | None = None,
) -> Network:
    """1. the node, 2. its peers, 3. then, one after the other, the node that has most capacity with those taken.

    Channels without a usable direction stay outside, but the node's own ones do not. `positions` are those of the
    whole graph, where they are known. Raises ChoiceError: no such node.
    """
    neighbours = _sum_capacities(graph.channels)
    if pubkey not in neighbours:
        raise ChoiceError(f"the graph has no channel of {pubkey}: check the public key, or choose by --nodes")
    taken = _take_surroundings(neighbours, pubkey, node_count=node_count)
    kept = [
        channel
        for channel in graph.channels
        if channel.node1 in taken and channel.node2 in taken and (channel.is_usable or pubkey in _ends(channel))
    ]
    network = _number(graph, kept, own=pubkey)
    peers = {network.pubkeys[network.heads[direction]] for direction in network.own_directions.values()}
    known = {peer: position for peer in peers if positions and (position := positions.get(peer)) is not None}
    return structs.replace(network, positions=known)


def _ends(channel: GraphChannel) -> tuple[str, str]:
    return channel.node1, channel.node2


def _sum_capacities(channels: Iterable[GraphChannel]) -> dict[str, Counter[str]]:
    sums: dict[str, Counter[str]] = {}
    for channel in channels:
        if channel.node1 != channel.node2 and (channel.is_usable):
            sums.setdefault(channel.node1, Counter())[channel.node2] += channel.capacity_sat
            sums.setdefault(channel.node2, Counter())[channel.node1] += channel.capacity_sat
    return sums


def _take_surroundings(neighbours: dict[str, Counter[str]], pubkey: str, *, node_count: int) -> set[str]:
    peers = [peer for peer, _ in neighbours[pubkey].most_common(_MOST_PEERS)]
    taken = {pubkey, *peers}
    attached: Counter[str] = Counter()
    for peer in peers:
        attached.update(neighbours[peer])
    wanted = max(node_count, len(peers) + node_count // 2)
    while len(taken) < wanted:
        nearest = max(
            (node for node in attached if node not in taken), key=lambda node: (attached[node], node), default=""
        )
        if not nearest:
            break
        taken.add(nearest)
        attached.update(neighbours[nearest])
    return taken


def _number(graph: Graph, channels: list[GraphChannel], *, own: str) -> Network:
    pubkeys = sorted({end for channel in channels for end in _ends(channel)})
    numbers = {pubkey: number for number, pubkey in enumerate(pubkeys)}
    aliases = {node.pubkey: node.alias for node in graph.nodes if node.pubkey in numbers}
    return Network(
        pubkeys=pubkeys,
        aliases=[aliases.get(pubkey, "") for pubkey in pubkeys],
        own=numbers[own],
        channel_ids=[channel.channel_id for channel in channels],
        ends=[(numbers[channel.node1], numbers[channel.node2]) for channel in channels],
        capacities_msat=[channel.capacity_sat * 1000 for channel in channels],
        policies=[
            take_policy(announced, channel.capacity_sat)
            for channel in channels
            for announced in (channel.policy1, channel.policy2)
        ],
    )
