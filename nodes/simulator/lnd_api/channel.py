"""GET /v1/channels"""

import base64

from nodes.simulator.lnd_api.error import Code, LndError
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.view import NodeView
from nodes.simulator.world import Channel, InFlight, Side

CSV_DELAY = 144
DUST_LIMIT_SAT = 354
MAX_ACCEPTED_HTLCS = 483
PUBKEY_BYTES = 33
COMMITMENT_WEIGHT, HTLC_WEIGHT = 724, 172
_UNUSED_FEATURES: dict[str, object] = {
    "close_address": "",
    "push_amount_sat": "0",
    "thaw_height": 0,
    "alias_scids": [],
    "zero_conf": False,
    "zero_conf_confirmed_scid": "0",
    "peer_scid_alias": "0",
    "memo": "",
    "custom_channel_data": "",
}


def list_channels(view: NodeView, request: Request) -> dict[str, object]:
    active_only, inactive_only = _read_either(request, first="active_only", second="inactive_only")
    public_only, private_only = _read_either(request, first="public_only", second="private_only")
    peer = request.read_base64("peer")
    if len(peer) not in {0, PUBKEY_BYTES}:
        raise LndError(Code.UNKNOWN, f"invalid `peer` key: invalid vertex length of {len(peer)}, want {PUBKEY_BYTES}")
    wanted = [
        channel
        for channel in view.channels
        if not (active_only and not channel.active)
        and not (inactive_only and channel.active)
        and not (public_only and channel.private)
        and not (private_only and not channel.private)
        and (not peer or channel.seen_by(view.pubkey)[1].pubkey == peer.hex())
    ]
    look_up = request.read_flag("peer_alias_lookup")
    return {"channels": [_describe_channel(view, channel, look_up_alias=look_up) for channel in wanted]}


def _read_either(request: Request, *, first: str, second: str) -> tuple[bool, bool]:
    flags = request.read_flag(first), request.read_flag(second)
    if all(flags):
        raise LndError(Code.UNKNOWN, f"either `{first}` or `{second}` can be set, but not both")
    return flags


def _describe_channel(view: NodeView, channel: Channel, *, look_up_alias: bool) -> dict[str, object]:
    own, peer = channel.seen_by(view.pubkey)
    lifetime_s = (view.now_ns - view.simulation.world.began_at_ns) // NS_PER_S
    return {
        **_UNUSED_FEATURES,
        **_describe_balances(view, channel),
        "active": channel.active,
        "remote_pubkey": peer.pubkey,
        "channel_point": channel.chan_point,
        "chan_id": str(channel.channel_id),
        "capacity": str(channel.capacity_sat),
        "fee_per_kw": str(channel.fee_per_kw),
        "total_satoshis_sent": str(own.sent_msat // 1000),
        "total_satoshis_received": str(peer.sent_msat // 1000),
        "num_updates": str(channel.update_count),
        "csv_delay": CSV_DELAY,
        "private": channel.private,
        "initiator": channel.sides[channel.initiator] is own,
        "chan_status_flags": "ChanStatusDefault",
        "local_chan_reserve_sat": str(channel.reserve_sat),
        "remote_chan_reserve_sat": str(channel.reserve_sat),
        "static_remote_key": True,
        "commitment_type": "STATIC_REMOTE_KEY",
        "lifetime": str(lifetime_s),
        "uptime": str(lifetime_s * channel.online_ppm // 1_000_000),
        "local_constraints": _describe_constraints(channel, own),
        "remote_constraints": _describe_constraints(channel, peer),
        "peer_alias": view.find_alias(peer.pubkey) if look_up_alias else "",
    }


def _describe_balances(view: NodeView, channel: Channel) -> dict[str, object]:
    """local + remote + unsettled + commit_fee = capacity. LND counts the parts of a satoshi that no output can carry as
    commitment fee."""
    own, peer = channel.seen_by(view.pubkey)
    htlcs = [
        htlc for htlc in view.simulation.world.in_flight if channel.channel_id in (htlc.incoming_id, htlc.outgoing_id)
    ]
    unsettled_sat = sum(_amount_msat(htlc, channel) // 1000 for htlc in htlcs)
    local_sat, remote_sat = own.balance_msat // 1000, peer.balance_msat // 1000
    return {
        "local_balance": str(local_sat),
        "remote_balance": str(remote_sat),
        "unsettled_balance": str(unsettled_sat),
        "commit_fee": str(channel.capacity_sat - local_sat - remote_sat - unsettled_sat),
        "commit_weight": str(COMMITMENT_WEIGHT + HTLC_WEIGHT * len(htlcs)),
        "pending_htlcs": [_describe_htlc(view, channel, htlc=htlc) for htlc in sorted(htlcs)],
    }


def _amount_msat(htlc: InFlight, channel: Channel) -> int:
    return htlc.in_msat if channel.channel_id == htlc.incoming_id else htlc.out_msat


def _describe_htlc(view: NodeView, channel: Channel, *, htlc: InFlight) -> dict[str, object]:
    """One leg of a forward. For another node than the forwarder the payment begins or ends here."""
    enters_forwarder = channel.channel_id == htlc.incoming_id
    is_ours = htlc.pubkey == view.pubkey
    return {
        "incoming": enters_forwarder == is_ours,
        "amount": str(_amount_msat(htlc, channel) // 1000),
        "hash_lock": base64.b64encode(htlc.payment_hash).decode(),
        "expiration_height": htlc.incoming_expiry if enters_forwarder else htlc.outgoing_expiry,
        "htlc_index": str(htlc.incoming_htlc if enters_forwarder else htlc.outgoing_htlc),
        "forwarding_channel": str(htlc.outgoing_id if enters_forwarder else htlc.incoming_id) if is_ours else "0",
        "forwarding_htlc_index": str(htlc.outgoing_htlc if enters_forwarder else htlc.incoming_htlc)
        if is_ours
        else "0",
        "locked_in": True,
    }


def _describe_constraints(channel: Channel, side: Side) -> dict[str, object]:
    return {
        "csv_delay": CSV_DELAY,
        "chan_reserve_sat": str(channel.reserve_sat),
        "dust_limit_sat": str(DUST_LIMIT_SAT),
        "max_pending_amt_msat": str(side.max_in_flight_msat),
        "min_htlc_msat": str(side.min_htlc_msat),
        "max_accepted_htlcs": MAX_ACCEPTED_HTLCS,
    }
