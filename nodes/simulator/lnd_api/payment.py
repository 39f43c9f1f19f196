"""GET /v1/payments: of what a node pays this world knows its payments to itself."""

from typing import TypeAlias

from nodes.simulator.lnd_api.request import Request
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.view import NodeView
from nodes.simulator.world import RebalanceRecord

TOOK_NS = 3 * NS_PER_S
FINAL_DELTA, HOP_DELTA = 18, 80
BETWEEN_ID = 700_000 << 40 | 1 << 16  # of the hop between the two peers: somebody else's channel

Hop: TypeAlias = tuple[int, str, int, int, int]  # chan_id, pubkey, msat to forward, fee in msat, expiry


def list_payments(view: NodeView, request: Request) -> dict[str, object]:
    """Numbered from 1; all of them worked. The offset is exclusive; `reversed` is not spoken here."""
    offset, count = request.read_query_int("index_offset", 0), request.read_query_int("max_payments", 0)
    start_s, end_s = request.read_query_int("creation_date_start", 0), request.read_query_int("creation_date_end", 0)
    request.read_flag("include_incomplete")
    found = [
        (index, record)
        for index, record in enumerate(view.node.rebalances, start=1)
        if index > offset and start_s * NS_PER_S <= record.at_ns and (not end_s or record.at_ns <= end_s * NS_PER_S)
    ]
    page = found[:count] if count else found
    return {
        "payments": [_describe(view, record, index=index) for index, record in page],
        "first_index_offset": str(page[0][0] if page else 0),
        "last_index_offset": str(page[-1][0] if page else 0),
        "total_num_payments": "0",
    }


def _describe(view: NodeView, record: RebalanceRecord, *, index: int) -> dict[str, object]:
    fee_msat = record.fee_msat
    return {
        "payment_hash": record.payment_hash.hex(),
        "value": str(record.amount_msat // 1000),
        "creation_date": str(record.at_ns // NS_PER_S),
        "fee": str(fee_msat // 1000),
        "payment_preimage": record.payment_hash[::-1].hex(),
        "value_sat": str(record.amount_msat // 1000),
        "value_msat": str(record.amount_msat),
        "payment_request": "",
        "status": "SUCCEEDED",
        "fee_sat": str(fee_msat // 1000),
        "fee_msat": str(fee_msat),
        "creation_time_ns": str(record.at_ns - TOOK_NS),
        "htlcs": [_describe_htlc(view, record, attempt_id=index)],
        "payment_index": str(index),
        "failure_reason": "FAILURE_REASON_NONE",
        "first_hop_custom_records": {},
    }


def _describe_htlc(view: NodeView, record: RebalanceRecord, *, attempt_id: int) -> dict[str, object]:
    total_msat = record.amount_msat + record.fee_msat
    expiry = record.final_height + FINAL_DELTA
    peers = [
        view.simulation.channels[channel_id].seen_by(view.pubkey)[1].pubkey
        for channel_id in (record.outgoing_id, record.incoming_id)
    ]
    first_fee_msat = record.fee_msat // 2
    hops: tuple[Hop, ...] = (
        (record.outgoing_id, peers[0], total_msat - first_fee_msat, first_fee_msat, expiry + HOP_DELTA),
        (BETWEEN_ID, peers[1], record.amount_msat, record.fee_msat - first_fee_msat, expiry),
        (record.incoming_id, view.pubkey, record.amount_msat, 0, expiry),
    )
    return {
        "attempt_id": str(attempt_id),
        "status": "SUCCEEDED",
        "route": {
            "total_time_lock": expiry + 2 * HOP_DELTA,
            "total_fees": str(record.fee_msat // 1000),
            "total_amt": str(total_msat // 1000),
            "hops": [_describe_hop(hop) for hop in hops],
            "total_fees_msat": str(record.fee_msat),
            "total_amt_msat": str(total_msat),
            "first_hop_amount_msat": "0",
            "custom_channel_data": "",
        },
        "attempt_time_ns": str(record.at_ns - TOOK_NS),
        "resolve_time_ns": str(record.at_ns),
        "failure": None,
        "preimage": "",
    }


def _describe_hop(hop: Hop) -> dict[str, object]:
    chan_id, pubkey, forward_msat, fee_msat, expiry = hop
    return {
        "chan_id": str(chan_id),
        "chan_capacity": "0",
        "amt_to_forward": str(forward_msat // 1000),
        "fee": str(fee_msat // 1000),
        "expiry": expiry,
        "amt_to_forward_msat": str(forward_msat),
        "fee_msat": str(fee_msat),
        "pub_key": pubkey,
        "tlv_payload": True,
        "mpp_record": None,
        "amp_record": None,
        "custom_records": {},
        "metadata": "",
        "blinding_point": "",
        "encrypted_data": "",
        "total_amt_msat": "0",
    }
