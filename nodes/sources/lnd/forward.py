"""Settled forwards, page by page from LND's own numbering: LND's words mapped to the cloud's."""

from nodes.sources.driver.driver import ForwardPage
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import MAX_UINT32, Fields, read_int32, read_objects, read_optional_uint64, read_uint64
from nodes.sources.driver.instant import format_instant
from nodes.sources.driver.short_channel_id import format_scid
from nodes.sources.lnd.client import Lnd

PAGE_EVENTS = 5_000  # LND gives up to 50,000, and counts from the first event for every page; a report takes 10,000
MAX_CURSOR_DIGITS = 10  # LND's index is 32 bits wide


def read_forwards(lnd: Lnd, cursor: str) -> ForwardPage:
    """The page after `cursor`, oldest first. Raises NodeError."""
    answer = lnd.list_forwards(read_cursor(cursor), PAGE_EVENTS)
    events = read_objects(answer, "forwarding_events")
    last = str(read_int32(answer, "last_offset_index")) if events else cursor
    return ForwardPage(events=[map_forward(event) for event in events], cursor=last, more=len(events) >= PAGE_EVENTS)


def read_cursor(cursor: str) -> int:
    is_index = cursor.isascii() and cursor.isdecimal() and len(cursor) <= MAX_CURSOR_DIGITS
    if not is_index or int(cursor) > MAX_UINT32:
        raise NodeError(f"the cursor {cursor} is no index of LND's forwards", fault=Fault.SETTING)
    return int(cursor)


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
