"""A tenant by the template's script beside the same tenant by django-tenants' own migrations.

Both build the same tables in the same database, one after the other in pairs whose order alternates. Each way has a
connection of its own, open before its time begins: the template's stays open, as a worker's does; django-tenants closes
its own after every tenant. The first pair is not counted.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from django.db import connection, connections

from tenants.models.dazbox import Dazbox, new_schema_name
from tenants.provisioning.schema import activate_dazbox, build_schema, current_template, take_schema
from tenants.provisioning.spare import tend_pool
from tests.factories import pubkey_of
from tests.load.report import Report

TENANTS = 20
TARGET_RATIO = 8.0
TARGET_CLAIM_MS = 10.0


def measure() -> Report:
    times: dict[str, list[float]] = {"template": [], "migrations": []}
    ways = [("template", build_from_template), ("migrations", build_by_migrations)]
    with ThreadPoolExecutor(1) as template_thread:
        for number in range(-1, TENANTS):
            for way, build in ways if number % 2 else reversed(ways):
                taken = template_thread.submit(time_build, build).result() if way == "template" else time_build(build)
                times[way].append(taken)
        template_thread.submit(connections.close_all).result()
    in_all = [time_build(activate_dazbox) for _ in range(TENANTS + 1)]
    tend_pool(TENANTS + 1)
    from_pool = [time_build(activate_dazbox) for _ in range(TENANTS + 1)]
    tend_pool(TENANTS + 1)
    claims = [time_build(claim_spare) for _ in range(TENANTS + 1)]
    medians = {way: round(median(taken[1:]), 2) for way, taken in times.items()}
    ratio = round(medians["migrations"] / medians["template"], 1)
    return Report(
        f"Provisioning: {TENANTS} tenants each way, on an empty database",
        {
            "tenants": TENANTS,
            "median_template_ms": medians["template"],
            "median_migrations_ms": medians["migrations"],
            "median_activation_ms": round(median(in_all[1:]), 2),
            "median_claim_ms": round(median(claims[1:]), 2),
            "median_activation_from_pool_ms": round(median(from_pool[1:]), 2),
            "target_claim_ms": TARGET_CLAIM_MS,
            "ratio": ratio,
            "target_ratio": TARGET_RATIO,
        },
        [
            ("template script (build_schema), median", f"{medians['template']:.1f} ms"),
            ("django-tenants' migrations (create_schema), median", f"{medians['migrations']:.1f} ms"),
            (f"ratio (target: at least {TARGET_RATIO:.0f})", f"{ratio:.1f} x"),
            ("template script and state of the box (activate_dazbox), median", f"{median(in_all[1:]):.1f} ms"),
            (
                f"a spare schema instead (take_schema; target: {TARGET_CLAIM_MS:.0f} ms), median",
                f"{median(claims[1:]):.1f} ms",
            ),
            ("a spare schema and state of the box (activate_dazbox), median", f"{median(from_pool[1:]):.1f} ms"),
        ],
    )


def time_build(build: Callable[[Dazbox], object]) -> float:
    """Milliseconds, without the tenant's row, which is written before."""
    name = new_schema_name()
    row = Dazbox.objects.create(schema_name=name, pubkey=pubkey_of(name))
    connection.ensure_connection()
    started = time.perf_counter()
    build(row)
    return (time.perf_counter() - started) * 1000


def build_from_template(dazbox: Dazbox) -> None:
    build_schema(dazbox.schema_name, current_template())


def claim_spare(dazbox: Dazbox) -> None:
    assert take_schema(dazbox.schema_name, current_template()) != dazbox.schema_name


def build_by_migrations(dazbox: Dazbox) -> None:
    dazbox.create_schema(check_if_exists=True, verbosity=0)
