"""Payments of the node to itself, which move sats from one of its channels to another: what rebalancing cost."""

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

from nodes.engine.report import Instant, Msat, check_instant
from nodes.engine.short_channel_id import ShortChannelId


class Rebalance(Struct, frozen=True, kw_only=True):
    """One part of such a payment, as it is kept: sats that left by one channel and came back by another.

    `amount_msat` came back; `fee_msat` stayed with others on the way. What `ReportedRebalance` checked is not checked
    again.
    """

    id: str
    outgoing_scid: str
    incoming_scid: str
    amount_msat: int
    fee_msat: int
    settled_at: dt.datetime


class ReportedRebalance(Rebalance, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One part of a payment of the node to itself. `id` is the box's; the same id is the same part."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    outgoing_scid: ShortChannelId
    incoming_scid: ShortChannelId
    amount_msat: Msat
    fee_msat: Msat
    settled_at: Instant

    def __post_init__(self) -> None:
        check_instant("settled_at", self.settled_at)
