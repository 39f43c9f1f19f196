"""A tenant by the template's script beside the same tenant by django-tenants' own migrations.

Both build the same tables on the same new server, each in a database of its own, one after the other in pairs whose
order alternates. django-tenants runs as it is, on its own backend (tests/fakes/stock_tenants.py). Each has a connection
that was opened before its time begins. The first pair is not counted.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import psycopg
from django.db import connection

from tenants.models.dazbox import Dazbox, new_schema_name
from tenants.provisioning.schema import activate_dazbox, build_schema, current_template, take_schema
from tenants.provisioning.spare import tend_pool
from tests.committed import ROOT, child_environment, new_database
from tests.factories import pubkey_of
from tests.load.backend import find_backend, read_cpu_ms
from tests.load.report import Report

TENANTS = 20
TARGET_RATIO = 8.0
TARGET_CLAIM_MS = 10.0
STOCK_DATABASE = "bench_stock_tenants"
NAMES = """
SELECT 'constraint', conrelid::regclass::text, conname FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace
UNION ALL
SELECT 'index', tablename, indexname FROM pg_indexes WHERE schemaname = %(schema)s
"""


Taken = tuple[float, float, float | None]  # milliseconds: by the clock, of the client's processor, of the backend's


def summarize(name: str, taken: list[Taken]) -> dict[str, float | None]:
    """Without the first."""
    walls, clients, backends = zip(*taken[1:], strict=True)
    is_known = None not in backends
    return {
        f"median_{name}_ms": round(median(walls), 2),
        f"min_{name}_ms": round(min(walls), 2),
        f"median_{name}_cpu_ms": round(median(map(sum, zip(clients, backends, strict=True))), 2) if is_known else None,
        f"median_{name}_backend_cpu_ms": round(median(backends), 2) if is_known else None,
    }


def measure() -> Report:
    ours, stock, difference = measure_pairs()
    in_all = [time_wall(activate_dazbox) for _ in range(TENANTS + 1)]
    tend_pool(TENANTS + 1)
    from_pool = [time_wall(activate_dazbox) for _ in range(TENANTS + 1)]
    tend_pool(TENANTS + 1)
    claims = [time_wall(claim_spare) for _ in range(TENANTS + 1)]
    built, migrated = summarize("template", ours), summarize("migrations", stock)
    ratios = {
        f"ratio_{name}": round(theirs / own, 1) if theirs and own else None
        for name, theirs, own in zip(
            ("median", "min", "cpu", "backend_cpu"), migrated.values(), built.values(), strict=True
        )
    }
    return Report(
        f"Provisioning: {TENANTS} tenants each way, in pairs, each way on an empty database",
        {
            "tenants": TENANTS,
            **built,
            **migrated,
            **ratios,
            "target_ratio": TARGET_RATIO,
            "names": difference,
            "median_activation_ms": round(median(in_all[1:]), 2),
            "median_claim_ms": round(median(claims[1:]), 2),
            "median_activation_from_pool_ms": round(median(from_pool[1:]), 2),
            "target_claim_ms": TARGET_CLAIM_MS,
        },
        [
            ("template script with its role (build_schema): median, least, CPU, of it backend's", describe(built)),
            ("django-tenants' migrations (create_schema), the same", describe(migrated)),
            (f"ratio (target: at least {TARGET_RATIO:.0f})", " ".join(f"{one} x" for one in ratios.values() if one)),
            ("names of constraints and indexes", difference),
            ("template script and state of the box (activate_dazbox), median", f"{median(in_all[1:]):.1f} ms"),
            (
                f"a spare schema instead (take_schema; target: {TARGET_CLAIM_MS:.0f} ms), median",
                f"{median(claims[1:]):.1f} ms",
            ),
            ("a spare schema and state of the box (activate_dazbox), median", f"{median(from_pool[1:]):.1f} ms"),
        ],
    )


def describe(figures: dict[str, float | None]) -> str:
    return " ".join(f"{one:.1f} ms" for one in figures.values() if one is not None)


def measure_pairs() -> tuple[list[Taken], list[Taken], str]:
    """Ours, django-tenants', and how the names in the last two schemas differ."""
    ours: list[Taken] = []
    stock: list[Taken] = []
    with new_database(STOCK_DATABASE), stock_builder() as build_stock:
        for number in range(TENANTS + 1):
            names = new_schema_name(), new_schema_name()
            if number % 2:
                ours.append(time_template(names[0]))
            stock.append(build_stock(names[1]))
            if not number % 2:
                ours.append(time_template(names[0]))
        difference = compare(
            read_names(connection.settings_dict["NAME"], names[0]), read_names(STOCK_DATABASE, names[1])
        )
    return ours, stock, difference


@contextmanager
def stock_builder() -> Iterator[Callable[[str], Taken]]:
    environment = child_environment(database=STOCK_DATABASE, DJANGO_SETTINGS_MODULE="tests.fakes.stock_settings")
    command = [sys.executable, "-m", "tests.fakes.stock_tenants"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    ) as child:
        stdin, stdout = child.stdin, child.stdout
        assert stdin is not None
        assert stdout is not None
        assert stdout.readline() == "ready\n"

        def build(schema_name: str) -> Taken:
            stdin.write(f"{schema_name}\n")
            wall_ms, client_ms, backend_ms = json.loads(stdout.readline())
            return wall_ms, client_ms, backend_ms

        yield build
        stdin.close()


def time_template(schema_name: str) -> Taken:
    backend = find_backend()
    before, used_before, started = read_cpu_ms(backend), time.process_time(), time.perf_counter()
    build_schema(schema_name, current_template())
    taken_ms, client_ms = (time.perf_counter() - started) * 1000, (time.process_time() - used_before) * 1000
    after = read_cpu_ms(backend)
    return taken_ms, client_ms, None if before is None or after is None else after - before


def read_names(database: str, schema_name: str) -> set[tuple[str, str, str]]:
    params = connection.get_connection_params() | {"dbname": database, "cursor_factory": psycopg.ClientCursor}
    with psycopg.connect(**params) as session:
        rows = session.execute(NAMES, {"schema": schema_name}).fetchall()
    assert len(rows) > 20, rows
    return {(kind, table.rpartition(".")[2], name) for kind, table, name in rows}


def compare(ours: set[tuple[str, str, str]], stock: set[tuple[str, str, str]]) -> str:
    different = [f"+{' '.join(row)}" for row in sorted(ours - stock)] + [
        f"-{' '.join(row)}" for row in sorted(stock - ours)
    ]
    return ", ".join(different) or f"identical ({len(ours)})"


def time_wall(build: Callable[[Dazbox], object]) -> float:
    """Milliseconds, without the tenant's row, which is written before."""
    name = new_schema_name()
    row = Dazbox.objects.create(schema_name=name, pubkey=pubkey_of(name))
    started = time.perf_counter()
    build(row)
    return (time.perf_counter() - started) * 1000


def claim_spare(dazbox: Dazbox) -> None:
    assert take_schema(dazbox.schema_name, current_template()) != dazbox.schema_name
