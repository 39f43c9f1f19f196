"""What a role per tenant costs: a query with and without it, and the first one after a role was made or dropped.

The schemas hold one table each. Queries go to a few of them in turn; with the role or with the path alone, each is one
message. The path alone is sent as the owner, who may read every box.
"""

import time
from collections.abc import Callable
from statistics import median
from uuid import uuid4

from django.db import connection

from tenants.context import TenantRef, enter_tenant, use_schema
from tenants.models.dazbox import new_schema_name
from tenants.models.template import SchemaTemplate
from tenants.provisioning.schema import build_schema, drop_schema
from tests.load.backend import find_backend, read_cpu_ms
from tests.load.report import Report

FEW, MANY = 10, 2_000
QUERIES, ROUNDS = 500, 5  # queries a round; the round with the least is taken
TABLE = SchemaTemplate(ddl="CREATE TABLE one (id int PRIMARY KEY); INSERT INTO one VALUES (1)")


def measure() -> Report:
    tenants = [make_tenant() for _ in range(FEW)]
    with_few_us = measure_queries(read_as_tenant, tenants)
    others = [make_tenant() for _ in range(MANY - FEW)]
    as_owner_us = measure_queries(read_as_owner, tenants)
    with_many_us = measure_queries(read_as_tenant, tenants)
    first_ms = median(measure_first(tenants[0]) for _ in range(ROUNDS))
    for tenant in others:
        drop_schema(tenant.schema_name)
    return Report(
        f"Roles: a query of one row, backend's CPU where it can be read; {MANY:,} boxes",
        {
            "boxes": MANY,
            "as_owner_us": as_owner_us,
            "as_tenant_us": with_many_us,
            f"as_tenant_with_{FEW}_boxes_us": with_few_us,
            "first_query_after_a_change_ms": round(first_ms, 2),
        },
        [
            ("as the owner, one role for all", f"{as_owner_us:.0f} us"),
            ("as the tenant's own role", f"{with_many_us:.0f} us"),
            (f"the same with {FEW} boxes", f"{with_few_us:.0f} us"),
            ("the first query of a backend after a role was made", f"{first_ms:.1f} ms"),
        ],
    )


def make_tenant() -> TenantRef:
    name = new_schema_name()
    build_schema(name, TABLE)
    return TenantRef(uuid4(), name, "")


def measure_queries(read: Callable[[TenantRef], None], tenants: list[TenantRef]) -> float:
    """Microseconds each: of the backend's processor, else by the clock."""
    rounds = []
    for _ in range(ROUNDS):
        before = read_clock_ms()
        for number in range(QUERIES):
            read(tenants[number % len(tenants)])
        rounds.append((read_clock_ms() - before) * 1000 / QUERIES)
    return round(min(rounds), 1)


def measure_first(tenant: TenantRef) -> float:
    read_as_tenant(tenant)
    made = make_tenant()
    before = read_clock_ms()
    read_as_tenant(tenant)
    taken_ms = read_clock_ms() - before
    drop_schema(made.schema_name)
    return taken_ms


def read_clock_ms() -> float:
    used = read_cpu_ms(find_backend())
    return time.perf_counter() * 1000 if used is None else used


def read_as_tenant(tenant: TenantRef) -> None:
    with enter_tenant(tenant):
        read_row()


def read_as_owner(tenant: TenantRef) -> None:
    with use_schema(tenant.schema_name):
        read_row()


def read_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM one")
        assert cursor.fetchall() == [(1,)]
