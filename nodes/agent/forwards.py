"""Settled forwards, page by page from LND's own numbering: LND's words mapped to the cloud's."""

import datetime as dt
from dataclasses import dataclass

from nodes.agent.field import Fields, read_int32, read_objects, read_optional_uint64, read_uint64
from nodes.agent.lnd import Lnd
from nodes.agent.snapshot import format_scid

PAGE_EVENTS = 1_000
NS_PER_S = 10**9


@dataclass(frozen=True, kw_only=True)
class ForwardPage:
    events: list[dict[str, object]]
    cursor: str  # LND's index to go on from
    more: bool


def read_forwards(lnd: Lnd, cursor: str) -> ForwardPage:
    """The page after `cursor`, oldest first. Raises NodeError."""
    answer = lnd.list_forwards(int(cursor), PAGE_EVENTS)
    events = read_objects(answer, "forwarding_events")
    last = str(read_int32(answer, "last_offset_index")) if events else cursor
    return ForwardPage(events=[map_forward(event) for event in events], cursor=last, more=len(events) >= PAGE_EVENTS)


def map_forward(event: Fields) -> dict[str, object]:
    """LND's history holds settled forwards only."""
    return {
        "id": identify_forward(event),
        "incoming_scid": format_scid(read_uint64(event, "chan_id_in")),
        "outgoing_scid": format_scid(read_uint64(event, "chan_id_out")),
        "in_msat": read_uint64(event, "amt_in_msat"),
        "out_msat": read_uint64(event, "amt_out_msat"),
        "fee_msat": read_uint64(event, "fee_msat"),
        "settled_at": format_instant(read_uint64(event, "timestamp_ns")),
        "status": "settled",
    }


def identify_forward(event: Fields) -> str:
    """The same event has the same id at every reading.

    What LND forwarded before 0.20 has no HTLC number, then and now: there the outgoing side takes its place.
    """
    arrival = f"{read_uint64(event, 'timestamp_ns')}:{read_uint64(event, 'chan_id_in')}"
    htlc_id = read_optional_uint64(event, "incoming_htlc_id")
    if htlc_id is not None:
        return f"{arrival}:{htlc_id}"
    return f"{arrival}:{read_uint64(event, 'chan_id_out')}:{read_uint64(event, 'amt_out_msat')}"


def format_instant(timestamp_ns: int) -> str:
    """RFC 3339 in UTC, to the microsecond, without going through a float."""
    whole = dt.datetime.fromtimestamp(timestamp_ns // NS_PER_S, dt.UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{timestamp_ns % NS_PER_S // 1000:06d}Z"
