"""What the older box software (dazbrel) reports of its node, and what of it a snapshot can hold.

It tells no policies, no state of a channel, no version and no height of the chain. None of these is made up: policies
are null, and what a snapshot cannot do without is the least that follows from the report.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

from mcp_saas.kit.text import Pubkey
from nodes.engine.report import FIRST_BLOCK_AT, LAST_INSTANT, Alias, ChannelState, Instant, NodeSnapshot, NodeState, Sat
from nodes.engine.short_channel_id import channel_id_from_scid, scid_from_channel_id

VERSION = "older box software"
ChannelName = Annotated[str, Meta(min_length=1, max_length=40)]
U64 = Annotated[int, Meta(ge=0, le=2**63 - 1)]
U32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class OlderChannel(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`channel_id`: LND's 64-bit number as text, or `800000x1x0`. Amounts in sat."""

    channel_id: ChannelName
    peer_pubkey: Pubkey
    capacity: Annotated[int, Meta(ge=1, le=2_100_000_000_000_000)]
    local_balance: Sat
    remote_balance: Sat
    fees_earned: U64
    forwards_count: U32
    uptime_percentage: Annotated[float, Meta(ge=0, le=100)]

    def __post_init__(self) -> None:
        read_channel_id(self.channel_id)
        if self.local_balance + self.remote_balance > self.capacity:
            raise ValueError(f"local_balance: local and remote balance together exceed capacity {self.capacity}")


class OlderReport(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node at one moment, as dazbrel tells it. Amounts in sat."""

    pubkey: Pubkey
    alias: Alias
    channels: Annotated[list[OlderChannel], Meta(max_length=20_000)]
    wallet_balance: U64
    channel_balance: U64
    total_capacity: U64
    routing_fees_earned: U64
    timestamp: Instant

    def __post_init__(self) -> None:
        if not FIRST_BLOCK_AT <= self.timestamp <= LAST_INSTANT:
            raise ValueError("timestamp: lies before the first block of Bitcoin or after the year 9999")
        seen: set[str] = set()
        for index, channel in enumerate(self.channels):
            scid = read_channel_id(channel.channel_id)
            if scid in seen:
                raise ValueError(f"channels/{index}/channel_id: the channel {scid} is listed twice")
            seen.add(scid)


def read_channel_id(name: str) -> str:
    """Its short channel id. Raises ValueError, which names the field."""
    number = int(name) if name.isascii() and name.isdigit() else None
    try:
        scid = name if number is None else scid_from_channel_id(number)
        channel_id_from_scid(scid)
    except ValueError:
        raise ValueError("channel_id: LND's number of the channel, or its short channel id, is needed") from None
    return scid


def make_snapshot(report: OlderReport, *, known: NodeState | None) -> NodeSnapshot:
    """`known`: of the node when it was reported last. `seq`: the second it was taken in, as our agent counts.

    A channel is active unless it was up for 0 %. The height of the chain is at least the last one known, and that of
    the youngest channel. dazbrel speaks to LND alone.
    """
    channels = [_describe(channel) for channel in report.channels]
    heights = [int(channel.short_channel_id.split("x", 1)[0]) for channel in channels]
    return NodeSnapshot(
        seq=int(report.timestamp.timestamp()),
        taken_at=report.timestamp.astimezone(dt.UTC),
        node=NodeState(
            alias=report.alias,
            implementation="lnd",
            version=known.version if known else VERSION,
            block_height=max([known.block_height if known else 0, *heights]),
            synced_to_chain=known.synced_to_chain if known else True,
        ),
        channels=channels,
    )


def _describe(channel: OlderChannel) -> ChannelState:
    return ChannelState(
        short_channel_id=read_channel_id(channel.channel_id),
        peer_pubkey=channel.peer_pubkey,
        capacity_sat=channel.capacity,
        local_balance_sat=channel.local_balance,
        remote_balance_sat=channel.remote_balance,
        active=channel.uptime_percentage > 0,
    )
