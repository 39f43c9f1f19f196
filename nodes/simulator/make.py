"""Makes a world, from a real graph file or from a small simulated network, and says how."""

import time
from pathlib import Path

from mcp_saas.kit.alias import tame_alias
from nodes.simulator.identity import REAL_GRAPH_NOTE, rename_nodes
from nodes.simulator.implementation import turn_into_cln
from nodes.simulator.network import BALANCE_NOTE, build_world
from nodes.simulator.selection import DEFAULT_SEED, SELECTION_RULE
from nodes.simulator.small_network import generate_network
from nodes.simulator.world import World, save_world
from nodes.sources.describegraph.graph import Graph
from nodes.sources.describegraph.reader import read_graph
from nodes.sources.describegraph.writer import write_graph

_CLN_MARK = {"lnd": "", "cln": ", Core Lightning"}
_SMALLEST_NETWORK, _NODES_PER_BOX = 120, 8


def make_world(
    fleet_count: int, *, graph_path: Path | None, world_path: Path, graph_out: Path | None, cln_count: int = 0
) -> World:
    """Writes the world, and without a graph file the simulated network to `graph_out`, as its public graph.

    The last `cln_count` nodes of the fleet are Core Lightning's, the others LND's.

    Raises GraphFileError, SelectionError.
    """
    now_s = int(time.time())
    if graph_path is not None:
        graph = read_graph(graph_path)
        repeats = f" {graph.repeats} repeated entries are left out." if graph.repeats else ""
        origin = f"The channel graph of {graph_path.name}.{repeats} {REAL_GRAPH_NOTE}"
        world = build_world(graph, fleet_count, origin=origin, now_s=now_s)
    else:
        graph = generate_network(
            seed=DEFAULT_SEED, now_s=now_s, node_count=max(_SMALLEST_NETWORK, _NODES_PER_BOX * fleet_count)
        )
        origin = (
            f"A small simulated network: {len(graph.nodes)} nodes, {len(graph.channels)} channels, made up from a seed."
        )
        world = build_world(graph, fleet_count, origin=origin, now_s=now_s, has_own_keys=True)
        if graph_out is not None:
            renamed = rename_nodes(graph, {node.stands_for: node.pubkey for node in world.fleet})
            write_graph(_leave_out_private(renamed, world), graph_out)
    for node in world.fleet[max(0, len(world.fleet) - cln_count) :]:
        turn_into_cln(node, world)
    save_world(world, world_path)
    return world


def describe_world(world: World) -> str:
    """For people: where the fleet comes from, how it was chosen, and what in it is a model."""
    rows = [
        f"  {tame_alias(node.alias)}: {len(world.channels_of(node.pubkey))} channels{_CLN_MARK[node.implementation]}\n"
        f"    {node.pubkey}"
        for node in world.fleet
    ]
    return "\n".join([world.origin, f"Chosen: {SELECTION_RULE}", *rows, BALANCE_NOTE])


def _leave_out_private(graph: Graph, world: World) -> Graph:
    private_ids = {channel.channel_id for channel in world.channels if channel.private}
    return Graph(
        nodes=graph.nodes, channels=[channel for channel in graph.channels if channel.channel_id not in private_ids]
    )
