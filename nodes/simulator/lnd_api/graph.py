"""GET /v1/graph/node/{pub_key} and /v1/graph/edge/{chan_id}"""

from nodes.engine.report import PeerPolicy
from nodes.simulator.lnd_api.error import Code, LndError
from nodes.simulator.lnd_api.info import COLOR
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.view import NodeView
from nodes.simulator.world import Channel, KnownNode
from nodes.sources.describegraph.writer import describe_policy

PUBKEY_DIGITS = 66


def get_node(view: NodeView, request: Request) -> dict[str, object]:
    """The sums are those of the whole graph; of a peer's channels only those with this fleet are known here and listed.

    As in LND, the list leaves out channels that are not announced; `num_channels` of the own node counts them.
    """
    pubkey = request.path["pub_key"]
    include_channels = request.read_flag("include_channels")
    if request.read_flag("include_auth_proof") and not include_channels:
        raise LndError(Code.UNKNOWN, "include_auth_proof depends on include_channels")
    if len(pubkey) != PUBKEY_DIGITS:
        raise LndError(Code.UNKNOWN, f"invalid vertex string length of {len(pubkey)}, want {PUBKEY_DIGITS}")
    known = view.simulation.known_nodes.get(pubkey)
    if known is None:
        raise LndError(Code.NOT_FOUND, "unable to find node")
    announced = [channel for channel in view.simulation.world.channels_of(pubkey) if not channel.private]
    own_channels = view.channels if pubkey == view.pubkey else None
    return {
        "node": _describe_node(view, known),
        "num_channels": known.channel_count if own_channels is None else len(own_channels),
        "total_capacity": str(
            known.capacity_sat if own_channels is None else sum(channel.capacity_sat for channel in own_channels)
        ),
        "channels": [describe_edge(view, channel) for channel in announced] if include_channels else [],
    }


def get_edge(view: NodeView, request: Request) -> dict[str, object]:
    """LND keeps its own unannounced channels in its graph too: they are answered here."""
    channel_id = request.read_path_uint64("chan_id")
    chan_point = request.query.get("chan_point", "")
    if not channel_id and not chan_point:
        raise LndError(Code.UNKNOWN, "specify either chan_id or chan_point")
    own_ids = {channel.channel_id for channel in view.channels}
    for channel in view.simulation.world.channels:
        is_meant = channel.channel_id == channel_id if channel_id else channel.chan_point == chan_point
        if is_meant and (not channel.private or channel.channel_id in own_ids):
            return describe_edge(view, channel)
    raise LndError(Code.NOT_FOUND, "edge not found")


def describe_edge(view: NodeView, channel: Channel) -> dict[str, object]:
    first, second = channel.sides
    policies = view.see_policy(first), view.see_policy(second)
    return {
        "channel_id": str(channel.channel_id),
        "chan_point": channel.chan_point,
        "last_update": max(map(_last_update, policies)),
        "node1_pub": first.pubkey,
        "node2_pub": second.pubkey,
        "capacity": str(channel.capacity_sat),
        "node1_policy": describe_policy(policies[0]),
        "node2_policy": describe_policy(policies[1]),
        "custom_records": {},
        "auth_proof": None,
    }


def _describe_node(view: NodeView, known: KnownNode) -> dict[str, object]:
    is_own = known.pubkey == view.pubkey
    return {
        "last_update": view.simulation.world.began_at_ns // NS_PER_S if is_own else known.last_update,
        "pub_key": known.pubkey,
        "alias": known.alias,
        "addresses": [],
        "color": COLOR,
        "features": {},
        "custom_records": {},
    }


def _last_update(policy: PeerPolicy | None) -> int:
    return (policy.last_update or 0) if policy else 0
