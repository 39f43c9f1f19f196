"""Twenty-four threads walk through eight tenants at random; every row read or written must be of the tenant entered.

The walk itself is tested too: with four doors that are subtly wrong, it must notice.
"""

import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
import pytest
from django.db import DatabaseError, ProgrammingError, connection, transaction
from psycopg.pq import TransactionStatus

from nodes.models.journal import JournalDetail, JournalEntry
from nodes.models.node import OwnNode
from tenants.context import current_schema, enter_tenant, leave_tenant
from tenants.database import base
from tenants.models.dazbox import Dazbox
from tests.committed import committed_database, run_together
from tests.factories import Box, make_box

SEED = 20261120
THREADS, TENANTS, READS_EACH = 24, 8, 160  # 3,840 reads at least
AT = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@dataclass
class Walker:
    """One thread's random walk. `wrong`: what was read where; `kept`: rows it committed, by tenant."""

    boxes: list[Box]
    rng: random.Random
    reads: int = 0
    wrong: list[tuple[str, str, str]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    kept: Counter[str] = field(default_factory=Counter)

    def walk(self, reads: int) -> "Walker":
        while self.reads < reads and len(self.wrong) + len(self.broken) < 20:
            try:
                self.visit()
            except (DatabaseError, psycopg.Error) as error:
                self.broken.append(f"{type(error).__name__}: {error}")
            if self.rng.random() < 0.03:
                connection.close()
        return self

    def visit(self) -> None:
        box = self.rng.choice(self.boxes)
        step = self.rng.choice(STEPS)
        with suppress(ZeroDivisionError), enter_tenant(box.tenant):
            step(self, box)
            self.see(box, "after the step", OwnNode.objects.values_list("forward_cursor", flat=True).get())
            if self.rng.random() < 0.2:
                raise ZeroDivisionError

    def see(self, box: Box, where: str, marker: str) -> None:
        self.reads += 1
        if marker != box.name:
            self.wrong.append((where, box.name, marker))

    def read_model(self, box: Box) -> None:
        self.see(box, "model", OwnNode.objects.get().forward_cursor)

    def read_cursor(self, box: Box) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT forward_cursor FROM nodes_ownnode WHERE id = %s", [1])
            self.see(box, "cursor", cursor.fetchone()[0])

    def read_past_django(self, box: Box) -> None:
        connection.ensure_connection()
        row = connection.connection.execute("SELECT forward_cursor FROM nodes_ownnode").fetchone()
        self.see(box, "driver", row[0])

    def read_iterator(self, box: Box) -> None:
        for marker in OwnNode.objects.values_list("forward_cursor", flat=True).iterator(chunk_size=1):
            self.see(box, "iterator", marker)

    def copy_out(self, box: Box) -> None:
        query = "COPY nodes_ownnode (forward_cursor) TO STDOUT"
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(query) as copy:
            self.see(box, "copy", b"".join(copy).decode().strip())

    def roll_back_savepoint(self, box: Box) -> None:
        with transaction.atomic():
            with suppress(ZeroDivisionError), transaction.atomic():
                OwnNode.objects.update(forward_cursor="spoilt")
                raise ZeroDivisionError
            self.read_model(box)

    def fail_in_savepoint(self, box: Box) -> None:
        with transaction.atomic():
            with suppress(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT nonsense")
            self.read_cursor(box)

    def fail_outside_transaction(self, box: Box) -> None:
        with suppress(ProgrammingError), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")
        self.read_cursor(box)

    def raise_in_transaction(self, box: Box) -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            OwnNode.objects.update(forward_cursor="spoilt")
            raise ZeroDivisionError
        self.read_model(box)

    def visit_another(self, box: Box) -> None:
        other = self.rng.choice(self.boxes)
        with transaction.atomic():
            self.read_model(box)
            with suppress(ZeroDivisionError), enter_tenant(other.tenant), transaction.atomic():
                self.read_cursor(other)
                raise ZeroDivisionError
            self.read_model(box)

    def look_at_public(self, box: Box) -> None:
        with leave_tenant():
            self.see(box, "public", Dazbox.objects.get(id=box.dazbox.id).alias)
        self.read_model(box)

    def write_one(self, box: Box) -> None:
        JournalEntry.objects.create(at=AT, kind=box.name, detail=JournalDetail(box.name, {}))
        self.kept[box.name] += 1

    def write_many(self, box: Box) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            insert = "INSERT INTO nodes_journalentry (at, kind, detail) VALUES (%s, %s, %s)"
            cursor.executemany(insert, [(AT, box.name, b"\x01\xc0")] * 3)
        self.kept[box.name] += 3

    def write_and_roll_back(self, box: Box) -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            JournalEntry.objects.create(at=AT, kind="spoilt", detail=JournalDetail(box.name, {}))
            raise ZeroDivisionError


STEPS = (
    Walker.read_model, Walker.read_cursor, Walker.read_past_django, Walker.read_iterator, Walker.copy_out,
    Walker.roll_back_savepoint, Walker.fail_in_savepoint, Walker.fail_outside_transaction, Walker.raise_in_transaction,
    Walker.visit_another, Walker.look_at_public, Walker.write_one, Walker.write_many, Walker.write_and_roll_back,
)  # fmt: skip


@pytest.fixture
def crowd(django_db_setup: None, django_db_blocker: Any) -> Iterator[list[Box]]:
    with committed_database(django_db_blocker):
        boxes = [make_box(f"tenant {number}") for number in range(TENANTS)]
        for box in boxes:
            with enter_tenant(box.tenant):
                OwnNode.objects.create(forward_cursor=box.name)
        yield boxes


def let_walk(boxes: list[Box], *, threads: int, reads: int) -> list[Walker]:
    walkers = [Walker(boxes, random.Random(SEED + number)) for number in range(threads)]  # noqa: S311 - seeded on purpose
    walked = run_together([partial(walker.walk, reads) for walker in walkers])
    assert walked == walkers  # nothing else was raised
    return walkers


def test_no_thread_ever_reads_or_writes_a_row_of_another_tenant(crowd: list[Box]) -> None:
    walkers = let_walk(crowd, threads=THREADS, reads=READS_EACH)
    assert sum(walker.reads for walker in walkers) >= 3_700
    assert [walker.wrong for walker in walkers if walker.wrong] == []
    assert [walker.broken for walker in walkers if walker.broken] == []
    kept = sum((walker.kept for walker in walkers), Counter())
    for box in crowd:
        with enter_tenant(box.tenant):
            assert list(OwnNode.objects.values_list("forward_cursor", flat=True)) == [box.name]
            kinds = JournalEntry.objects.exclude(kind="lifecycle").values_list("kind", flat=True)
            assert Counter(kinds) == {box.name: kept[box.name]}
    assert len(kept) == TENANTS


SERVED: WeakKeyDictionary[psycopg.Connection[Any], str] = WeakKeyDictionary()


class WithoutPath(base.TenantCursor):
    """Sends the query alone."""

    def _path_prefix(self) -> str:
        return ""


class OncePerConnection(base.TenantCursor):
    """Sets the path of the first tenant it serves, for the session: what a pool with no reset does."""

    def _path_prefix(self) -> str:
        if self.connection in SERVED:
            return ""
        SERVED[self.connection] = current_schema()
        return f"SET search_path = {current_schema()}, public; "


class OncePerTransaction(base.TenantCursor):
    """Trusts the path that the first message of the transaction set."""

    def _path_prefix(self) -> str:
        is_open = self.connection.info.transaction_status is TransactionStatus.INTRANS
        return "" if is_open else f"SET LOCAL search_path = {current_schema()}; "


class RememberedPath(base.TenantCursor):
    """Sets the session's path when the tenant changes, and forgets that a rollback takes it back."""

    def _path_prefix(self) -> str:
        if SERVED.get(self.connection) == current_schema():
            return ""
        SERVED[self.connection] = current_schema()
        return f"SET search_path = {current_schema()}; "


@pytest.mark.parametrize("wrong_door", [OncePerConnection, OncePerTransaction, RememberedPath])
def test_the_walk_notices_a_door_that_does_not_name_the_tenant_in_every_message(
    crowd: list[Box], wrong_door: type[base.TenantCursor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "TenantCursor", wrong_door)
    walkers = let_walk(crowd, threads=2, reads=READS_EACH)
    assert any(walker.wrong for walker in walkers)


def test_without_the_path_in_front_of_the_query_nothing_at_all_is_read(
    crowd: list[Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "TenantCursor", WithoutPath)
    for walker in let_walk(crowd, threads=2, reads=READS_EACH):
        assert len(walker.broken) == 20
        assert all("does not exist" in error for error in walker.broken)
        assert walker.wrong == []
