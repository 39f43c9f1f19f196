"""Reading what a node paid to itself: how far back, and what is read again."""

from collections.abc import Iterator
from typing import NamedTuple

from nodes.sources.driver.driver import Driver
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import MAX_UINT64

LOOK_BACK_S = 100 * 86_400  # advice looks back 90 days
UNDER_WAY_S = 86_400  # payments are begun, and under way for some time


class Told(NamedTuple):
    """What is to be stored together: parts, where the next reading begins, and whether that is all there is."""

    events: list[dict[str, object]]
    cursor: str
    is_all: bool


def walk_rebalances(driver: Driver, cursor: str, *, now_s: float, max_pages: int) -> Iterator[Told]:
    """From `cursor` on, page by page. Ends where there is no more, after so many pages, or where the node is silent."""
    kept = cursor
    for _ in range(max_pages):
        page = driver.read_rebalances(cursor, now_s=now_s)
        if page is None:
            return
        kept = page.kept_cursor or kept
        yield Told(page.events, kept, is_all=not page.more)
        if not page.more or page.cursor == cursor:
            return
        cursor = page.cursor


def read_place(cursor: str) -> int:
    """Raises NodeError."""
    if not (cursor.isascii() and cursor.isdecimal() and len(cursor) <= len(str(MAX_UINT64))):
        raise NodeError(f"the cursor {cursor} is no place among the node's payments", fault=Fault.SETTING)
    return int(cursor)
