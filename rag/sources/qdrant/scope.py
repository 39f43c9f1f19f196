"""The one choke point between tenants: whose points a request may touch, put into the request by one function.

A scope is made here and nowhere else, and only behind the door of its tenant. `confine` puts it on every prefetch and
the root; `check_hits` looks at what came back. Nobody else builds a filter on `tenant` (tests/test_house_rules.py).
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NoReturn
from uuid import UUID

import structlog
from qdrant_client import models

from mcp_saas.kit.counter import Counter
from rag.sources.qdrant.errors import ForeignPointError, ScopeError
from rag.sources.qdrant.point import Part
from tenants.context import current_tenant

log = structlog.get_logger(__name__)
TENANT_FIELD = "tenant"
SHARED = "__shared__"
foreign_points = Counter("knowledge_foreign_points_total", "Points of another tenant that a search was answered with")
_MADE_HERE: Final = object()


class Scope:
    """Whose points may be read, and whose written. It cannot be made elsewhere, changed or copied."""

    __slots__ = ("reads", "writes")
    reads: tuple[str, ...]
    writes: str

    def __init__(self, reads: tuple[str, ...], writes: str, *, made_by: object) -> None:
        if made_by is not _MADE_HERE:
            raise ScopeError("a scope is made by of_tenant(), own(), shared() or departed()")
        object.__setattr__(self, "reads", reads)
        object.__setattr__(self, "writes", writes)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise ScopeError("a scope does not change")

    def __reduce__(self) -> NoReturn:
        raise ScopeError("a scope is not copied or sent: make it where it is used")

    def __repr__(self) -> str:
        return f"Scope(reads={self.reads})"

    @property
    def is_shared(self) -> bool:
        return self.writes == SHARED


def of_tenant(tenant_id: UUID) -> Scope:
    """Reads the tenant's own points and the shared corpus. Raises ScopeError outside the tenant's door."""
    name = _name_entered(tenant_id)
    return Scope((name, SHARED), name, made_by=_MADE_HERE)


def own(tenant_id: UUID) -> Scope:
    """Reads the tenant's own points alone. Raises ScopeError outside the tenant's door."""
    name = _name_entered(tenant_id)
    return Scope((name,), name, made_by=_MADE_HERE)


def shared() -> Scope:
    """The corpus everybody reads."""
    return Scope((SHARED,), SHARED, made_by=_MADE_HERE)


def departed(tenant_id: UUID) -> Scope:
    """Of a tenant that has no door any more: reads nothing, and what is left of it can be counted and deleted."""
    return Scope((), str(tenant_id), made_by=_MADE_HERE)


def confine(scope: Scope, request: models.QueryRequest) -> models.QueryRequest:
    """The request with the scope on its root and on every prefetch below, and IDF counted over that scope alone.

    Raises ScopeError for a scope that reads nothing.
    """
    if not scope.reads:
        raise ScopeError(f"{scope} is for deleting only")
    confined: models.QueryRequest = _confine(scope, request)
    return confined


def only_writes(scope: Scope, condition: models.Filter | None = None) -> models.Filter:
    """The points a scope may change or delete. They are always one tenant's, or the shared corpus."""
    return _narrow((scope.writes,), condition)


def narrow_part(scope: Scope, part: Part) -> models.Filter | None:
    """A condition on top of the scope's own: it can take away, never add."""
    if part == "all" or (part == "shared" and scope.is_shared):
        return None
    wanted = {"own": scope.writes if not scope.is_shared else "", "shared": SHARED}[part]
    return _narrow((wanted,), None)


def check_hits(scope: Scope, payloads: Iterable[Mapping[str, Any] | None]) -> None:
    """Raises ForeignPointError, and counts, when the store answered with a point the scope does not read."""
    strangers = sum((payload or {}).get(TENANT_FIELD) not in scope.reads for payload in payloads)
    if strangers:
        foreign_points.add(strangers)
        log.critical("foreign_points", scope=repr(scope), count=strangers)
        raise ForeignPointError(f"the store answered with {strangers} points that {scope} does not read")


def _name_entered(tenant_id: UUID) -> str:
    entered = current_tenant().id
    if entered != tenant_id:
        raise ScopeError(f"tenant {tenant_id} was asked for behind the door of {entered}")
    return str(tenant_id)


def _confine(scope: Scope, part: Any) -> Any:
    """Of a request or a prefetch."""
    prefetch = part.prefetch or []
    inner = [_confine(scope, one) for one in (prefetch if isinstance(prefetch, list) else [prefetch])]
    changed: dict[str, Any] = {"filter": _narrow(scope.reads, part.filter), "prefetch": inner or None}
    if isinstance(part.query, models.SparseVector):
        changed["params"] = _count_within(scope, part.params)
    return part.model_copy(update=changed)


def _count_within(scope: Scope, params: models.SearchParams | None) -> models.SearchParams:
    """Document frequencies of the scope's points alone: else ranks would tell of the words of others."""
    params = params or models.SearchParams()
    asked = params.idf.corpus if isinstance(params.idf, models.IdfCorpusParams) else None
    return params.model_copy(update={"idf": models.IdfCorpusParams(corpus=_narrow(scope.reads, asked))})


def _narrow(tenants: tuple[str, ...], condition: models.Filter | None) -> models.Filter:
    mine = models.FieldCondition(key=TENANT_FIELD, match=models.MatchAny(any=list(tenants)))
    return models.Filter(must=[mine, condition] if condition else [mine])
