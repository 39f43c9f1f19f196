"""Around every request: its id, and the promise that errors are problem+json."""

import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from mcp_saas.api.body import drop_body
from mcp_saas.api.errors import as_problem, render_problem
from mcp_saas.api.openapi import OPERATION
from mcp_saas.kit.metrics import note_request

Handler = Callable[[HttpRequest], HttpResponse]
REQUEST_ID_HEADER = "HTTP_X_REQUEST_ID"  # in the words of WSGI
_REQUEST_ID = re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")


class RequestIdMiddleware:
    """Takes a caller's X-Request-Id if it is a UUID, else makes one; says it back and binds it to every log line."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = choose_request_id(request.META.get(REQUEST_ID_HEADER, ""))
        request.META["REQUEST_ID"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


def choose_request_id(given: str) -> str:
    """The caller's, if it is a UUID; else a new one."""
    lowered = given.lower()
    return lowered if _REQUEST_ID.match(lowered) else str(uuid.uuid4())


class MetricsMiddleware:
    """Counts every answer, and how long it took until it began."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started_s = time.perf_counter()
        response = self.get_response(request)
        seconds = time.perf_counter() - started_s
        note_request(name_operation(request), status=response.status_code, seconds=seconds)
        return response


def name_operation(request: HttpRequest) -> str:
    """As the OpenAPI document names it; `admin`, or `other` for the rest: what strangers ask for names no series."""
    match = request.resolver_match
    if match is None:
        return "other"
    if match.app_names[:1] == ["admin"]:
        return "admin"
    method = "get" if request.method == "HEAD" else (request.method or "").lower()
    return str(getattr(getattr(getattr(match.func, "cls", None), method, None), OPERATION, "other"))


class BodyMiddleware:
    """A body is let go of as soon as it is answered."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            return self.get_response(request)
        finally:
            drop_body(request)


class ProblemMiddleware:
    """Exceptions that are the caller's or the moment's become problems; the rest goes on to Django's handler500."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        problem = as_problem(exception)
        return render_problem(problem, request_id=request.META["REQUEST_ID"]) if problem else None
