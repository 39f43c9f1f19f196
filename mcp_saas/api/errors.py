"""Every answer that is not 2xx is problem+json: ours, DRF's and Django's own."""

from typing import Any

import msgspec
import structlog
from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from psycopg.errors import LockNotAvailable
from rest_framework import exceptions

from mcp_saas.kit.crypto import KeyMissingError, SealError
from mcp_saas.kit.errors import Problem, not_found

log = structlog.get_logger(__name__)
PROBLEM_JSON = "application/problem+json"
CHALLENGE = 'Bearer realm="dazbox-cloud"'


def render_problem(problem: Problem, *, request_id: str) -> HttpResponse:
    body = msgspec.json.encode(problem.describe(instance=f"urn:uuid:{request_id}"))
    challenge = {"WWW-Authenticate": CHALLENGE} if problem.status == 401 else {}  # RFC 9110 wants it with every 401
    return HttpResponse(body, status=problem.status, content_type=PROBLEM_JSON, headers=challenge | problem.headers)


def handle_exception(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """DRF's hook. What it does not know goes up to ProblemMiddleware."""
    problem = as_problem(error)
    return render_problem(problem, request_id=context["request"].META["REQUEST_ID"]) if problem else None


def as_problem(error: BaseException) -> Problem | None:
    """The problem an exception stands for; None when it is a fault of ours."""
    match error:
        case Problem():
            problem: Problem | None = error
        case exceptions.APIException():
            problem = _translate_drf(error)
        case Http404() | PermissionDenied() | SuspiciousOperation():
            problem = _translate_django(error)
        case SealError():
            problem = _refuse_to_open(error)
        case OperationalError() | InterfaceError():
            problem = _database_away(error)
        case _:
            problem = None
    return problem


def _translate_drf(error: exceptions.APIException) -> Problem:
    titles = {
        401: ("unauthenticated", "Sign in first"),
        403: ("forbidden", "Not allowed"),
        404: ("not-found", "Not found"),
        405: ("method-not-allowed", "Method not allowed"),
        406: ("not-acceptable", "No such representation"),
        415: ("unsupported-media-type", "Media type not supported"),
        429: ("too-many-requests", "Too many requests"),
    }
    code, title = titles.get(error.status_code, ("bad-request", "Bad request"))
    return Problem(error.status_code, code, title, detail=str(error.detail))


def _translate_django(error: Http404 | PermissionDenied | SuspiciousOperation) -> Problem:
    if isinstance(error, Http404):
        return not_found()
    if isinstance(error, PermissionDenied):
        return Problem(403, "forbidden", "Not allowed")
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "too-large", "Body too large")
    return Problem(400, "bad-request", "Bad request")


def _refuse_to_open(error: SealError) -> Problem:
    """What is wrong stands in the log: it names tables and rows."""
    log.error("not_opened", error=type(error).__name__, detail=str(error))
    if isinstance(error, KeyMissingError):
        return Problem(503, "keys-missing", "The data cannot be opened", detail="A key is missing. It was recorded.")
    return Problem(
        500, "seal-broken", "The data cannot be opened", detail="A stored value was changed. It was recorded."
    )


def _database_away(error: Exception) -> Problem:
    if isinstance(error.__cause__, LockNotAvailable):
        return _busy()
    log.error("database_away", error=type(error).__name__)
    problem = Problem(
        503, "unavailable", "For a moment out of service", detail="The database does not answer. Try again."
    )
    problem.headers["Retry-After"] = "5"
    return problem


def _busy() -> Problem:
    """The database answers: somebody else is at the same rows for longer than anybody waits."""
    problem = Problem(429, "busy", "Busy with others", detail="What this changes is being changed. Try again.")
    problem.headers["Retry-After"] = "2"
    return problem


def answer_unknown_route(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_problem(not_found(f"No such address: {request.path}"), request_id=request.META["REQUEST_ID"])


def answer_bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_problem(Problem(400, "bad-request", "Bad request"), request_id=request.META["REQUEST_ID"])


def answer_forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render_problem(Problem(403, "forbidden", "Not allowed"), request_id=request.META["REQUEST_ID"])


def answer_server_error(request: HttpRequest) -> HttpResponse:
    problem = Problem(
        500, "internal", "Internal error", detail="It was recorded. Name the instance when you ask about it."
    )
    return render_problem(problem, request_id=request.META.get("REQUEST_ID", "00000000-0000-0000-0000-000000000000"))
