"""Twenty-four threads walk through eight tenants at random; every row read or written must be of the tenant entered.

The walk itself is tested too: with doors that are subtly wrong it must notice, as long as the role does not stop them.
"""

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import pytest
from django.conf import settings
from psycopg.pq import TransactionStatus

from tenants.context import Rights, current_place
from tenants.database import base
from tests.committed import committed_database
from tests.isolation.walk import Home, assert_all_at_home, let_walk, make_homes

THREADS, TENANTS, READS_EACH = 24, 8, 160  # 3,840 reads at least


@pytest.fixture
def homes(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Home]]:
    with committed_database(django_db_blocker):
        yield make_homes(TENANTS)


def test_no_thread_ever_reads_or_writes_a_row_of_another_tenant(homes: list[Home]) -> None:
    walkers = let_walk(homes, threads=THREADS, reads=READS_EACH)
    assert sum(walker.reads for walker in walkers) >= 3_700
    assert_all_at_home(homes, walkers)


SERVED: WeakKeyDictionary[psycopg.Connection[Any], str] = WeakKeyDictionary()


class WithoutPrefix(base.TenantCursor):
    """Sends the query alone."""

    def _prefix(self) -> str:
        return ""


class WrongDoor(base.TenantCursor):
    """The path is wrong. The role is the right one in each message, or (`Unguarded`) one that may read every box."""

    def _prefix(self) -> str:
        if self.connection.info.transaction_status is TransactionStatus.INERROR:
            return ""
        return f"SET LOCAL ROLE {self.role()}; {self.path(current_place().schema_name)}"

    def role(self) -> str:
        place = current_place()
        return "NONE" if place.rights is Rights.LOGIN else place.schema_name

    def path(self, schema: str) -> str:
        raise NotImplementedError


class OncePerConnection(WrongDoor):
    """Sets the path of the first tenant it serves, for the session: what a pool with no reset does."""

    def path(self, schema: str) -> str:
        if self.connection in SERVED:
            return ""
        SERVED[self.connection] = schema
        return f"SET search_path = {schema}, public; "


class OncePerTransaction(WrongDoor):
    """Trusts the path that the first message of the transaction set."""

    def path(self, schema: str) -> str:
        is_open = self.connection.info.transaction_status is TransactionStatus.INTRANS
        return "" if is_open else f"SET LOCAL search_path = {schema}; "


class RememberedPath(WrongDoor):
    """Sets the session's path when the tenant changes, and forgets that a rollback takes it back."""

    def path(self, schema: str) -> str:
        if SERVED.get(self.connection) == schema:
            return ""
        SERVED[self.connection] = schema
        return f"SET search_path = {schema}; "


class Unguarded(WrongDoor):
    """In front of a wrong door: the role bounds nothing."""

    def role(self) -> str:
        return "NONE" if current_place().rights is Rights.LOGIN else settings.ENV.database_owner


WRONG_DOORS = [OncePerConnection, OncePerTransaction, RememberedPath]


@pytest.mark.parametrize("wrong_door", WRONG_DOORS)
def test_without_the_role_the_walk_notices_a_door_that_does_not_name_the_tenant_in_every_message(
    homes: list[Home], wrong_door: type[WrongDoor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "TenantCursor", type("UnguardedDoor", (Unguarded, wrong_door), {}))
    walkers = let_walk(homes, threads=2, reads=READS_EACH)
    assert any(walker.wrong for walker in walkers)


@pytest.mark.parametrize("wrong_door", WRONG_DOORS)
def test_with_the_role_the_database_refuses_what_the_same_doors_would_have_shown(
    homes: list[Home], wrong_door: type[WrongDoor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "TenantCursor", wrong_door)
    walkers = let_walk(homes, threads=2, reads=READS_EACH)
    assert [walker.wrong for walker in walkers] == [[], []]
    refusals = [error for walker in walkers for error in walker.broken]
    assert refusals != []
    # by the database, or by our own look at what was left on the connection, which is closed then
    words = ("does not exist", "permission denied", "was left on this connection", "the connection is closed")
    assert [error for error in refusals if not any(word in error for word in words)] == []


def test_without_role_and_path_in_front_of_the_query_nothing_at_all_is_read(
    homes: list[Home], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "TenantCursor", WithoutPrefix)
    for walker in let_walk(homes, threads=2, reads=READS_EACH):
        assert len(walker.broken) == 20
        assert all("does not exist" in error for error in walker.broken)
        assert walker.wrong == []
