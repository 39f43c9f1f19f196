"""The one door into a Dazbox's schema.

The current tenant lives in a ContextVar, so threads, tasks and coroutines each have their own; the database backend
(`tenants.database`) reads schema and rights for every message it sends. Never use django-tenants' `with tenant:`, whose
stack of previous tenants is shared by all threads. Nothing lazy (a queryset, a generator) may leave the block.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import structlog

T = TypeVar("T")
PUBLIC_SCHEMA = "public"
# `dz_` and a random key for boxes, `dz_template` for the schema all others are copied from.
SCHEMA_NAME = re.compile(r"dz_[0-9a-z]{8,40}")


class NoTenantError(RuntimeError):
    """Code that belongs to one Dazbox ran outside `enter_tenant`."""


class SchemaNameError(ValueError):
    """A schema name that we never gave out."""


@dataclass(frozen=True, slots=True)
class TenantRef:
    """What identifies a Dazbox: enough to enter its schema, nothing secret."""

    id: UUID
    schema_name: str
    pubkey: str


@dataclass(frozen=True, slots=True)
class Door:
    """One stay behind the door of a tenant. What is `kept` here is forgotten when it ends."""

    tenant: TenantRef
    kept: dict[str, Any] = field(default_factory=dict, repr=False)


class Rights(Enum):
    """Whose rights a query has: each role reads what is its own, so a query that lost its way is refused."""

    LOGIN = "the public tables, no box's"
    TENANT = "the rows of one box's tables"
    OWNER = "every box's schema: to build, migrate, copy and drop it"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a query goes."""

    schema_name: str
    rights: Rights


PUBLIC = Place(PUBLIC_SCHEMA, Rights.LOGIN)
_door: ContextVar[Door | None] = ContextVar("door", default=None)
_place: ContextVar[Place] = ContextVar("place", default=PUBLIC)


def current_tenant() -> TenantRef:
    """The tenant whose door we are behind. Raises NoTenantError outside of one."""
    return current_door().tenant


def current_door() -> Door:
    """The stay we are in. Raises NoTenantError outside of one."""
    door = _door.get()
    if door is None:
        raise NoTenantError("no Dazbox is entered: use `with enter_tenant(tenant):`")
    return door


def current_schema() -> str:
    return _place.get().schema_name


def current_place() -> Place:
    return _place.get()


def enter_tenant(tenant: TenantRef) -> AbstractContextManager[TenantRef]:
    """Behind this door every query sees the tenant's schema and no other, not even the public one.

    Raises SchemaNameError for a schema that is no Dazbox's, the public one included.
    """
    return _Stay(tenant)


class _Stay:
    """A class and no generator: every request of a box begins with one."""

    def __init__(self, tenant: TenantRef) -> None:
        self._tenant = tenant

    def __enter__(self) -> TenantRef:
        tenant = self._tenant
        if tenant.schema_name == PUBLIC_SCHEMA:
            raise SchemaNameError("the public schema is not a Dazbox's: use leave_tenant()")
        place = Place(check_schema_name(tenant.schema_name), Rights.TENANT)
        self._place = _place.set(place)
        self._door = _door.set(Door(tenant))
        self._words = structlog.contextvars.bind_contextvars(tenant=str(tenant.id))
        return tenant

    def __exit__(self, *_: object) -> None:
        structlog.contextvars.reset_contextvars(**self._words)
        _door.reset(self._door)
        _place.reset(self._place)


def carry_door(work: Callable[[], T]) -> Callable[[], T]:
    """`work`, to be called once by another thread: behind the door the caller is behind now, with all that is kept
    there. It should find there what it needs of the database, where each thread has a connection of its own.

    Raises NoTenantError outside of one.
    """
    current_door()
    return partial(copy_context().run, work)


@contextmanager
def leave_tenant() -> Iterator[None]:
    """A look at the public schema from inside a tenant's block, where the public tables are out of sight."""
    token = _door.set(None)
    try:
        with _at(PUBLIC):
            yield
    finally:
        _door.reset(token)


@contextmanager
def use_schema(schema_name: str) -> Iterator[None]:
    """A schema with its owner's rights and no tenant behind it: for building, migrating and copying schemas only."""
    with _at(_owned(schema_name)):
        yield


def switch_schema(schema_name: str) -> None:
    """django-tenants' own commands (migrate_schemas) set a schema and never leave it; they come through here."""
    _place.set(_owned(schema_name))


@contextmanager
def _at(place: Place) -> Iterator[None]:
    token = _place.set(place)
    try:
        yield
    finally:
        _place.reset(token)


def _owned(schema_name: str) -> Place:
    return PUBLIC if schema_name == PUBLIC_SCHEMA else Place(check_schema_name(schema_name), Rights.OWNER)


def check_schema_name(schema_name: str) -> str:
    """The name itself when it is one of ours: it is about to become part of SQL. Raises SchemaNameError."""
    if schema_name != PUBLIC_SCHEMA and not SCHEMA_NAME.fullmatch(schema_name):
        raise SchemaNameError(f"{schema_name!r} is not the name of a Dazbox schema")
    return schema_name
