"""What a snapshot says of the node: Core Lightning's words mapped to the cloud's, nothing added, nothing guessed."""

import re

from nodes.sources.cln.client import Cln
from nodes.sources.cln.policy import map_policies
from nodes.sources.driver.driver import NodeReading
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import Fields, read_flag, read_int32, read_integer, read_objects, read_text
from nodes.sources.driver.text import clean_text

# A splice keeps the channel open. All other states are before or after a channel's life: those are not reported.
LIVE_STATES = frozenset({"CHANNELD_NORMAL", "CHANNELD_AWAITING_SPLICE"})
SYNC_WARNINGS = ("warning_bitcoind_sync", "warning_lightningd_sync")
VBYTES = 1000  # a feerate `perkb` is for so many
MAX_BLOCKS, MAX_FEERATE = 1_008, 10**9  # what the snapshot contract takes
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z", re.ASCII)


def read_node(cln: Cln, pubkey: str | None) -> tuple[NodeReading, str]:
    """The reading and whose it is, in three calls. Raises NodeError; `pubkey`: whom we expect.

    Core Lightning does not tell how long a peer was there, nor, but by a call for each peer, its alias: those are null.
    """
    info = cln.get_info()
    own_pubkey = check_identity(info, pubkey)
    channels = read_objects(cln.list_channels(), "channels")
    reading: NodeReading = {
        "node": {**map_node(info), "onchain_fees": read_onchain_fees(cln)},
        "channels": [
            map_channel(channel, scid) for channel in channels if (scid := find_live_scid(channel)) is not None
        ],
    }
    return reading, own_pubkey


def read_onchain_fees(cln: Cln) -> dict[str, float]:
    """By blocks, in sat a vbyte. Empty: the node does not know or may not tell it, and the rest is read on."""
    try:
        report = cln.report_feerates().get("perkb")
        rows = read_objects(report, "estimates") if isinstance(report, dict) else []
        rates = {read_integer(row, "blockcount"): read_integer(row, "feerate") for row in rows}
    except NodeError:
        return {}
    return {
        str(blocks): rate / VBYTES
        for blocks, rate in rates.items()
        if 1 <= blocks <= MAX_BLOCKS and rate <= MAX_FEERATE
    }


def check_identity(info: Fields, pubkey: str | None) -> str:
    found = read_text(info, "id")
    if pubkey is not None and found != pubkey:
        words = f"this was set up for the node {pubkey}, but Core Lightning is now {found}"
        raise NodeError(words, fault=Fault.WRONG_NODE)
    return found


def map_node(info: Fields) -> dict[str, object]:
    return {
        "alias": clean_text(read_text(info, "alias")),
        "implementation": "cln",
        "version": clean_text(read_text(info, "version")),
        "block_height": read_int32(info, "blockheight"),
        "synced_to_chain": not any(warning in info for warning in SYNC_WARNINGS),
    }


def find_live_scid(channel: Fields) -> str | None:
    """None: not a channel that can carry payments now. One without confirmations goes by our alias of it."""
    if read_text(channel, "state") not in LIVE_STATES:
        return None
    scid, alias = channel.get("short_channel_id"), channel.get("alias")
    if scid is None and isinstance(alias, dict):
        scid = alias.get("local")
    return scid if isinstance(scid, str) else None


def map_channel(channel: Fields, short_channel_id: str) -> dict[str, object]:
    """Amounts are rounded down to whole satoshi. What is under way belongs to neither side."""
    htlcs = read_objects(channel, "htlcs") if "htlcs" in channel else []
    total_msat, to_us_msat = read_integer(channel, "total_msat"), read_integer(channel, "to_us_msat")
    return {
        "short_channel_id": short_channel_id,
        "channel_point": f"{read_text(channel, 'funding_txid')}:{read_integer(channel, 'funding_outnum')}",
        "peer_pubkey": read_text(channel, "peer_id"),
        "peer_alias": None,
        "capacity_sat": total_msat // 1000,
        "local_balance_sat": max(0, to_us_msat - sum_msat(htlcs, "out")) // 1000,
        "remote_balance_sat": max(0, total_msat - to_us_msat - sum_msat(htlcs, "in")) // 1000,
        "active": read_flag(channel, "peer_connected") and channel.get("reestablished") is not False,
        "private": read_flag(channel, "private"),
        "initiator": read_text(channel, "opener") == "local",
        "opened_at": find_opened_at(channel),
        "pending_htlcs": [map_htlc(htlc) for htlc in htlcs],
        "uptime_s": None,
        "lifetime_s": None,
        "commit_fee_sat": read_optional_sat(channel, "last_tx_fee_msat"),
        "opening_fee_sat": None,
        "remote_reserve_sat": read_optional_sat(channel, "their_reserve_msat"),
        "lowest_htlc_msat": None,
        "highest_htlc_msat": find_highest_htlc_msat(channel),
        **map_policies(channel),
    }


def read_optional_sat(channel: Fields, name: str) -> int | None:
    return read_integer(channel, name) // 1000 if name in channel else None


def find_highest_htlc_msat(channel: Fields) -> int | None:
    """All but what the peer makes us keep, which is what setchannel takes at most; None: not told."""
    if "our_reserve_msat" not in channel:
        return None
    return max(0, read_integer(channel, "total_msat") - read_integer(channel, "our_reserve_msat"))


def map_htlc(htlc: Fields) -> dict[str, object]:
    return {
        "incoming": read_text(htlc, "direction") == "in",
        "amount_sat": read_integer(htlc, "amount_msat") // 1000,
        "expiration_height": read_int32(htlc, "expiry"),
    }


def sum_msat(htlcs: list[Fields], direction: str) -> int:
    return sum(read_integer(htlc, "amount_msat") for htlc in htlcs if htlc.get("direction") == direction)


def find_opened_at(channel: Fields) -> str | None:
    """When it was first ready for payments, in RFC 3339; None: not told, as of channels older than this record."""
    changes = channel.get("state_changes")
    for change in changes if isinstance(changes, list) else []:
        if isinstance(change, dict) and change.get("new_state") == "CHANNELD_NORMAL":
            timestamp = change.get("timestamp")
            return timestamp if isinstance(timestamp, str) and _INSTANT.fullmatch(timestamp) else None
    return None
