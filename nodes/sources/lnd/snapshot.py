"""What a snapshot says of the node: LND's words mapped to the cloud's, nothing added, nothing guessed."""

from collections.abc import Mapping

from nodes.sources.driver.driver import NodeReading
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import (
    Fields,
    read_flag,
    read_int32,
    read_objects,
    read_optional_uint64,
    read_text,
    read_uint64,
)
from nodes.sources.driver.policy import MAX_MSAT
from nodes.sources.driver.short_channel_id import format_scid
from nodes.sources.driver.text import clean_text
from nodes.sources.lnd.client import Lnd
from nodes.sources.lnd.edge import map_policies

CHAIN_FEE_BLOCKS = 6
WEIGHT_PER_VBYTE = 4
NO_ALIAS = "unable to lookup peer alias"  # LND writes its error where the alias belongs


def read_node(lnd: Lnd, pubkey: str | None) -> tuple[NodeReading, str]:
    """The reading and whose it is, in four calls. Raises NodeError; `pubkey`: whom we expect.

    LND does not tell when a channel was opened, nor the whole policies of one that is not announced: those are null.
    """
    info = lnd.get_info()
    own_pubkey = check_identity(info, pubkey)
    channels = read_objects(lnd.list_channels(), "channels")
    edges = index_edges(lnd.get_node(own_pubkey))
    reading: NodeReading = {
        "node": {**map_node(info), "onchain_fees": read_onchain_fees(lnd)},
        "channels": [map_channel(channel, edges, own_pubkey=own_pubkey) for channel in channels],
    }
    return reading, own_pubkey


def read_onchain_fees(lnd: Lnd) -> dict[str, float]:
    """By blocks, in sat a vbyte. Empty: LND does not know, or may not tell us, which is no reason to lose the rest."""
    try:
        sat_per_kw = read_uint64(lnd.estimate_fee(CHAIN_FEE_BLOCKS), "sat_per_kw")
    except NodeError:
        return {}
    return {str(CHAIN_FEE_BLOCKS): sat_per_kw * WEIGHT_PER_VBYTE / 1000}


def check_identity(info: Fields, pubkey: str | None) -> str:
    found = read_text(info, "identity_pubkey")
    if pubkey is not None and found != pubkey:
        words = f"this was set up for the node {pubkey}, but LND is now {found}"
        raise NodeError(words, fault=Fault.WRONG_NODE)
    return found


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
        "commit_fee_sat": read_optional_uint64(channel, "commit_fee"),
        "opening_fee_sat": None,  # not told here, and asked for once: `Driver.read_opening_fees`
        **map_constraints(channel),
        **map_policies(edges.get(channel_point), own_pubkey=own_pubkey, peer_pubkey=peer_pubkey),
    }


def map_constraints(channel: Fields) -> dict[str, object]:
    """What both sides agreed on when the channel was opened; null where this LND does not tell."""
    local, remote = channel.get("local_constraints"), channel.get("remote_constraints")
    ours, theirs = local if isinstance(local, dict) else {}, remote if isinstance(remote, dict) else {}
    highest_msat = read_optional_uint64(ours, "max_pending_amt_msat")
    return {
        "remote_reserve_sat": read_optional_uint64(theirs, "chan_reserve_sat"),
        "lowest_htlc_msat": read_optional_uint64(ours, "min_htlc_msat"),
        "highest_htlc_msat": None if highest_msat is None else min(highest_msat, MAX_MSAT),  # LND: 2**64-1 for no bound
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
