"""listforwards"""

import itertools
from collections.abc import Iterable

from nodes.engine.short_channel_id import scid_from_channel_id
from nodes.simulator.cln_api.error import Code, RpcError
from nodes.simulator.cln_api.params import Params
from nodes.simulator.traffic import NS_PER_S
from nodes.simulator.view import NodeView
from nodes.simulator.world import ForwardRecord, InFlight

STATUSES = ("offered", "settled", "local_failed", "failed")
INDEXES = ("created", "updated")
_TEMPORARY_CHANNEL_FAILURE = {"failcode": 4103, "failreason": "WIRE_TEMPORARY_CHANNEL_FAILURE"}

Row = dict[str, object]


def list_forwards(view: NodeView, params: Params) -> dict[str, object]:
    """By `created_index` as they came in, or by `updated_index` as they were over: a payment that failed here at once,
    or is still under way, has none."""
    status = params.read_choice("status", STATUSES)
    channels = {name: params.read_scid(name) for name in ("in_channel", "out_channel")}
    index = params.read_choice("index", INDEXES)
    start, limit = params.read_u64("start"), params.read_u32("limit")
    _check_combination(index, channels.values(), bounds=(start, limit))
    rows = _describe_all(view)
    if index == "updated":
        rows = [row for row in rows if "updated_index" in row]
    key = f"{index or 'created'}_index"
    rows.sort(key=lambda row: _number(row, key))
    wanted = {name: scid_from_channel_id(scid) for name, scid in channels.items() if scid is not None}
    if status is not None:
        wanted["status"] = status
    matching = (
        row
        for row in rows
        if _number(row, key) >= (start or 0) and all(row.get(name) == value for name, value in wanted.items())
    )
    return {"forwards": list(itertools.islice(matching, limit))}


def _check_combination(index: str | None, channels: Iterable[int | None], *, bounds: tuple[int | None, ...]) -> None:
    if index is None and any(bound is not None for bound in bounds):
        raise RpcError(Code.INVALID_PARAMS, "Can only specify {start} or {limit} with {index}")
    if index is not None and any(channel is not None for channel in channels):
        raise RpcError(Code.INVALID_PARAMS, "Cannot use {index} with {in_channel} or {out_channel}")


def _number(row: Row, key: str) -> int:
    value = row[key]
    return value if isinstance(value, int) else 0


def _describe_all(view: NodeView) -> list[Row]:
    """The history stands in the order in which payments were over."""
    updates = itertools.count(1)
    rows = [
        _describe_record(record, updated_index=None if record.status == "local_failed" else next(updates))
        for record in view.node.history
    ]
    under_way = [_describe_offered(htlc) for htlc in view.simulation.world.in_flight if htlc.pubkey == view.pubkey]
    return rows + under_way


def _describe_record(record: ForwardRecord, *, updated_index: int | None) -> Row:
    row = _describe_arrival(record) | {"status": record.status, "received_time": record.received_at_ns / NS_PER_S}
    if record.status == "local_failed":
        return row | _TEMPORARY_CHANNEL_FAILURE
    row |= {
        "updated_index": updated_index,
        "out_msat": record.out_msat,
        "fee_msat": record.in_msat - record.out_msat,
        "resolved_time": record.at_ns / NS_PER_S,
    }
    if record.status == "failed":
        return row
    return row | {"in_htlc_id": record.incoming_htlc, "out_htlc_id": record.outgoing_htlc}


def _describe_offered(htlc: InFlight) -> Row:
    return _describe_arrival(htlc) | {
        "in_htlc_id": htlc.incoming_htlc,
        "out_htlc_id": htlc.outgoing_htlc,
        "out_msat": htlc.out_msat,
        "fee_msat": htlc.in_msat - htlc.out_msat,
        "status": "offered",
        "received_time": htlc.received_at_ns / NS_PER_S,
    }


def _describe_arrival(forward: ForwardRecord | InFlight) -> Row:
    return {
        "created_index": forward.arrival,
        "in_channel": scid_from_channel_id(forward.incoming_id),
        "in_msat": forward.in_msat,
        "out_channel": scid_from_channel_id(forward.outgoing_id),
        "style": "tlv",
    }
