"""The world in which charge-lnd was observed, as a snapshot of ours."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any

from nodes.engine.document import FeePolicy
from nodes.engine.prepare import NodeFacts
from nodes.engine.report import ChannelPolicy, ChannelState, NodeSnapshot, NodeState, PeerPolicy, PendingHtlc
from nodes.engine.short_channel_id import scid_from_channel_id
from nodes.engine.types import PeerPosition
from tests.unit.nodes.engine_builders import NOW

Json = dict[str, Any]
NO_POLICY = dict.fromkeys(("base", "ppm", "tld", "minh", "maxh", "ib", "ir"), 0) | {"dis": False}
TRANSACTION_VBYTES = 223
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
        onchain_fees={"2": rate} if (rate := find_sat_per_vbyte(world)) is not None else {},
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
        commit_fee_sat=channel.get("commit_fee", 0),
        initiator=channel.get("initiator", False),
        active=channel.get("active", False),
        private=channel.get("private", False),
        pending_htlcs=[
            PendingHtlc(
                incoming=htlc["incoming"],
                amount_sat=int(htlc["amount"]),
                expiration_height=htlc.get("expiration_height"),
            )
            for htlc in channel.get("pending_htlcs", [])
        ],
        own_policy=make_lnd_policy(policies["mine"], ChannelPolicy),
        peer_policy=make_lnd_policy(policies["peer"], PeerPolicy) if policies.get("peer") else None,
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


def find_sat_per_vbyte(world: Json) -> float | None:
    """What the world says, or what a rate that the original asked by `onchain_fee` (0.1 BTC) comes from."""
    if "sat_per_vbyte" in world:
        return float(world["sat_per_vbyte"])
    for name, text in world["configs"].items():
        for result in world["results"].get(name, {}).values():
            is_priced = result and result.get("strategy") == "onchain_fee" and result.get("fee_ppm")
            if is_priced and "onchain_fee_btc" not in text:
                return float((result["fee_ppm"] + 0.5) / (0.1 * TRANSACTION_VBYTES))
    return None


def find_flaws(world: Json) -> list[str]:
    """Why the file cannot be compared, each in a sentence: a part of it is missing or belongs to nothing."""
    missing = [
        f"the file has no {part!r}"
        for part in ("self_pubkey", "channels", "policies", "configs", "results")
        if part not in world
    ]
    return missing or [*_find_flaws_of_channels(world), *_find_flaws_of_results(world)]


def _find_flaws_of_channels(world: Json) -> Iterator[str]:
    needed = ("chan_id", "channel_point", "remote_pubkey", "capacity", "local_balance", "remote_balance")
    counts = Counter(channel.get("chan_id") for channel in world["channels"])
    yield from (f"channel {scid} is listed twice" for scid, count in counts.items() if count > 1)
    for number, channel in enumerate(world["channels"]):
        yield from (f"channel number {number} has no {name!r}" for name in needed if name not in channel)
        policies = world["policies"].get(str(channel.get("chan_id")))
        if not policies or not policies.get("mine"):
            yield f"channel number {number} ({channel.get('chan_id')}) has no policy of ours under policies/.../mine"
        for side, policy in (policies or {}).items():
            absent = sorted(NO_POLICY.keys() - policy.keys()) if policy else ()
            yield from (f"the policy {side!r} of channel {channel.get('chan_id')} has no {name!r}" for name in absent)


def _find_flaws_of_results(world: Json) -> Iterator[str]:
    known = {str(channel.get("chan_id")) for channel in world["channels"]}
    configs, results = world["configs"], world["results"]
    yield from (f"configuration {name!r} has no results" for name in configs if name not in results)
    yield from (f"results {name!r} belong to no configuration" for name in results if name not in configs)
    for name, decided in results.items():
        strange, silent = sorted(decided.keys() - known), sorted(known - decided.keys())
        yield from (f"results {name!r} speak of a channel {scid} that is not listed" for scid in strange)
        yield from (f"results {name!r} say nothing of channel {scid}" for scid in silent)
