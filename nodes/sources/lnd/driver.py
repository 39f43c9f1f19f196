"""The driver of LND (`nodes.sources.driver.driver` says what each method promises)."""

from collections.abc import Mapping
from typing import Self

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
from nodes.sources.driver.field import read_text
from nodes.sources.driver.short_channel_id import parse_scid
from nodes.sources.driver.text import clean_text
from nodes.sources.lnd.client import Lnd, open_lnd
from nodes.sources.lnd.forward import read_forwards
from nodes.sources.lnd.graph import map_graph_edge, map_graph_node
from nodes.sources.lnd.opening import read_opening_fees
from nodes.sources.lnd.payment import read_rebalances
from nodes.sources.lnd.snapshot import check_identity, read_node
from nodes.sources.lnd.write import apply_policy


class LndDriver:
    """One LND over REST."""

    capabilities = Capabilities(inbound=True, time_lock_delta=True, disabled=True, partial_write=False)

    def __init__(self, lnd: Lnd, *, pubkey: str | None = None) -> None:
        self._lnd = lnd
        self._pubkey = pubkey
        self._is_identified = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lnd.__exit__()

    def identify(self) -> Identity:
        info = self._lnd.get_info()
        self._keep(check_identity(info, self._pubkey))
        return Identity(pubkey=read_text(info, "identity_pubkey"), alias=clean_text(read_text(info, "alias")))

    def sign_message(self, message: str) -> str:
        return self._lnd.sign_message(message)

    def read_node(self) -> NodeReading:
        reading, pubkey = read_node(self._lnd, self._pubkey)
        self._keep(pubkey)
        return reading

    def read_opening_fees(self, openings: Mapping[str, str]) -> dict[str, int]:
        return read_opening_fees(self._lnd, openings)

    def read_forwards(self, cursor: str) -> ForwardPage:
        return read_forwards(self._lnd, cursor)

    def read_rebalances(self, cursor: str, *, now_s: float) -> RebalancePage | None:
        try:
            return read_rebalances(self._lnd, cursor, pubkey=self._find_pubkey(), now_s=now_s)
        except NodeError:
            return None

    def apply(self, write: PolicyWrite) -> WriteResult:
        return apply_policy(self._lnd, write, pubkey=self._find_pubkey())

    def graph_node(self, pubkey: str) -> GraphNode | None:
        answer = self._lnd.get_node(pubkey, include_channels=False)
        return None if answer is None else map_graph_node(answer)

    def graph_edge(self, short_channel_id: str) -> GraphEdge | None:
        edge = self._lnd.get_edge(parse_scid(short_channel_id))
        return None if edge is None else map_graph_edge(edge)

    def _keep(self, pubkey: str) -> None:
        self._pubkey, self._is_identified = pubkey, True

    def _find_pubkey(self) -> str:
        """Asked once a connection: nothing is written to a node that is not the expected one."""
        if self._pubkey is None or not self._is_identified:
            return self.identify().pubkey
        return self._pubkey


def open_lnd_driver(config: DriverConfig) -> LndDriver:
    return LndDriver(open_lnd(config), pubkey=config.pubkey)
