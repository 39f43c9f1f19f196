"""Django's PostgreSQL backend, made stateless about tenants.

Each message to the server carries its own `SET LOCAL ROLE` and `SET LOCAL search_path` in front of the query, taken
from the ContextVar of `tenants.context`. It costs no round trip, and nothing stays behind on the connection: pooled or
reused, it cannot show one tenant the rows of another. The role has rights in that schema alone, so a query that names
another one is refused by the database. `ENGINE = "tenants.database"`.
"""

import select
import time
from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base as postgresql
from psycopg import ClientCursor, InterfaceError, NotSupportedError, sql
from psycopg.pq import TransactionStatus

from tenants.context import PUBLIC, PUBLIC_SCHEMA, Place, Rights, current_place, current_schema, switch_schema

# Every table of every schema stays in the memory of the backend that once touched it.
_schemas_served: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class TenantCursor(ClientCursor[Any]):
    """Puts role and schema of the moment in front of every query. Binding parameters here keeps both in one message."""

    def execute(self, query: Any, params: Any = None, **options: Any) -> "TenantCursor":
        prefix = self._prefix()
        if not prefix:
            super().execute(query, params, **options)
            return self
        super().execute(_join(prefix, query), params, **options)
        self.set_result(-1)  # the answers come in order; the query's own is the last
        return self

    def executemany(self, query: Any, params_seq: Iterable[Any], **options: Any) -> None:
        for params in params_seq:
            self.execute(query, params, **options)

    def copy(self, statement: Any, params: Any = None, **options: Any) -> Any:
        """COPY cannot share a message, so it needs a transaction in which role and path can be set before it."""
        prefix = self._prefix()
        if prefix:
            if self.connection.autocommit and self.connection.info.transaction_status is TransactionStatus.IDLE:
                raise InterfaceError("COPY inside a tenant needs transaction.atomic() around it")
            super().execute(prefix)
        return super().copy(statement, params, **options)

    def stream(self, query: Any, params: Any = None, **options: Any) -> Any:
        """Rows that arrive one by one would outlive the message that chose their schema."""
        raise NotSupportedError("stream() cannot be kept inside a tenant: use execute()")

    def _prefix(self) -> str:
        return choose_prefix(self.connection, current_place())


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """Answers django-tenants' questions (`schema_name`, `set_schema`) from the ContextVar."""

    include_public_schema = False

    @property
    def schema_name(self) -> str:
        return current_schema()

    @property
    def tenant(self) -> "SchemaOnly":
        return SchemaOnly(current_schema())

    def set_tenant(self, tenant: Any, include_public: bool = True) -> None:  # noqa: FBT001, FBT002 - their signature
        switch_schema(tenant.schema_name)

    def set_schema(self, schema_name: str, include_public: bool = True, tenant_type: Any = None) -> None:  # noqa: FBT001, FBT002
        switch_schema(schema_name)

    def set_schema_to_public(self) -> None:
        switch_schema(PUBLIC_SCHEMA)

    def get_connection_params(self) -> dict[str, Any]:
        params: dict[str, Any] = super().get_connection_params()
        params["cursor_factory"] = TenantCursor
        return params

    def init_connection_state(self) -> None:
        """A superuser may read everything, whatever its role was given: in service none is let in."""
        super().init_connection_state()
        if settings.DEPLOYED and self.connection.pgconn.parameter_status(b"is_superuser") == b"on":
            raise ImproperlyConfigured(
                "DATABASE_URL logs in as a superuser, for whom the boxes' roles are no bounds: "
                "give it an ordinary role, as docs/embedded.md says"
            )

    def create_cursor(self, name: str | None = None) -> Any:
        """A named cursor lives on the server and outlives the message that chose its schema: none is made."""
        if name is not None:
            raise NotSupportedError(
                "set DISABLE_SERVER_SIDE_CURSORS: server-side cursors cannot be kept inside a tenant"
            )
        note_schema(self.connection, current_schema())
        return super().create_cursor()

    def is_usable(self) -> bool:
        """Before each request: a server that ended the session has said so, and what it said waits to be read. Where
        nothing waits nobody is asked. After an error, or where something waits or was left behind, it is tried.
        """
        connection = self.connection
        if connection is None or self.errors_occurred or _has_word(connection) or _find_leftover_path(connection):
            return bool(super().is_usable())
        return True

    def close_if_unusable_or_obsolete(self) -> None:
        """Between two requests: a backend that served many tenants has grown, and makes room for a new one."""
        if self._has_served_enough():
            self.connection.close()  # in earnest: a pool would keep it
            self.close()
        super().close_if_unusable_or_obsolete()

    @property
    def is_in_order(self) -> bool:
        """Whether a request can begin with this session, and nothing is to be made, tried or replaced first."""
        is_obsolete = self.close_at is not None and time.monotonic() >= self.close_at
        return self.connection is not None and not (self.errors_occurred or is_obsolete or self._has_served_enough())

    def _has_served_enough(self) -> bool:
        served = _schemas_served.get(self.connection, ()) if self.connection is not None else ()
        return len(served) >= settings.ENV.tenants_per_connection


class SchemaOnly:
    """What django-tenants' commands need to know of a tenant."""

    def __init__(self, schema_name: str) -> None:
        self.schema_name = schema_name

    def get_tenant_type(self) -> None:
        return None


def choose_prefix(session: Any, place: Place) -> str:
    """Empty where no prefix is needed (public outside a transaction) or possible (a failed transaction)."""
    status = session.pgconn.transaction_status
    if status == TransactionStatus.INERROR:
        return ""
    if status == TransactionStatus.IDLE:
        _refuse_leftover_path(session)
        if place == PUBLIC:
            return ""
    return write_prefix(place)


def write_prefix(place: Place) -> str:
    """Role and path for the rest of the transaction, or of the message outside of one.

    `pg_temp` is named because it is searched first where it is not: a temporary table would stand before the real one.
    """
    return f'SET LOCAL ROLE {_role_of(place)}; SET LOCAL search_path = "{place.schema_name}", pg_temp; '


def note_schema(session: Any, schema_name: str) -> None:
    """Before it is asked something there."""
    _schemas_served.setdefault(session, set()).add(schema_name)


def _role_of(place: Place) -> str:
    """Quoted. A tenant's role is named like its schema."""
    if place.rights is Rights.LOGIN:
        return "NONE"
    return f'"{place.schema_name if place.rights is Rights.TENANT else settings.ENV.database_owner}"'


def _join(prefix: str, query: Any) -> Any:
    if isinstance(query, sql.Composable):
        return sql.SQL(prefix) + query
    return prefix.encode() + query if isinstance(query, bytes) else prefix + query


def _has_word(connection: Any) -> bool:
    """Whether the server has sent something unasked, or has hung up; or we have."""
    if connection.closed:
        return True
    poller = select.poll()  # select.select knows no file above 1023
    poller.register(connection.fileno(), select.POLLIN)
    return bool(poller.poll(0))


def _find_leftover_path(connection: Any) -> str:
    """Empty: none. PostgreSQL 18 reports its real search_path with every change: looking costs nothing."""
    reported = connection.pgconn.parameter_status(b"search_path")
    return "" if reported in {None, b"public"} else reported.decode()


def _refuse_leftover_path(connection: Any) -> None:
    if left := _find_leftover_path(connection):
        connection.close()
        raise InterfaceError(f"a search_path was left on this connection ({left}); it was closed")
