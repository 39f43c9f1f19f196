"""What an operation promises beside its shapes. `endpoint` describes a promise and keeps it, by the same word."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from drf_spectacular.utils import OpenApiParameter

from mcp_saas.api.etag import Waiver, answer_if_changed, write_if_unchanged
from mcp_saas.api.idempotency import HEADER, KEY_PATTERN, Idempotency, answer_once

Handler = TypeVar("Handler", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Promise:
    """The header a caller sends, the problems it can meet by it, and the wrapper that keeps the promise."""

    header: OpenApiParameter
    problems: frozenset[int]
    keep: Callable[[Any], Any]


def promise_one_effect(idempotency: Idempotency) -> Promise:
    header = OpenApiParameter(
        HEADER,
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": KEY_PATTERN},
        OpenApiParameter.HEADER,
        required=idempotency == "required",
        description="a UUID of the caller's; under the same one the same answer is given again, for 72 hours",
    )
    return Promise(header, frozenset({409, 422}), partial(answer_once, idempotency=idempotency))


REVALIDATION = Promise(
    OpenApiParameter(
        "If-None-Match",
        {"type": "string"},
        OpenApiParameter.HEADER,
        description="the ETag of an earlier answer: while it holds, 304",
    ),
    frozenset(),
    answer_if_changed,
)


def promise_no_lost_update(waiver: Waiver | None) -> Promise:
    header = OpenApiParameter(
        "If-Match",
        {"type": "string"},
        OpenApiParameter.HEADER,
        required=waiver is None,
        description="the ETag of the answer this change is based on, or * for whatever is there",
    )
    return Promise(header, frozenset({412, 428}), partial(write_if_unchanged, waiver=waiver))


def choose_promises(idempotency: Idempotency | None, *, is_tagged: bool, needs_match: bool | Waiver) -> list[Promise]:
    """The innermost first: a repeat is answered as before, whatever has changed since."""
    waiver = None if isinstance(needs_match, bool) else needs_match
    chosen = [promise_no_lost_update(waiver)] if needs_match else []
    return chosen + [REVALIDATION] * is_tagged + ([promise_one_effect(idempotency)] if idempotency else [])


def keep_promises(handler: Handler, promises: list[Promise]) -> Handler:
    for promise in promises:
        handler = promise.keep(handler)
    return handler
