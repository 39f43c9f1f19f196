"""Kept answers, given before Django is asked: the way through it and back costs more than all that is left to do.

What stands here decides nothing of its own. Token, standing, scope, limit, name of the answer, its keys and its tag are
judged by the functions the views use, and the headers around it are the middleware's. Whoever is not served is passed
on as he came, uncounted: Django says why, or makes the answer.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar, Final, NamedTuple, Protocol, cast

import structlog
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import Principal, RequireScope
from mcp_saas.api.etag import is_known, spare_known
from mcp_saas.api.frame import Arrival, Frames, read_arrival
from mcp_saas.api.middleware import REQUEST_ID_HEADER, choose_request_id
from mcp_saas.api.openapi import OPERATION
from mcp_saas.api.rate_limit import describe_verdict, set_toll
from mcp_saas.kit.crypto import SealError
from mcp_saas.kit.errors import Problem
from mcp_saas.kit.gcra import Toll, Verdict
from mcp_saas.kit.metrics import note_request
from tenants.api.authentication import recognise
from tenants.api.view import NodeView
from tenants.context import TenantRef, enter_tenant
from tenants.database.base import DatabaseWrapper
from tenants.selectors import find_active_tenant

session = cast(DatabaseWrapper, connection)
log = structlog.get_logger(__name__)
Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]
PREFIX: Final = "/api/v1/node/"
BEARER: Final = "Bearer "
EXPECTED: Final = (Problem, SealError, DatabaseError)  # Django meets them too, and has the words
ACCEPTED: Final = frozenset({None, "*/*", "application/json"})


class Told(NamedTuple):
    """A kept answer and its tag, and what is left to the caller."""

    body: bytes
    tag: str
    verdict: Verdict


class KeptRead(Protocol):
    """A `get` of a view whose answers are kept, asked for in one of the ways that are foreseen."""

    view: ClassVar[type[NodeView]]

    def choose(self, query: str, languages: str) -> Any:
        """What is asked for, by query and Accept-Language, as something hashable; None: not foreseen."""

    def take(self, choice: Any, toll: Toll) -> Told | None:
        """As `Cache.take` says, for the tenant we are in."""

    def dress(self, choice: Any) -> HttpResponse:
        """The view's answer, but for its body and tag."""


class _Answer(NamedTuple):
    operation: str
    status: int
    headers: list[tuple[str, str]]
    body: bytes


class KeptReads:
    """A WSGI application before another; `reads` by the word that follows the node's public key.

    1 is it one of these reads, asked plainly; 2 do Host and scheme suit the middleware; 3 who asks, and may he;
    4 behind the door of his box: what is kept, and is there room in his limit; 5 the answer, counted.
    """

    def __init__(self, django: Application, reads: Mapping[str, KeptRead]) -> None:
        self._django = django
        self._reads = {name: _Prepared(name, read) for name, read in reads.items()}

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        started_s = time.perf_counter()
        answer = self._try(environ)
        if answer is None:
            return self._django(environ, start_response)
        note_request(answer.operation, status=answer.status, seconds=time.perf_counter() - started_s)
        start_response(f"{answer.status} {HTTPStatus(answer.status).phrase}", answer.headers)
        return [answer.body]

    def _try(self, environ: Environ) -> _Answer | None:
        path = environ["PATH_INFO"]
        if not path.startswith(PREFIX) or not _is_plain(environ):
            return None
        pubkey, _, name = path.removeprefix(PREFIX).partition("/")
        read = self._reads.get(name)
        try:
            return read.answer(environ, pubkey) if read else None
        except EXPECTED:
            return None
        except Exception:
            log.exception("kept_read_failed", operation=name)
            return None


class _Prepared:
    """A read, with what is the same for all who ask."""

    def __init__(self, name: str, read: KeptRead) -> None:
        self._read = read
        self._view = read.view()
        self._view.setup(HttpRequest())
        self._view.headers = self._view.default_response_headers
        rules = self._view.get_permissions()
        self._rules = [rule.scopes for rule in rules if isinstance(rule, RequireScope)]
        if len(self._rules) != len(rules) or read.view.rate_class is None:
            raise TypeError(f"{read.view} asks something else of its callers than a scope and a limit")
        self._rate_class: str = read.view.rate_class
        self._operation = str(vars(read.view.get)[OPERATION])  # type: ignore[attr-defined]
        self._frames = Frames(PREFIX + name, self._dress)

    def answer(self, environ: Environ, pubkey: str) -> _Answer | None:
        choice = self._read.choose(environ.get("QUERY_STRING", ""), environ.get("HTTP_ACCEPT_LANGUAGE", ""))
        arrival = read_arrival(environ)
        if choice is None or arrival is None or not session.is_in_order:
            return None
        if self._frames.find((choice, False), arrival) is None:
            return None
        principal = _find_principal(environ)
        tenant = self._let_in(principal, pubkey) if principal else None
        if principal is None or tenant is None:
            return None
        toll = set_toll(self._rate_class, principal)
        with enter_tenant(tenant):
            told = self._read.take(choice, toll)
        return None if told is None else self._render(environ, told, choice=choice, arrival=arrival, toll=toll)

    def _let_in(self, principal: Principal, pubkey: str) -> TenantRef | None:
        """The box, if it is his and in service, and every rule of the view is met."""
        if principal.tenant_id is None or not all(principal.scopes & rule for rule in self._rules):
            return None
        tenant = find_active_tenant(principal.tenant_id)
        return tenant if tenant is not None and tenant.pubkey == pubkey else None

    def _render(self, environ: Environ, told: Told, *, choice: Any, arrival: Arrival, toll: Toll) -> _Answer | None:
        has_it = is_known(told.tag, environ.get("HTTP_IF_NONE_MATCH", ""))
        frame = self._frames.find((choice, has_it), arrival)
        if frame is None:
            return None
        body = b"" if has_it else told.body
        headers = [
            *frame,
            *describe_verdict(toll.quota, told.verdict).items(),
            ("ETag", told.tag),
            ("Content-Length", str(len(body))),
            ("X-Request-Id", choose_request_id(environ.get(REQUEST_ID_HEADER, ""))),
        ]
        return _Answer(self._operation, HTTPStatus.NOT_MODIFIED if has_it else HTTPStatus.OK, headers, body)

    def _dress(self, key: tuple[Any, bool]) -> HttpResponse:
        """The view's answer without a body; or the news that there is none."""
        choice, has_it = key
        dressed = spare_known(self._read.dress(choice), "*" if has_it else "")
        finished: HttpResponse = self._view.finalize_response(Request(HttpRequest()), dressed)
        return finished


def _is_plain(environ: Environ) -> bool:
    """A GET without a body, at the root of the server, for JSON or whatever there is."""
    return (
        environ["REQUEST_METHOD"] == "GET"
        and not environ.get("SCRIPT_NAME")
        and environ.get("CONTENT_LENGTH", "0") in {"", "0"}
        and "HTTP_TRANSFER_ENCODING" not in environ
        and environ.get("HTTP_ACCEPT") in ACCEPTED
    )


def _find_principal(environ: Environ) -> Principal | None:
    """Raises Problem 401. None: no token, or not plainly one; or an operator's, who leaves traces."""
    header = environ.get("HTTP_AUTHORIZATION", "")
    raw = header.removeprefix(BEARER)
    if raw == header or not raw.isascii() or not raw.isprintable() or " " in raw:
        return None
    principal = recognise(raw.encode())
    return None if "operator" in principal.scopes else principal
