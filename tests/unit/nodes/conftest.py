"""The whole mainnet graph, read once for all tests on it."""

import os
from pathlib import Path

import pytest

from nodes.sources.describegraph.graph import Graph
from nodes.sources.describegraph.reader import read_graph

SHARED = Path(os.getenv("DAZBOX_SHARED") or Path(__file__).resolve().parents[4] / "shared")
MAINNET = SHARED / "data" / "graph" / "describegraph-2024-09-22.json.xz"


@pytest.fixture(scope="session")
def mainnet() -> Graph:
    if not MAINNET.exists():
        pytest.skip("no mainnet graph file here: left out what is checked on it")
    return read_graph(MAINNET)
