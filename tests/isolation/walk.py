"""A random walk through tenants: every row read or written must be of the tenant entered, whatever happens."""

import datetime as dt
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import psycopg
from django.db import DatabaseError, ProgrammingError, connection, transaction

from nodes.models.journal import JournalDetail, JournalEntry
from nodes.models.node import OwnNode
from tenants.context import TenantRef, enter_tenant, leave_tenant
from tenants.models.dazbox import Dazbox
from tests.committed import run_together
from tests.factories import make_box

SEED = 20261120
AT = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Home:
    """A tenant whose own node has the tenant's name as its marker."""

    name: str
    tenant: TenantRef


@dataclass
class Walker:
    """One random walk. `wrong`: what was read where; `kept`: rows it committed, by tenant."""

    homes: list[Home]
    rng: random.Random
    close_rate: float  # how often it gives its connection back after a visit
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
            if self.rng.random() < self.close_rate:
                connection.close()
        return self

    def visit(self) -> None:
        home = self.rng.choice(self.homes)
        step = self.rng.choice(STEPS)
        with suppress(ZeroDivisionError), enter_tenant(home.tenant):
            step(self, home)
            self.see(home, "after the step", OwnNode.objects.values_list("forward_cursor", flat=True).get())
            if self.rng.random() < 0.2:
                raise ZeroDivisionError

    def see(self, home: Home, where: str, marker: str) -> None:
        self.reads += 1
        if marker != home.name:
            self.wrong.append((where, home.name, marker))

    def read_model(self, home: Home) -> None:
        self.see(home, "model", OwnNode.objects.get().forward_cursor)

    def read_cursor(self, home: Home) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT forward_cursor FROM nodes_ownnode WHERE id = %s", [1])
            self.see(home, "cursor", cursor.fetchone()[0])

    def read_past_django(self, home: Home) -> None:
        connection.ensure_connection()
        row = connection.connection.execute("SELECT forward_cursor FROM nodes_ownnode").fetchone()
        self.see(home, "driver", row[0])

    def read_iterator(self, home: Home) -> None:
        for marker in OwnNode.objects.values_list("forward_cursor", flat=True).iterator(chunk_size=1):
            self.see(home, "iterator", marker)

    def copy_out(self, home: Home) -> None:
        query = "COPY nodes_ownnode (forward_cursor) TO STDOUT"
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(query) as copy:
            self.see(home, "copy", b"".join(copy).decode().strip())

    def roll_back_savepoint(self, home: Home) -> None:
        with transaction.atomic():
            with suppress(ZeroDivisionError), transaction.atomic():
                OwnNode.objects.update(forward_cursor="spoilt")
                raise ZeroDivisionError
            self.read_model(home)

    def fail_in_savepoint(self, home: Home) -> None:
        with transaction.atomic():
            with suppress(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT nonsense")
            self.read_cursor(home)

    def fail_outside_transaction(self, home: Home) -> None:
        with suppress(ProgrammingError), connection.cursor() as cursor:
            cursor.execute("SELECT nonsense")
        self.read_cursor(home)

    def raise_in_transaction(self, home: Home) -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            OwnNode.objects.update(forward_cursor="spoilt")
            raise ZeroDivisionError
        self.read_model(home)

    def visit_another(self, home: Home) -> None:
        other = self.rng.choice(self.homes)
        with transaction.atomic():
            self.read_model(home)
            with suppress(ZeroDivisionError), enter_tenant(other.tenant), transaction.atomic():
                self.read_cursor(other)
                raise ZeroDivisionError
            self.read_model(home)

    def look_at_public(self, home: Home) -> None:
        with leave_tenant():
            self.see(home, "public", Dazbox.objects.get(id=home.tenant.id).alias)
        self.read_model(home)

    def write_one(self, home: Home) -> None:
        JournalEntry.objects.create(at=AT, kind=home.name, detail=JournalDetail(home.name, {}))
        self.kept[home.name] += 1

    def write_many(self, home: Home) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            insert = "INSERT INTO nodes_journalentry (at, kind, detail) VALUES (%s, %s, %s)"
            cursor.executemany(insert, [(AT, home.name, b"\x01\xc0")] * 3)
        self.kept[home.name] += 3

    def write_and_roll_back(self, home: Home) -> None:
        with suppress(ZeroDivisionError), transaction.atomic():
            JournalEntry.objects.create(at=AT, kind="spoilt", detail=JournalDetail(home.name, {}))
            raise ZeroDivisionError


STEPS = (
    Walker.read_model, Walker.read_cursor, Walker.read_past_django, Walker.read_iterator, Walker.copy_out,
    Walker.roll_back_savepoint, Walker.fail_in_savepoint, Walker.fail_outside_transaction, Walker.raise_in_transaction,
    Walker.visit_another, Walker.look_at_public, Walker.write_one, Walker.write_many, Walker.write_and_roll_back,
)  # fmt: skip


def make_homes(count: int) -> list[Home]:
    boxes = [make_box(f"tenant {number}") for number in range(count)]
    for box in boxes:
        with enter_tenant(box.tenant):
            OwnNode.objects.create(forward_cursor=box.name)
    return [Home(box.name, box.tenant) for box in boxes]


def let_walk(homes: list[Home], *, threads: int, reads: int, close_rate: float = 0.03) -> list[Walker]:
    """Each walker in a thread of its own, all let off at once."""
    walkers = [Walker(homes, random.Random(SEED + number), close_rate) for number in range(threads)]  # noqa: S311 - seeded on purpose
    walked = run_together([partial(walker.walk, reads) for walker in walkers])
    raised = {repr(answer) for answer in walked if not isinstance(answer, Walker)}
    assert raised == set(), raised
    return walkers


def assert_all_at_home(homes: list[Home], walkers: list[Walker]) -> None:
    """No walker saw a foreign row, and each tenant holds exactly the rows that were committed to it."""
    assert [walker.wrong for walker in walkers if walker.wrong] == []
    assert [walker.broken for walker in walkers if walker.broken] == []
    kept = sum((walker.kept for walker in walkers), Counter[str]())
    for home in homes:
        with enter_tenant(home.tenant):
            assert list(OwnNode.objects.values_list("forward_cursor", flat=True)) == [home.name]
            kinds = JournalEntry.objects.exclude(kind="lifecycle").values_list("kind", flat=True)
            assert Counter(kinds) == ({home.name: kept[home.name]} if kept[home.name] else {})
    assert sum(kept.values()) > 0
