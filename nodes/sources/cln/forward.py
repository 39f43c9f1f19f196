"""Forwards that are over, page by page: Core Lightning's words mapped to the cloud's.

Core Lightning counts twice: `created_index` as payments come in, `updated_index` as they are over. Read by the first, a
page could hold payments still under way and pass them by for good. So what settled, or failed further on, is read by
the second; what failed here, which is never updated, by the first. The cursor holds where both go on.
"""

from nodes.sources.cln.client import Cln
from nodes.sources.driver.driver import ForwardPage
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import Fields, read_integer, read_objects, read_text, wrong_field
from nodes.sources.driver.instant import NS_PER_S, format_instant

PAGE_EVENTS = 5_000  # of each kind; a report takes 10,000
INDEX_BITS = 32
MAX_CURSOR_DIGITS = 20
FIRST_INDEX = 1
MICROSECONDS = 10**6
MAX_TIME_S = 2**36  # the year 4147: what is later is no time


def read_forwards(cln: Cln, cursor: str) -> ForwardPage:
    """The page after `cursor`, in two calls. Raises NodeError."""
    updated, created = split_cursor(cursor)
    resolved = read_objects(cln.list_resolved(updated, PAGE_EVENTS), "forwards")
    failed = read_objects(cln.list_failed_here(created, PAGE_EVENTS), "forwards")
    events = [event for forward in [*resolved, *failed] if (event := map_forward(forward)) is not None]
    return ForwardPage(
        events=sorted(events, key=lambda event: str(event["settled_at"])),
        cursor=join_cursor(
            find_next(resolved, "updated_index", start=updated), find_next(failed, "created_index", start=created)
        ),
        more=max(len(resolved), len(failed)) >= PAGE_EVENTS,
    )


def split_cursor(cursor: str) -> tuple[int, int]:
    """(next updated_index, next created_index)"""
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= MAX_CURSOR_DIGITS) or int(cursor) >= 2**64:
        raise NodeError(f"the cursor {cursor} is no place in Core Lightning's forwards", fault=Fault.SETTING)
    updated, created = divmod(int(cursor), 1 << INDEX_BITS)
    return max(updated, FIRST_INDEX), max(created, FIRST_INDEX)


def join_cursor(updated: int, created: int) -> str:
    if max(updated, created) >= 1 << INDEX_BITS:
        raise NodeError("the node counts more forwards than a cursor holds", fault=Fault.GARBLED)
    return str(updated << INDEX_BITS | created)


def find_next(forwards: list[Fields], index: str, *, start: int) -> int:
    return max((read_integer(forward, index) + 1 for forward in forwards), default=start)


def map_forward(forward: Fields) -> dict[str, object] | None:
    """None: Core Lightning kept too little of it, as of old forwards and of those to a channel that there is not.

    Of a payment that failed here nothing went out, and no fee was earned by one that failed.
    """
    status = read_text(forward, "status")
    over_at = read_instant(forward, "received_time" if status == "local_failed" else "resolved_time")
    incoming, outgoing = forward.get("in_channel"), forward.get("out_channel")
    if status == "offered" or over_at is None or not isinstance(incoming, str) or not isinstance(outgoing, str):
        return None
    return {
        "id": f"{read_integer(forward, 'created_index')}:{incoming}",
        "incoming_scid": incoming,
        "outgoing_scid": outgoing,
        "in_msat": read_integer(forward, "in_msat"),
        "out_msat": read_integer(forward, "out_msat") if "out_msat" in forward else 0,
        "fee_msat": read_integer(forward, "fee_msat") if status == "settled" else 0,
        "settled_at": over_at,
        "status": status,
    }


def read_instant(forward: Fields, name: str) -> str | None:
    """From seconds with a fraction, to the microsecond; None: not told, or 0 as of old forwards."""
    seconds = forward.get(name)
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_TIME_S:
        raise wrong_field(name, "a time in seconds")
    return format_instant(round(seconds * MICROSECONDS) * (NS_PER_S // MICROSECONDS)) if seconds else None
