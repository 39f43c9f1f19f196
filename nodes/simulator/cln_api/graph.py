"""listnodes and listchannels"""

from nodes.engine.report import PeerPolicy
from nodes.engine.short_channel_id import scid_from_channel_id
from nodes.simulator.cln_api.error import Code, RpcError
from nodes.simulator.cln_api.params import Params
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.view import NodeView
from nodes.simulator.world import Channel, KnownNode

_DISABLED_FLAG = 2
_FEATURES = "808898882a8a59a1"


def list_nodes(view: NodeView, params: Params) -> dict[str, object]:
    """The fleet and its direct peers: nobody else is known here."""
    pubkey = params.read_pubkey("id")
    known = view.simulation.known_nodes
    found = list(known.values()) if pubkey is None else [known[pubkey]] if pubkey in known else []
    return {"nodes": [_describe_node(view, node) for node in found]}


def list_channels(view: NodeView, params: Params) -> dict[str, object]:
    """Each direction that was announced, and the own unannounced channels."""
    scid, source, destination = (
        params.read_scid("short_channel_id"),
        params.read_pubkey("source"),
        params.read_pubkey("destination"),
    )
    if sum(name is not None for name in (scid, source, destination)) > 1:
        raise RpcError(Code.INVALID_PARAMS, "Can only specify one of `short_channel_id`, `source` or `destination`")
    own_ids = {channel.channel_id for channel in view.channels}
    rows = [
        _describe_direction(view, channel, index=index)
        for channel in view.simulation.world.channels
        if (not channel.private or channel.channel_id in own_ids) and scid in {None, channel.channel_id}
        for index in (0, 1)
        if channel.sides[index].policy is not None
    ]
    return {
        "channels": [
            row for row in rows if source in {None, row["source"]} and destination in {None, row["destination"]}
        ]
    }


def _describe_node(view: NodeView, known: KnownNode) -> dict[str, object]:
    is_own = known.pubkey == view.pubkey
    return {
        "nodeid": known.pubkey,
        "alias": known.alias,
        "color": known.pubkey[:6],
        "last_timestamp": view.simulation.world.began_at_ns // NS_PER_S if is_own else known.last_update,
        "features": _FEATURES,
        "addresses": [],
    }


def _describe_direction(view: NodeView, channel: Channel, *, index: int) -> dict[str, object]:
    source, destination = channel.sides[index], channel.sides[1 - index]
    policy = view.see_policy(source) or PeerPolicy(
        base_fee_msat=0, fee_rate_ppm=0, time_lock_delta=0, min_htlc_msat=0, max_htlc_msat=0
    )
    direction = int(source.pubkey > destination.pubkey)
    return {
        "source": source.pubkey,
        "destination": destination.pubkey,
        "short_channel_id": scid_from_channel_id(channel.channel_id),
        "direction": direction,
        "public": not channel.private,
        "amount_msat": channel.capacity_sat * 1000,
        "message_flags": 1,
        "channel_flags": direction | (_DISABLED_FLAG if policy.disabled else 0),
        "active": not policy.disabled and channel.active,
        "last_update": policy.last_update or 0,
        "base_fee_millisatoshi": policy.base_fee_msat,
        "fee_per_millionth": policy.fee_rate_ppm,
        "delay": policy.time_lock_delta,
        "htlc_minimum_msat": policy.min_htlc_msat,
        "htlc_maximum_msat": policy.max_htlc_msat,
        "features": "",
    }
