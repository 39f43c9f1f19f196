"""Where each node stands in the public network: exact betweenness, its rank, and what others charge towards it."""

from collections import defaultdict

from nodes.engine.market import PUBKEY_DIGITS, MarketSample
from nodes.engine.median import weigh_median
from nodes.engine.topology import Topology, count_pairs, measure_betweenness, rank_descending
from nodes.engine.types import PeerPosition
from nodes.sources.describegraph.graph import Graph, GraphChannel


def draw_topology(graph: Graph) -> Topology:
    """Of all nodes with a usable channel (one direction, at least, announced and enabled)."""
    usable = [channel for channel in graph.channels if channel.is_usable]
    pubkeys = sorted({pubkey for channel in usable for pubkey in (channel.node1, channel.node2)})
    index_of = {pubkey: index for index, pubkey in enumerate(pubkeys)}
    pairs = {tuple(sorted((index_of[channel.node1], index_of[channel.node2]))) for channel in usable}
    return Topology(pubkeys, [(first, second) for first, second in sorted(pairs) if first != second])


def rank_network(graph: Graph, topology: Topology | None = None) -> dict[str, PeerPosition]:
    """The position of every node with a usable channel (one direction, at least, announced and enabled).

    Betweenness is exact (Brandes 2001), on the undirected simple graph of usable channels: parallel channels count
    once, every hop costs the same. It is given as the share (0..1) of all pairs of other nodes whose shortest paths
    pass through the node. A node without a usable channel has no position: it is left out, not ranked last.
    Needs about 3 CPU seconds for the mainnet graph of 2024.
    """
    usable = [channel for channel in graph.channels if channel.is_usable]
    drawn = topology or draw_topology(graph)
    pubkeys = drawn.pubkeys
    betweenness = measure_betweenness(drawn.draw())
    ranks = rank_descending(betweenness)
    channel_counts, capacities = _sum_channels(usable)
    market = _market_fee_rates(usable)
    pair_count = count_pairs(len(pubkeys))
    return {
        pubkey: PeerPosition(
            channel_count=channel_counts[pubkey],
            capacity_sat=capacities[pubkey],
            betweenness=betweenness[index] / pair_count,
            betweenness_rank=ranks[index],
            node_count=len(pubkeys),
            market_fee_rate_ppm=market.get(pubkey),
        )
        for index, pubkey in enumerate(pubkeys)
    }


def sample_markets(graph: Graph) -> dict[str, list[MarketSample]]:
    """By pubkey, what each usable direction towards a node charges, and how large the node it comes from is."""
    usable = [channel for channel in graph.channels if channel.is_usable]
    _, capacities = _sum_channels(usable)
    samples: dict[str, list[MarketSample]] = defaultdict(list)
    for channel in usable:
        for pubkey, policy in channel.usable_directions():
            source = channel.node2 if pubkey == channel.node1 else channel.node1
            samples[pubkey].append(
                MarketSample(
                    capacity_sat=channel.capacity_sat,
                    base_fee_msat=policy.base_fee_msat,
                    fee_rate_ppm=policy.fee_rate_ppm,
                    from_pubkey=source[:PUBKEY_DIGITS],
                    from_capacity_sat=capacities[source],
                )
            )
    return samples


def _sum_channels(channels: list[GraphChannel]) -> tuple[dict[str, int], dict[str, int]]:
    counts: dict[str, int] = defaultdict(int)
    capacities: dict[str, int] = defaultdict(int)
    for channel in channels:
        for pubkey in (channel.node1, channel.node2):
            counts[pubkey] += 1
            capacities[pubkey] += channel.capacity_sat
    return counts, capacities


def _market_fee_rates(channels: list[GraphChannel]) -> dict[str, int]:
    towards: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for channel in channels:
        for pubkey, policy in channel.usable_directions():
            towards[pubkey].append((policy.fee_rate_ppm, channel.capacity_sat))
    return {
        pubkey: rate for pubkey, weighted_rates in towards.items() if (rate := weigh_median(weighted_rates)) is not None
    }
