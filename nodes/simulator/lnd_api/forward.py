"""POST /v1/switch and GET /v1/fees"""

import itertools
from typing import Annotated

from msgspec import Meta, Struct

from nodes.simulator.lnd_api.request import Request
from nodes.simulator.traffic import DAY_NS, NS_PER_S
from nodes.simulator.view import NodeView
from nodes.simulator.world import ForwardRecord

DEFAULT_EVENTS, MAX_EVENTS = 100, 50_000
MONTH_DAYS = 30

Uint32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]
Uint64 = Annotated[int, Meta(ge=0)]


class ForwardingHistoryRequest(Struct, forbid_unknown_fields=True, kw_only=True):
    start_time: Uint64 = 0
    end_time: Uint64 = 0
    index_offset: Uint32 = 0
    num_max_events: Uint32 = 0
    peer_alias_lookup: bool = False
    incoming_chan_ids: list[Uint64] = []
    outgoing_chan_ids: list[Uint64] = []


def list_forwards(view: NodeView, request: Request) -> dict[str, object]:
    """The offset counts the events of the times and channels asked for; `last_offset_index` is where to go on."""
    query = request.read_body(ForwardingHistoryRequest)
    end_ns = query.end_time * NS_PER_S if query.end_time else view.now_ns
    matching = (
        record
        for record in view.settled
        if query.start_time * NS_PER_S <= record.at_ns <= end_ns
        and (not query.incoming_chan_ids or record.incoming_id in query.incoming_chan_ids)
        and (not query.outgoing_chan_ids or record.outgoing_id in query.outgoing_chan_ids)
    )
    count = min(query.num_max_events or DEFAULT_EVENTS, MAX_EVENTS)
    page = list(itertools.islice(matching, query.index_offset, query.index_offset + count))
    return {
        "forwarding_events": [_describe_event(view, record, look_up_alias=query.peer_alias_lookup) for record in page],
        "last_offset_index": query.index_offset + len(page),
    }


def report_fees(view: NodeView, _: Request) -> dict[str, object]:
    sums = {
        name: sum(
            record.in_msat - record.out_msat for record in view.settled if record.at_ns >= view.now_ns - days * DAY_NS
        )
        for name, days in (("day_fee_sum", 1), ("week_fee_sum", 7), ("month_fee_sum", MONTH_DAYS))
    }
    reports = []
    for channel in view.channels:
        policy = channel.seen_by(view.pubkey)[0].policy
        if policy is not None:
            reports.append({
                "chan_id": str(channel.channel_id),
                "channel_point": channel.chan_point,
                "base_fee_msat": str(policy.base_fee_msat),
                "fee_per_mil": str(policy.fee_rate_ppm),
                "fee_rate": policy.fee_rate_ppm / 1_000_000,
                "inbound_base_fee_msat": policy.inbound_base_fee_msat,
                "inbound_fee_per_mil": policy.inbound_fee_rate_ppm,
            })
    return {"channel_fees": reports, **{name: str(sum_msat // 1000) for name, sum_msat in sums.items()}}


def _describe_event(view: NodeView, record: ForwardRecord, *, look_up_alias: bool) -> dict[str, object]:
    fee_msat = record.in_msat - record.out_msat
    return {
        "timestamp": str(record.at_ns // NS_PER_S),
        "timestamp_ns": str(record.at_ns),
        "chan_id_in": str(record.incoming_id),
        "chan_id_out": str(record.outgoing_id),
        "amt_in": str(record.in_msat // 1000),
        "amt_out": str(record.out_msat // 1000),
        "fee": str(fee_msat // 1000),
        "fee_msat": str(fee_msat),
        "amt_in_msat": str(record.in_msat),
        "amt_out_msat": str(record.out_msat),
        "peer_alias_in": _find_peer_alias(view, record.incoming_id) if look_up_alias else "",
        "peer_alias_out": _find_peer_alias(view, record.outgoing_id) if look_up_alias else "",
        "incoming_htlc_id": str(record.incoming_htlc),
        "outgoing_htlc_id": str(record.outgoing_htlc),
    }


def _find_peer_alias(view: NodeView, channel_id: int) -> str:
    _, peer = view.simulation.channels[channel_id].seen_by(view.pubkey)
    return view.find_alias(peer.pubkey)
