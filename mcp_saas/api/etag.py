"""Reads that say when nothing has changed, writes that say what they replace (RFC 9110, section 13).

The tag is a hash of the answer itself. A view opts in with `endpoint(..., is_tagged=True)` on its `get` and
`endpoint(..., needs_match=True)` on its `put`, which must answer in the same shape. A view that writes what another
one shows, one step up in the path, names that view as `replaces`.
"""

import base64
import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from django.db import transaction
from django.http import HttpResponse, HttpResponseNotModified
from django.utils.encoding import escape_uri_path
from django.utils.http import parse_etags
from rest_framework.request import Request

from mcp_saas.api.lock import lock_name
from mcp_saas.kit.errors import Problem

Handler = TypeVar("Handler", bound=Callable[..., Any])
Waiver = Callable[[Request], bool]
_REVALIDATE = "private, no-cache"  # keep it, but ask before using it


def answer_if_changed(handler: Handler) -> Handler:
    """A 200 gets an ETag; the same one in If-None-Match makes it a 304 without a body."""

    @wraps(handler)
    def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = handler(view, request, *args, **kwargs)
        return spare_known(response, request.headers.get("If-None-Match", ""))

    return cast(Handler, handle)


def spare_known(response: HttpResponse, if_none_match: str) -> HttpResponse:
    """The answer with its tag, or the news that there is none."""
    tag = tag_of(response)
    if is_known(tag, if_none_match):
        response = HttpResponseNotModified()
    response["ETag"] = tag
    response.headers.setdefault("Cache-Control", _REVALIDATE)
    return response


def is_known(tag: str, if_none_match: str) -> bool:
    """Whether the caller has the answer of this tag."""
    return bool(if_none_match) and bool({_as_strong(given) for given in parse_etags(if_none_match)} & {tag, "*"})


def write_if_unchanged(handler: Handler, *, waiver: Waiver | None = None) -> Handler:
    """Runs only for a caller that knows what it replaces; writers of one address go in one after the other.

    `waiver` says which requests may come without If-Match. Raises Problem 428 for others without it, 412 when it names
    another state than the present one.
    """

    @wraps(handler)
    def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        shown = getattr(view, "replaces", None)
        with transaction.atomic():
            path = request.path.rpartition("/")[0] if shown else request.path
            lock_name(escape_uri_path(path))  # PostgreSQL takes no NUL
            expected = _read_expected(request, waiver)
            present = tag_of((shown() if shown else view).get(request, *args, **kwargs))
            if not {present, "*"} & expected:
                raise _explain_change(present)
            response: HttpResponse = handler(view, request, *args, **kwargs)
            response["ETag"] = tag_of(shown().get(request, *args, **kwargs) if shown else response)
        return response

    return cast(Handler, handle)


def tag_of(response: HttpResponse) -> str:
    """A strong tag: as many bytes of its SHA-256 as make chance out of the question."""
    known: str = response.headers.get("ETag", "")
    if known:
        return known
    digest = hashlib.sha256(response.content).digest()[:18]
    return f'"{base64.urlsafe_b64encode(digest).decode()}"'


def _as_strong(tag: str) -> str:
    return tag.removeprefix("W/")


def _read_expected(request: Request, waiver: Waiver | None) -> set[str]:
    given = request.headers.get("If-Match")
    if given is None and waiver is not None and waiver(request):
        return {"*"}
    if given is None:
        raise Problem(
            428,
            "precondition-required",
            "If-Match is missing",
            detail="Read it first and send its ETag in If-Match, so that nobody else's change is lost.",
        )
    return set(parse_etags(given))


def _explain_change(present: str) -> Problem:
    problem = Problem(
        412,
        "precondition-failed",
        "It has changed",
        detail="Read it again: the state If-Match names is not the present.",
    )
    problem.headers["ETag"] = present
    return problem
