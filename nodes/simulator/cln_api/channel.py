"""listpeerchannels"""

import hashlib
from operator import itemgetter

from nodes.engine.report import PeerPolicy
from nodes.engine.short_channel_id import scid_from_channel_id
from nodes.simulator.cln_api.error import Code, RpcError
from nodes.simulator.cln_api.params import Params
from nodes.simulator.seed import seed_random
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.view import NodeView
from nodes.simulator.world import Channel, InFlight, Side

CSV_DELAY, DUST_LIMIT_MSAT, MAX_ACCEPTED_HTLCS = 144, 354_000, 483
# What Core Lightning charges until it is told otherwise.
DEFAULT_POLICY = PeerPolicy(base_fee_msat=1, fee_rate_ppm=10, time_lock_delta=34, min_htlc_msat=0, max_htlc_msat=0)
_STATIC_REMOTE_KEY = {"bits": [12], "names": ["static_remotekey/even"]}


def list_peer_channels(view: NodeView, params: Params) -> dict[str, object]:
    peer, scid, channel_id = (
        params.read_pubkey("id"),
        params.read_scid("short_channel_id"),
        params.read_hash("channel_id"),
    )
    if sum(name is not None for name in (peer, scid, channel_id)) > 1:
        raise RpcError(Code.INVALID_PARAMS, "Cannot specify more than one of id, short_channel_id and channel_id")
    channels = [_describe_channel(view, channel) for channel in view.channels]
    pending = [_describe_pending(view, chan_point) for chan_point in view.node.pending_channel_points]
    wanted = {
        "peer_id": peer,
        "short_channel_id": None if scid is None else scid_from_channel_id(scid),
        "channel_id": channel_id,
    }
    return {
        "channels": [
            channel
            for channel in [*channels, *pending]
            if all(value is None or channel.get(name) == value for name, value in wanted.items())
        ]
    }


def derive_channel_id(chan_point: str) -> str:
    """BOLT 2: the funding transaction's id in the order of its bytes, the last two of them XOR the output's index."""
    txid, _, output = chan_point.partition(":")
    raw = bytes.fromhex(txid)[::-1]
    return (int.from_bytes(raw) ^ int(output)).to_bytes(len(raw)).hex()


def read_own_policy(channel: Channel, own: Side) -> PeerPolicy:
    """A node always has a policy of its own, announced or not."""
    return own.policy or PeerPolicy(
        base_fee_msat=DEFAULT_POLICY.base_fee_msat,
        fee_rate_ppm=DEFAULT_POLICY.fee_rate_ppm,
        time_lock_delta=DEFAULT_POLICY.time_lock_delta,
        min_htlc_msat=own.min_htlc_msat,
        max_htlc_msat=find_largest_htlc_msat(channel),
    )


def find_largest_htlc_msat(channel: Channel) -> int:
    """What a side could send at most: all but what it must keep."""
    return (channel.capacity_sat - channel.reserve_sat) * 1000


def _describe_channel(view: NodeView, channel: Channel) -> dict[str, object]:
    own, peer = channel.seen_by(view.pubkey)
    policy = read_own_policy(channel, own)
    return {
        **_describe_identity(channel.chan_point),
        **_describe_connection(view, channel),
        **_describe_balances(view, channel),
        "peer_id": peer.pubkey,
        "state": "CHANNELD_NORMAL",
        "status": ["CHANNELD_NORMAL:Channel ready for use."],
        "channel_type": _STATIC_REMOTE_KEY,
        "features": ["option_static_remotekey"],
        "short_channel_id": scid_from_channel_id(channel.channel_id),
        "direction": int(own.pubkey > peer.pubkey),
        "private": channel.private,
        "opener": "local" if channel.sides[channel.initiator] is own else "remote",
        "ignore_fee_limits": False,
        "lost_state": False,
        "feerate": {"perkw": channel.fee_per_kw, "perkb": channel.fee_per_kw * 4},
        "fee_base_msat": policy.base_fee_msat,
        "fee_proportional_millionths": policy.fee_rate_ppm,
        "minimum_htlc_out_msat": policy.min_htlc_msat,
        "maximum_htlc_out_msat": policy.max_htlc_msat,
        "minimum_htlc_in_msat": peer.min_htlc_msat,
        "dust_limit_msat": DUST_LIMIT_MSAT,
        "their_to_self_delay": CSV_DELAY,
        "our_to_self_delay": CSV_DELAY,
        "max_accepted_htlcs": MAX_ACCEPTED_HTLCS,
        "their_max_htlc_value_in_flight_msat": own.max_in_flight_msat,
        "our_max_htlc_value_in_flight_msat": peer.max_in_flight_msat,
        **_describe_updates(own, peer),
    }


def _describe_identity(chan_point: str) -> dict[str, object]:
    txid, _, output = chan_point.partition(":")
    return {"funding_txid": txid, "funding_outnum": int(output), "channel_id": derive_channel_id(chan_point)}


def _describe_connection(view: NodeView, channel: Channel) -> dict[str, object]:
    if not channel.active:
        return {"peer_connected": False}
    began_at_s = view.simulation.world.began_at_ns // NS_PER_S
    return {
        "peer_connected": True,
        "reestablished": True,
        "owner": "channeld",
        "last_stable_connection": began_at_s,
    }


def _describe_balances(view: NodeView, channel: Channel) -> dict[str, object]:
    """What we have offered, and the commitment transaction's fee where we opened the channel, are still ours: they are
    in `to_us_msat`."""
    own, peer = channel.seen_by(view.pubkey)
    htlcs = [_describe_htlc(view, channel, htlc=htlc) for htlc in sorted(_list_in_flight(view, channel))]
    offered_msat = {way: _sum_msat(htlcs, way) for way in ("in", "out")}
    under_way = {way: sum(htlc["direction"] == way for htlc in htlcs) for way in ("in", "out")}
    fee_msat = channel.commit_fee_sat * 1000
    to_us_msat = own.balance_msat + offered_msat["out"] + (fee_msat if channel.sides[channel.initiator] is own else 0)
    scratch = hashlib.sha256(f"{channel.chan_point}:{channel.update_count}".encode()).hexdigest()
    return {
        "to_us_msat": to_us_msat,
        "total_msat": channel.capacity_sat * 1000,
        "our_reserve_msat": channel.reserve_sat * 1000,
        "their_reserve_msat": channel.reserve_sat * 1000,
        "spendable_msat": channel.spendable_msat(own),
        "receivable_msat": channel.spendable_msat(peer),
        "scratch_txid": scratch,
        "last_tx_fee_msat": fee_msat,
        "in_payments_offered": peer.htlc_count,
        "in_payments_fulfilled": peer.htlc_count - under_way["in"],
        "in_offered_msat": peer.sent_msat + offered_msat["in"],
        "in_fulfilled_msat": peer.sent_msat,
        "out_payments_offered": own.htlc_count,
        "out_payments_fulfilled": own.htlc_count - under_way["out"],
        "out_offered_msat": own.sent_msat + offered_msat["out"],
        "out_fulfilled_msat": own.sent_msat,
        "htlcs": htlcs,
    }


def _list_in_flight(view: NodeView, channel: Channel) -> list[InFlight]:
    return [
        htlc for htlc in view.simulation.world.in_flight if channel.channel_id in (htlc.incoming_id, htlc.outgoing_id)
    ]


def _describe_htlc(view: NodeView, channel: Channel, *, htlc: InFlight) -> dict[str, object]:
    """One leg of a forward. For another node than the forwarder the payment begins or ends here."""
    enters_forwarder = channel.channel_id == htlc.incoming_id
    is_incoming = enters_forwarder == (htlc.pubkey == view.pubkey)
    return {
        "direction": "in" if is_incoming else "out",
        "id": htlc.incoming_htlc if enters_forwarder else htlc.outgoing_htlc,
        "amount_msat": htlc.in_msat if enters_forwarder else htlc.out_msat,
        "expiry": htlc.incoming_expiry if enters_forwarder else htlc.outgoing_expiry,
        "payment_hash": htlc.payment_hash.hex(),
        "state": "RCVD_ADD_ACK_REVOCATION" if is_incoming else "SENT_ADD_ACK_REVOCATION",
    }


def _sum_msat(htlcs: list[dict[str, object]], direction: str) -> int:
    amounts = (itemgetter("amount_msat")(htlc) for htlc in htlcs if htlc["direction"] == direction)
    return sum(amount for amount in amounts if isinstance(amount, int))


def _describe_updates(own: Side, peer: Side) -> dict[str, object]:
    """The latest gossip of both; what a side never announced is not there."""
    if own.policy is None:
        return {}
    remote = {} if peer.policy is None else {"remote": _describe_update(peer.policy)}
    return {"updates": {"local": _describe_update(own.policy), **remote}}


def _describe_update(policy: PeerPolicy) -> dict[str, object]:
    return {
        "htlc_minimum_msat": policy.min_htlc_msat,
        "htlc_maximum_msat": policy.max_htlc_msat,
        "cltv_expiry_delta": policy.time_lock_delta,
        "fee_base_msat": policy.base_fee_msat,
        "fee_proportional_millionths": policy.fee_rate_ppm,
    }


def _describe_pending(view: NodeView, chan_point: str) -> dict[str, object]:
    """The world knows the funding outpoint alone; the peer is one of the node's neighbours."""
    peers = sorted(channel.seen_by(view.pubkey)[1].pubkey for channel in view.channels)
    return {
        **_describe_identity(chan_point),
        "peer_id": seed_random("pending", chan_point).choice(peers),
        "peer_connected": True,
        "reestablished": True,
        "state": "CHANNELD_AWAITING_LOCKIN",
        "opener": "local",
        "private": False,
        "features": ["option_static_remotekey"],
    }
