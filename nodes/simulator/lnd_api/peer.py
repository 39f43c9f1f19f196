"""GET /v1/peers, and the lists of channels that are not open: /v1/channels/pending and /v1/channels/closed"""

from nodes.simulator.lnd_api.request import Request
from nodes.simulator.view import NodeView


def list_peers(view: NodeView, _: Request) -> dict[str, object]:
    """Whoever we have an active channel with is connected; nobody else is."""
    pubkeys = {channel.seen_by(view.pubkey)[1].pubkey for channel in view.channels if channel.active}
    return {"peers": [_describe_peer(pubkey) for pubkey in sorted(pubkeys)]}


def list_pending(view: NodeView, _: Request) -> dict[str, object]:
    """Of a pending channel this world knows the funding output alone: the rest is zero."""
    pending = [_describe_pending(view, chan_point) for chan_point in view.node.pending_channel_points]
    kinds = ("pending_closing_channels", "pending_force_closing_channels", "waiting_close_channels")
    return {"total_limbo_balance": "0", "pending_open_channels": pending, **{kind: [] for kind in kinds}}


def list_closed(_view: NodeView, _: Request) -> dict[str, object]:
    """No channel of this world closes."""
    return {"channels": []}


def _describe_peer(pubkey: str) -> dict[str, object]:
    amounts = ("bytes_sent", "bytes_recv", "sat_sent", "sat_recv", "ping_time", "last_flap_ns")
    return {
        **dict.fromkeys(amounts, "0"),
        "pub_key": pubkey,
        "address": "127.0.0.1:9735",
        "inbound": False,
        "sync_type": "PASSIVE_SYNC",
        "features": {},
        "errors": [],
        "flap_count": 0,
        "last_ping_payload": "",
    }


def _describe_pending(view: NodeView, chan_point: str) -> dict[str, object]:
    amounts = ("capacity", "local_balance", "remote_balance", "local_chan_reserve_sat", "remote_chan_reserve_sat")
    return {
        "channel": {
            **dict.fromkeys(amounts, "0"),
            "remote_node_pub": view.pubkey,
            "channel_point": chan_point,
            "initiator": "INITIATOR_LOCAL",
            "commitment_type": "STATIC_REMOTE_KEY",
            "num_forwarding_packages": "0",
            "chan_status_flags": "",
            "private": False,
            "memo": "",
            "custom_channel_data": "",
        },
        "commit_fee": "0",
        "commit_weight": "0",
        "fee_per_kw": "0",
        "funding_expiry_blocks": 2016,
        "confirmations_until_active": 3,
        "confirmation_height": 0,
    }
