"""Which nodes of a network become the fleet."""

from collections import defaultdict

from nodes.simulator.seed import seed_random
from nodes.sources.describegraph.graph import Graph, GraphChannel, GraphPolicy

DEFAULT_SEED = 20240922
MIN_CHANNELS, MAX_CHANNELS = 10, 60

SELECTION_RULE = (
    f"All nodes with {MIN_CHANNELS} to {MAX_CHANNELS} channels, each channel usable in one direction at least, the "
    "node's own policy known on every one, in the giant component of usable channels; sorted by public key, shuffled "
    f"by Python's random.Random('{DEFAULT_SEED}'), the first ones taken."
)


class SelectionError(ValueError):
    """The network has too few nodes of the size asked for."""


def select_fleet(graph: Graph, count: int, *, seed: int = DEFAULT_SEED) -> list[str]:
    """`count` public keys by SELECTION_RULE. A larger fleet of the same seed begins with the smaller one.

    Raises SelectionError when fewer nodes qualify.
    """
    giant = _find_giant_component(graph)
    candidates = sorted(pubkey for pubkey, ends in _index_ends(graph).items() if pubkey in giant and _qualifies(ends))
    if len(candidates) < count:
        raise SelectionError(
            f"{len(candidates)} nodes of this network qualify for a fleet of {count}: ask for fewer. {SELECTION_RULE}"
        )
    seed_random(seed).shuffle(candidates)
    return candidates[:count]


def _index_ends(graph: Graph) -> dict[str, list[tuple[GraphChannel, GraphPolicy | None]]]:
    """Each node's channels with its own policy there."""
    ends: dict[str, list[tuple[GraphChannel, GraphPolicy | None]]] = defaultdict(list)
    for channel in graph.channels:
        ends[channel.node1].append((channel, channel.policy1))
        ends[channel.node2].append((channel, channel.policy2))
    return ends


def _qualifies(ends: list[tuple[GraphChannel, GraphPolicy | None]]) -> bool:
    return MIN_CHANNELS <= len(ends) <= MAX_CHANNELS and all(
        channel.is_usable and own_policy is not None for channel, own_policy in ends
    )


def _find_giant_component(graph: Graph) -> set[str]:
    """The largest set of nodes that usable channels connect."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for channel in graph.channels:
        if channel.is_usable:
            neighbours[channel.node1].append(channel.node2)
            neighbours[channel.node2].append(channel.node1)
    giant: set[str] = set()
    seen: set[str] = set()
    for start in neighbours:
        if start not in seen:
            component = _walk_component(start, neighbours)
            seen |= component
            giant = max(giant, component, key=len)
    return giant


def _walk_component(start: str, neighbours: dict[str, list[str]]) -> set[str]:
    component = {start}
    frontier = [start]
    while frontier:
        for neighbour in neighbours[frontier.pop()]:
            if neighbour not in component:
                component.add(neighbour)
                frontier.append(neighbour)
    return component
