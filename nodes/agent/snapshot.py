"""What a snapshot says of the node: LND's words mapped to the cloud's, nothing added, nothing guessed."""

import unicodedata
from collections.abc import Mapping
from typing import TypedDict

from nodes.agent.errors import NodeError
from nodes.agent.field import (
    Fields,
    read_flag,
    read_int32,
    read_objects,
    read_optional_uint64,
    read_text,
    read_uint64,
)
from nodes.agent.lnd import Lnd
from nodes.agent.policy import map_policies

MAX_TEXT_CHARS = 128
NO_ALIAS = "unable to lookup peer alias"  # LND writes its error where the alias belongs


class NodeReading(TypedDict):
    """The part of a snapshot that the node tells."""

    node: dict[str, object]
    channels: list[dict[str, object]]


def read_node(lnd: Lnd, pubkey: str) -> NodeReading:
    """In three calls. Raises NodeError.

    LND does not tell when a channel was opened, nor the whole policies of one that is not announced: those are null.
    """
    info = lnd.get_info()
    check_identity(info, pubkey)
    channels = read_objects(lnd.list_channels(), "channels")
    edges = index_edges(lnd.get_node(pubkey))
    return {
        "node": map_node(info),
        "channels": [map_channel(channel, edges, own_pubkey=pubkey) for channel in channels],
    }


def check_identity(info: Fields, pubkey: str) -> None:
    found = read_text(info, "identity_pubkey")
    if found != pubkey:
        raise NodeError(f"this home was claimed for the node {pubkey}, but LND is now {found}", permanent=True)


def index_edges(graph_node: Fields | None) -> dict[str, Fields]:
    """Announced channels by channel point: a channel opened with zero confirmations has another id in the graph."""
    if graph_node is None:
        return {}
    return {read_text(edge, "chan_point"): edge for edge in read_objects(graph_node, "channels")}


def map_node(info: Fields) -> dict[str, object]:
    return {
        "alias": clean_text(read_text(info, "alias")),
        "implementation": "lnd",
        "version": clean_text(read_text(info, "version")),
        "block_height": read_int32(info, "block_height"),
        "synced_to_chain": read_flag(info, "synced_to_chain"),
    }


def map_channel(channel: Fields, edges: Mapping[str, Fields], *, own_pubkey: str) -> dict[str, object]:
    channel_point, peer_pubkey = read_text(channel, "channel_point"), read_text(channel, "remote_pubkey")
    return {
        "short_channel_id": format_scid(read_uint64(channel, "chan_id")),
        "channel_point": channel_point,
        "peer_pubkey": peer_pubkey,
        "peer_alias": read_peer_alias(channel),
        "capacity_sat": read_uint64(channel, "capacity"),
        "local_balance_sat": read_uint64(channel, "local_balance"),
        "remote_balance_sat": read_uint64(channel, "remote_balance"),
        "active": read_flag(channel, "active"),
        "private": read_flag(channel, "private"),
        "initiator": read_flag(channel, "initiator"),
        "opened_at": None,
        "pending_htlcs": [map_htlc(htlc) for htlc in read_objects(channel, "pending_htlcs")],
        "uptime_s": read_optional_uint64(channel, "uptime"),
        "lifetime_s": read_optional_uint64(channel, "lifetime"),
        **map_policies(edges.get(channel_point), own_pubkey=own_pubkey, peer_pubkey=peer_pubkey),
    }


def map_htlc(htlc: Fields) -> dict[str, object]:
    return {
        "incoming": read_flag(htlc, "incoming"),
        "amount_sat": read_uint64(htlc, "amount"),
        "expiration_height": read_int32(htlc, "expiration_height"),
    }


def read_peer_alias(channel: Fields) -> str | None:
    """None: the peer has no alias, the graph does not know it, or this LND is too old to tell."""
    alias = channel.get("peer_alias")
    if not isinstance(alias, str) or alias.startswith(NO_ALIAS):
        return None
    return clean_text(alias) or None


def clean_text(text: str) -> str:
    """Strangers write aliases: no control characters, no half characters, no more than the contract allows."""
    return "".join(char for char in text if unicodedata.category(char) not in {"Cc", "Cs"})[:MAX_TEXT_CHARS]


def format_scid(chan_id: int) -> str:
    """BOLT 7: block, transaction and output of 24, 24 and 16 bits."""
    return f"{chan_id >> 40}x{chan_id >> 16 & 0xFFFFFF}x{chan_id & 0xFFFF}"
