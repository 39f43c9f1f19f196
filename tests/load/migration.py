"""Two migrations for five hundred tenants: worked out once and sent to each, beside django-tenants' own way.

Django-tenants migrates one tenant after the other; it is given a sample, and its time for all is reckoned from that: it
takes the same time for each at a given number of schemas.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import load_command_class
from django.db import connection
from django.test import override_settings
from django_tenants.migration_executors.standard import StandardExecutor

from tenants.models.dazbox import Dazbox, new_schema_name
from tenants.provisioning.migration import migrate_tenants
from tenants.provisioning.schema import activate_dazbox
from tenants.provisioning.template import refresh_template
from tests.factories import pubkey_of
from tests.load.report import Report

TENANTS, SAMPLE = 500, 20
TARGET_S = 3.0


def measure() -> Report:
    names = [make_tenant(f"migrated {number}") for number in range(TENANTS)]
    with a_later_release():
        sample_s = time_stock(names[:SAMPLE])
        stock_s = round(sample_s / SAMPLE * TENANTS, 1)
        started = time.perf_counter()
        template = refresh_template()
        template_s = round(time.perf_counter() - started, 2)
        Dazbox.objects.filter(schema_name__in=names[:SAMPLE]).update(schema_revision=template.revision)
        started = time.perf_counter()
        outcome = migrate_tenants()
        broadcast_s = round(time.perf_counter() - started, 2)
    assert (outcome.migrated, outcome.failures) == (TENANTS - SAMPLE, {}), outcome
    per_tenant_ms = round(broadcast_s / outcome.migrated * 1000, 2)
    return Report(
        f"Migrations: two columns, an index, a unique constraint, taken back in part; {TENANTS} tenants",
        {
            "tenants": TENANTS,
            "broadcast_tenants": outcome.migrated,
            "broadcast_s": broadcast_s,
            "broadcast_per_tenant_ms": per_tenant_ms,
            "template_s": template_s,
            "stock_sample_tenants": SAMPLE,
            "stock_sample_s": round(sample_s, 2),
            "stock_extrapolated_s": stock_s,
            "target_s": TARGET_S,
        },
        [
            (
                f"{outcome.migrated} tenants (migrate_tenants; target for {TENANTS}: {TARGET_S:.0f} s)",
                f"{broadcast_s:.2f} s",
            ),
            ("one tenant of them", f"{per_tenant_ms:.1f} ms"),
            ("the template before them, once", f"{template_s:.2f} s"),
            (f"django-tenants' migrate_schemas, measured on {SAMPLE}", f"{sample_s:.2f} s"),
            (f"the same for {TENANTS}, extrapolated from that", f"{stock_s:.1f} s"),
        ],
    )


def make_tenant(name: str) -> str:
    row = Dazbox.objects.create(schema_name=new_schema_name(), pubkey=pubkey_of(name))
    return str(activate_dazbox(row).schema_name)


@contextmanager
def a_later_release() -> Iterator[None]:
    with override_settings(MIGRATION_MODULES={"nodes": "tests.fakes.later_migrations"}):
        yield


def time_stock(names: list[str]) -> float:
    command = load_command_class("django.core", "migrate")
    options = vars(command.create_parser("manage.py", "migrate").parse_args([])) | {"verbosity": 0, "skip_checks": True}
    started = time.perf_counter()
    StandardExecutor((), options).run_migrations(tenants=names)
    taken = time.perf_counter() - started
    connection.set_schema_to_public()
    return taken
