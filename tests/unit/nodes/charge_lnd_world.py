"""The world in which charge-lnd was observed, as a snapshot of ours."""

import datetime as dt
from typing import Any

from nodes.engine.document import FeePolicy
from nodes.engine.prepare import NodeFacts
from nodes.engine.report import ChannelPolicy, ChannelState, NodeSnapshot, NodeState, PeerPolicy, PendingHtlc
from nodes.engine.short_channel_id import scid_from_channel_id
from nodes.engine.types import PeerPosition
from tests.unit.nodes.engine_builders import NOW

Json = dict[str, Any]
LONG_AGO = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)
PEER = PeerPosition(
    channel_count=30,
    capacity_sat=60_000_000,
    betweenness=0.0,
    betweenness_rank=1,
    node_count=1,
    market_fee_rate_ppm=None,
)


def make_facts(world: Json, policy: FeePolicy) -> NodeFacts:
    """Every peer has 30 channels and 60,000,000 sat; nothing was forwarded, and that is known."""
    node = NodeState(
        alias="self",
        implementation="lnd",
        version="0.18",
        block_height=world.get("height", 920_000),
        synced_to_chain=True,
        onchain_fees={"2": world["sat_per_vbyte"]} if "sat_per_vbyte" in world else {},
    )
    channels = [
        make_channel_state(channel, world["policies"][str(channel["chan_id"])]) for channel in world["channels"]
    ]
    return NodeFacts(
        snapshot=NodeSnapshot(seq=1, taken_at=NOW, node=node, channels=channels),
        forwards=[],
        history_since=LONG_AGO,
        policy=policy,
        own_pubkey=world["self_pubkey"],
        positions={channel.peer_pubkey: PEER for channel in channels},
    )


def make_channel_state(channel: Json, policies: Json) -> ChannelState:
    """LND's names; what the original's LND did not report is its default there: no reserve, no opening transaction."""
    remote, local = channel.get("remote_constraints", {}), channel.get("local_constraints", {})
    return ChannelState(
        short_channel_id=scid_from_channel_id(channel["chan_id"]),
        channel_point=channel["channel_point"],
        peer_pubkey=channel["remote_pubkey"],
        capacity_sat=channel["capacity"],
        local_balance_sat=channel["local_balance"],
        remote_balance_sat=channel["remote_balance"],
        commit_fee_sat=channel["commit_fee"],
        initiator=channel["initiator"],
        active=channel["active"],
        private=channel["private"],
        pending_htlcs=[
            PendingHtlc(
                incoming=htlc["incoming"],
                amount_sat=int(htlc["amount"]),
                expiration_height=htlc.get("expiration_height"),
            )
            for htlc in channel.get("pending_htlcs", [])
        ],
        own_policy=make_lnd_policy(policies["mine"], ChannelPolicy),
        peer_policy=make_lnd_policy(policies["peer"], PeerPolicy) if policies["peer"] else None,
        remote_reserve_sat=int(remote.get("chan_reserve_sat", 0)),
        lowest_htlc_msat=int(local["min_htlc_msat"]) if "min_htlc_msat" in local else None,
        highest_htlc_msat=int(local["max_pending_amt_msat"]) if "max_pending_amt_msat" in local else None,
        opening_fee_sat=0,
    )


def make_lnd_policy(policy: Json, shape: type[ChannelPolicy]) -> ChannelPolicy:
    return shape(
        base_fee_msat=policy["base"],
        fee_rate_ppm=policy["ppm"],
        time_lock_delta=policy["tld"],
        min_htlc_msat=policy["minh"],
        max_htlc_msat=policy["maxh"],
        disabled=policy["dis"],
        inbound_base_fee_msat=policy["ib"],
        inbound_fee_rate_ppm=policy["ir"],
    )
