"""The driver of Core Lightning (`nodes.sources.driver.driver` says what each method promises)."""

from collections.abc import Mapping
from typing import Self

from nodes.sources.cln.client import Cln, open_cln
from nodes.sources.cln.forward import read_forwards
from nodes.sources.cln.graph import map_graph_edge, map_graph_node, map_own_edge
from nodes.sources.cln.rebalance import read_rebalances
from nodes.sources.cln.snapshot import check_identity, read_node
from nodes.sources.cln.write import apply_policy, find_channel
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import (
    Capabilities,
    ForwardPage,
    GraphEdge,
    GraphNode,
    Identity,
    NodeReading,
    PolicyWrite,
    RebalancePage,
    WriteResult,
)
from nodes.sources.driver.errors import NodeError
from nodes.sources.driver.field import read_objects, read_text
from nodes.sources.driver.text import clean_text


class ClnDriver:
    """One Core Lightning behind clnrest."""

    capabilities = Capabilities(inbound=False, time_lock_delta=False, disabled=False, partial_write=True)

    def __init__(self, cln: Cln, *, pubkey: str | None = None) -> None:
        self._cln = cln
        self._pubkey = pubkey
        self._is_identified = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cln.__exit__()

    def identify(self) -> Identity:
        info = self._cln.get_info()
        pubkey = check_identity(info, self._pubkey)
        self._keep(pubkey)
        return Identity(pubkey=pubkey, alias=clean_text(read_text(info, "alias")))

    def sign_message(self, message: str) -> str:
        return self._cln.sign_message(message)

    def read_node(self) -> NodeReading:
        reading, pubkey = read_node(self._cln, self._pubkey)
        self._keep(pubkey)
        return reading

    def read_opening_fees(self, openings: Mapping[str, str]) -> dict[str, int]:
        """Nothing: the bookkeeper can be off, and tells an opening only among all payments of the channel."""
        return {}

    def read_forwards(self, cursor: str) -> ForwardPage:
        return read_forwards(self._cln, cursor)

    def read_rebalances(self, cursor: str, *, now_s: float) -> RebalancePage | None:
        try:
            return read_rebalances(self._cln, cursor, now_s=now_s)
        except NodeError:
            return None

    def apply(self, write: PolicyWrite) -> WriteResult:
        """Nothing is written to a node that is not the expected one."""
        self._find_pubkey()
        return apply_policy(self._cln, write)

    def graph_node(self, pubkey: str) -> GraphNode | None:
        nodes = read_objects(self._cln.get_node(pubkey), "nodes")
        if not nodes:
            return None
        return map_graph_node(nodes[0], read_objects(self._cln.list_announced(source=pubkey), "channels"))

    def graph_edge(self, short_channel_id: str) -> GraphEdge | None:
        """Of one of our own channels what is in force, which the graph shows only once it is announced."""
        pubkey = self._find_pubkey()
        own = find_channel(self._cln, short_channel_id)
        if own is not None:
            return map_own_edge(own, pubkey)
        return map_graph_edge(read_objects(self._cln.list_announced(short_channel_id=short_channel_id), "channels"))

    def _find_pubkey(self) -> str:
        """Asked once a connection."""
        if self._pubkey is None or not self._is_identified:
            return self.identify().pubkey
        return self._pubkey

    def _keep(self, pubkey: str) -> None:
        self._pubkey, self._is_identified = pubkey, True


def open_cln_driver(config: DriverConfig) -> ClnDriver:
    return ClnDriver(open_cln(config), pubkey=config.pubkey)
