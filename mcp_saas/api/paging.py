"""Opaque, signed cursors over rows ordered by one growing key: stable while rows are added."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Generic, TypeVar

from django.core.signing import BadSignature, Signer
from django.http import HttpRequest, HttpResponse

from mcp_saas.api.body import answer
from mcp_saas.kit.errors import Problem

Row = TypeVar("Row")
Item = TypeVar("Item")
DEFAULT_LIMIT, MAX_LIMIT = 50, 100
_WHOLE_NUMBER = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Window:
    """What the caller asked for: `after` is the key of the last row it has (None: from the beginning)."""

    limit: int
    after: str | None
    signer: Signer  # of this address: a cursor of another one says nothing here


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    items: list[Row]
    next_cursor: str | None

    def link(self, request: HttpRequest, *, limit: int) -> dict[str, str]:
        """The `Link: rel=next` header, or nothing on the last page."""
        if self.next_cursor is None:
            return {}
        query = request.GET.copy()
        query["cursor"] = self.next_cursor
        query["limit"] = str(limit)
        return {"Link": f'<{request.path}?{query.urlencode()}>; rel="next"'}


def read_window(request: HttpRequest) -> Window:
    """`limit` 1..100 and `cursor` of the query. Raises Problem 400."""
    limit = request.GET.get("limit", str(DEFAULT_LIMIT))
    if not (_WHOLE_NUMBER.fullmatch(limit) and 1 <= int(limit) <= MAX_LIMIT):
        raise Problem(400, "bad-limit", "Bad limit", detail=f"limit is a whole number from 1 to {MAX_LIMIT}")
    signer = Signer(salt=f"page-cursor:{request.path}")
    cursor = request.GET.get("cursor")
    if not cursor:
        return Window(int(limit), None, signer)
    try:
        return Window(int(limit), signer.unsign(cursor), signer)
    except BadSignature:
        raise Problem(400, "bad-cursor", "Bad cursor", detail="Use the cursor of the last answer as it is.") from None


def cut_page(rows: Iterable[Row], window: Window, *, key: Callable[[Row], object]) -> Page[Row]:
    """`rows` is the query from `window.after` on, at least `limit + 1` of them if there are that many."""
    found = list(rows)
    items = found[: window.limit]
    more = len(found) > window.limit
    return Page(items, window.signer.sign(str(key(items[-1]))) if more else None)


def answer_page(
    request: HttpRequest,
    find: Callable[..., Iterable[Row]],
    *,
    shape: Callable[[list[Item], str | None], object],
    describe: Callable[[Row], Item],
    key: Callable[[Row], object] = attrgetter("id"),
) -> HttpResponse:
    """A `shape(items, next_cursor)` of the window asked for; `find(after=, limit=)` gives rows in `key`'s order."""
    window = read_window(request)
    page = cut_page(find(after=window.after, limit=window.limit + 1), window, key=key)
    body = shape([describe(row) for row in page.items], page.next_cursor)
    return answer(body, headers=page.link(request, limit=window.limit))
