"""The whole mainnet graph, read once for all tests on it."""

import pytest

from nodes.sources.describegraph.graph import Graph
from nodes.sources.describegraph.reader import read_graph
from tests.reference_data import MAINNET_GRAPH


@pytest.fixture(scope="session")
def mainnet() -> Graph:
    if not MAINNET_GRAPH.exists():
        pytest.skip(f"there is no {MAINNET_GRAPH}: neither reader nor simulator is tried on a real graph")
    return read_graph(MAINNET_GRAPH)
