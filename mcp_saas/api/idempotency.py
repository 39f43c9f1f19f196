"""One POST, one effect: what was answered under an Idempotency-Key is answered again, byte for byte, for 72 hours.

The answer is written in the transaction of the work, in the schema and by the role that do the work: there is no moment
at which one is there without the other. A view opts in with `endpoint(..., idempotency="required")` or "optional".
"""

import datetime as dt
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar, cast
from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from mcp_saas.api.auth import Principal
from mcp_saas.api.body import read_bytes
from mcp_saas.api.lock import try_lock_name
from mcp_saas.api.models import StoredAnswer
from mcp_saas.api.sealing import open_answer, seal_answer
from mcp_saas.kit.errors import Problem

Idempotency = Literal["required", "optional"]
Handler = TypeVar("Handler", bound=Callable[..., Any])
HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
KEY_PATTERN = r"^[!-~]{1,255}$"
RETENTION = dt.timedelta(hours=72)
_PURGED_AT_ONCE = 100
_KEY = re.compile(KEY_PATTERN)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request under a key: which row it concerns, and what it says."""

    key: str
    row_id: bytes
    fingerprint: bytes


def answer_once(handler: Handler, *, idempotency: Idempotency) -> Handler:
    """The handler in one transaction with its stored answer. A problem it raises undoes both and is not stored.

    Raises Problem 400 for a missing or malformed key, 409 while the first request is at it, 422 for another payload.
    """

    @wraps(handler)
    def handle(view: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
        attempt = read_attempt(request, idempotency=idempotency)
        if attempt is None:
            return handler(view, request, *args, **kwargs)
        with transaction.atomic():
            _enter_alone(attempt)
            known = _find_answer(attempt)
            if known is not None:
                return known
            response: HttpResponse = handler(view, request, *args, **kwargs)
            _store_answer(attempt, response, concerns=view.concerns)
        return response

    return cast(Handler, handle)


def read_attempt(request: Request, *, idempotency: Idempotency) -> Attempt | None:
    """None without a key where none is required. Raises Problem 400."""
    key = request.headers.get(HEADER)
    if key is None:
        if idempotency == "optional":
            return None
        raise Problem(
            400,
            "idempotency-key-missing",
            "Idempotency-Key is missing",
            detail=f"Send {HEADER} with a new UUID, and the same one when you repeat the request.",
        )
    if not _KEY.fullmatch(key):
        raise Problem(
            400,
            "idempotency-key-invalid",
            "Idempotency-Key is not valid",
            detail=f"{HEADER} is 1 to 255 printable ASCII characters without spaces; a UUID is best.",
        )
    match = request._request.resolver_match  # noqa: SLF001 - DRF hands on no route
    scope = (*_name_caller(request), match.route if match else "", key)
    said = (key, request.get_full_path(), request.content_type, hashlib.sha256(read_bytes(request)).hexdigest())
    return Attempt(key, _digest(*scope), _digest(*said))


def purge_answers(*, limit: int) -> int:
    """Of the schema we are in: answers past their time go, those a neighbour is removing are left to it. How many."""
    with transaction.atomic():
        past = StoredAnswer.objects.filter(created_at__lte=timezone.now() - RETENTION)
        ids = list(past.select_for_update(skip_locked=True).values_list("id", flat=True)[:limit])
        return StoredAnswer.objects.filter(id__in=ids).delete()[0] if ids else 0


def _name_caller(request: Request) -> tuple[str, str]:
    caller = request.user
    return (str(caller.tenant_id), caller.subject) if isinstance(caller, Principal) else ("", "")


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


def _enter_alone(attempt: Attempt) -> None:
    """A lock until the transaction ends, whatever ends it: a second request under the key is told to wait."""
    if not try_lock_name(attempt.row_id.hex()):
        problem = Problem(
            409,
            "idempotency-in-flight",
            "The first request is still in work",
            detail=f"A request with this {HEADER} is being answered. Repeat it in a moment.",
        )
        problem.headers["Retry-After"] = "1"
        raise problem


def _find_answer(attempt: Attempt) -> HttpResponse | None:
    row = StoredAnswer.objects.filter(id=attempt.row_id, created_at__gt=timezone.now() - RETENTION).first()
    if row is None:
        return None
    if bytes(row.fingerprint) != attempt.fingerprint:
        raise Problem(
            422,
            "idempotency-key-reused",
            "Idempotency-Key was used for something else",
            detail=f"Take a new {HEADER}: this one belongs to a request with another address or body.",
        )
    response = open_answer(bytes(row.sealed), attempt.key, row_id=attempt.row_id)
    if response is None:
        raise Problem(
            409,
            "idempotency-answer-gone",
            "The answer cannot be read any more",
            detail="The request was carried out once. Look at what it made instead of repeating it.",
        )
    response[REPLAYED] = "true"
    return response


def _store_answer(attempt: Attempt, response: HttpResponse, *, concerns: UUID | None) -> None:
    """Makes room first."""
    purge_answers(limit=_PURGED_AT_ONCE)
    sealed = seal_answer(response, attempt.key, row_id=attempt.row_id)
    said = {"fingerprint": attempt.fingerprint, "sealed": sealed, "created_at": timezone.now(), "concerns": concerns}
    row = StoredAnswer(id=attempt.row_id, **said)
    StoredAnswer.objects.bulk_create([row], update_conflicts=True, unique_fields=["id"], update_fields=[*said])
