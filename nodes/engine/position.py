"""Where a node of the public graph stands, and how it looks to everybody."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from nodes.engine.feature import Feature


class NetworkPosition(Struct, frozen=True, kw_only=True):
    """Among the `node_count` nodes with a usable channel. Rank 1 is the best; equal values share the best rank of their
    group. `betweenness`: the share (0..1) of the pairs of other nodes whose shortest paths pass through it, exact
    (Brandes 2001). `closeness`: 0..1, exact (Wasserman and Faust 1994).
    """

    betweenness: float
    betweenness_rank: int
    closeness: float
    closeness_rank: int
    capacity_rank: int
    channels_rank: int
    node_count: int
    graph_loaded_at: dt.datetime


class PublicNode(Struct, frozen=True, kw_only=True):
    """What the public graph says of a node. Amounts are in sat."""

    pubkey: str
    alias: str | None
    color: str | None
    features: list[Feature]
    announced_at: dt.datetime | None
    channel_count: int
    capacity_sat: int
    median_channel_sat: int
    market_fee_rate_ppm: int | None
    position: NetworkPosition
