"""setchannel: what is left out stays as it is. There is no time lock delta of a channel, and no inbound fee."""

from typing import NamedTuple

import msgspec

from nodes.engine.report import PeerPolicy
from nodes.engine.short_channel_id import channel_id_from_scid, scid_from_channel_id
from nodes.simulator.cln_api.channel import derive_channel_id, find_largest_htlc_msat, read_own_policy
from nodes.simulator.cln_api.error import Code, RpcError
from nodes.simulator.cln_api.params import MAX_U32, Params
from nodes.simulator.view import NodeView
from nodes.simulator.world import Channel, Side

PUBKEY_DIGITS, CHANNEL_ID_DIGITS = 66, 64
TOO_LOW = "Set minimum_htlc_out_msat to minimum allowed by peer"
TOO_HIGH = "Set maximum_htlc_out_msat to maximum possible in channel"


class _Change(NamedTuple):
    base_fee_msat: int | None
    fee_rate_ppm: int | None
    min_htlc_msat: int | None
    max_htlc_msat: int | None


def set_channel(view: NodeView, params: Params) -> dict[str, object]:
    """1. find the channels meant, 2. check what holds for all, 3. revise each, 4. save, 5. answer what is in force.

    `enforcedelay` and `ignorefeelimits` are read and have no effect: nobody here pays yesterday's fee.
    """
    change = _read_change(params)
    channels = _find_channels(view, params)
    answers = [_revise(view, channel, change=change) for channel in channels]
    view.save()
    return {"channels": answers}


def _read_change(params: Params) -> _Change:
    params.require("id")
    base_fee_msat = params.read_msat("feebase")
    if base_fee_msat is not None and base_fee_msat > MAX_U32:
        raise RpcError(Code.INVALID_PARAMS, "feebase: exceeds u32 max")
    params.read_u32("enforcedelay")
    params.read_flag("ignorefeelimits")
    change = _Change(
        base_fee_msat=base_fee_msat,
        fee_rate_ppm=params.read_u32("feeppm"),
        min_htlc_msat=params.read_msat("htlcmin"),
        max_htlc_msat=params.read_msat("htlcmax"),
    )
    if change.min_htlc_msat is not None and change.max_htlc_msat is not None:
        _check_order(change.min_htlc_msat, change.max_htlc_msat)
    return change


def _check_order(low_msat: int, high_msat: int) -> None:
    if high_msat < low_msat:
        raise RpcError(Code.LIGHTNINGD, "htlcmax cannot be less than htlcmin")


def _find_channels(view: NodeView, params: Params) -> list[Channel]:
    """By "all", a peer's public key, a channel id or a short channel id."""
    text = params.read_text("id") or ""
    if text == "all":
        return view.channels
    of_peer = [channel for channel in view.channels if channel.seen_by(view.pubkey)[1].pubkey == text]
    if of_peer or len(text) == PUBKEY_DIGITS:
        if not of_peer:
            raise RpcError(Code.LIGHTNINGD, "Could not find any active channels of peer with that id")
        return of_peer
    return [_find_channel(view, text)]


def _find_channel(view: NodeView, text: str) -> Channel:
    if len(text) == CHANNEL_ID_DIGITS:
        if any(derive_channel_id(chan_point) == text for chan_point in view.node.pending_channel_points):
            raise RpcError(Code.LIGHTNINGD, "Channel in state CHANNELD_AWAITING_LOCKIN")
        found = [channel for channel in view.channels if derive_channel_id(channel.chan_point) == text]
        complaint = f"Channel ID not found: '{text}'"
    else:
        found = [channel for channel in view.channels if channel.channel_id == _read_scid(text)]
        complaint = f"Short channel ID not found: '{text}'"
    if not found:
        raise RpcError(Code.INVALID_PARAMS, complaint)
    return found[0]


def _read_scid(text: str) -> int:
    try:
        return channel_id_from_scid(text)
    except ValueError as error:
        raise RpcError(
            Code.INVALID_PARAMS, f"id: Given id is not a channel ID or short channel ID: '{text}'"
        ) from error


def _revise(view: NodeView, channel: Channel, *, change: _Change) -> dict[str, object]:
    """Values out of bounds are put right, with a warning. The network is told of a change only, with a later second."""
    own, peer = channel.seen_by(view.pubkey)
    old = read_own_policy(channel, own)
    low_msat = old.min_htlc_msat if change.min_htlc_msat is None else max(change.min_htlc_msat, own.min_htlc_msat)
    largest_msat = find_largest_htlc_msat(channel)
    high_msat = old.max_htlc_msat if change.max_htlc_msat is None else min(change.max_htlc_msat, largest_msat)
    _check_order(low_msat, high_msat)
    new = msgspec.structs.replace(
        old,
        base_fee_msat=old.base_fee_msat if change.base_fee_msat is None else change.base_fee_msat,
        fee_rate_ppm=old.fee_rate_ppm if change.fee_rate_ppm is None else change.fee_rate_ppm,
        min_htlc_msat=low_msat,
        max_htlc_msat=high_msat,
    )
    if new != old or own.policy is None:
        own.policy_updates += 1
        view.announce(own, msgspec.structs.replace(new, last_update=max(view.now_s, (old.last_update or 0) + 1)))
    answer = _describe(channel, peer, policy=new)
    if change.min_htlc_msat is not None and low_msat > change.min_htlc_msat:
        answer["warning_htlcmin_too_low"] = TOO_LOW
    if change.max_htlc_msat is not None and high_msat < change.max_htlc_msat:
        answer["warning_htlcmax_too_high"] = TOO_HIGH
    return answer


def _describe(channel: Channel, peer: Side, *, policy: PeerPolicy) -> dict[str, object]:
    return {
        "peer_id": peer.pubkey,
        "channel_id": derive_channel_id(channel.chan_point),
        "short_channel_id": scid_from_channel_id(channel.channel_id),
        "fee_base_msat": policy.base_fee_msat,
        "fee_proportional_millionths": policy.fee_rate_ppm,
        "minimum_htlc_out_msat": policy.min_htlc_msat,
        "maximum_htlc_out_msat": policy.max_htlc_msat,
        "ignore_fee_limits": False,
    }
