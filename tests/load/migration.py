"""Two migrations for 500 tenants, and for 2,000: worked out once and sent to each, beside django-tenants' own way.

Django-tenants migrates one tenant after the other; it is given a sample, and its time for all is reckoned from that: it
takes the same time for each at a given number of schemas.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TypeVar

from django.core.management import load_command_class
from django.db import connection
from django.test import override_settings
from django_tenants.migration_executors.standard import StandardExecutor

from tenants.models.dazbox import Dazbox, new_schema_name
from tenants.provisioning.migration import migrate_tenants
from tenants.provisioning.schema import activate_dazbox
from tenants.provisioning.template import refresh_template
from tests.factories import pubkey_of
from tests.load.database import empty_database
from tests.load.report import Report

T = TypeVar("T")
SIZES, SAMPLE = (500, 2_000), 25
TARGETS_S = {500: 3.0, 2_000: 12.0}


@dataclass(frozen=True, slots=True)
class Migration:
    """`broadcast_tenants` of all in `broadcast_s` seconds, the others, a sample, in `stock_sample_s`."""

    tenants: int
    broadcast_tenants: int
    broadcast_s: float
    template_s: float
    stock_sample_s: float

    @property
    def stock_extrapolated_s(self) -> float:
        return round(self.stock_sample_s / SAMPLE * self.tenants, 1)


def measure() -> Report:
    runs = [measure_size(tenants) for tenants in SIZES]
    return Report(
        "Migrations: two columns, an index, a unique constraint, taken back in part",
        {"stock_sample_tenants": SAMPLE, "sizes": [describe(run) for run in runs]},
        [line for run in runs for line in make_lines(run)],
    )


def measure_size(tenants: int) -> Migration:
    with empty_database():
        names = [make_tenant(f"migrated {number}") for number in range(tenants)]
        with a_later_release():
            sample_s = time_stock(names[:SAMPLE])
            template_s, template = time_call(refresh_template)
            Dazbox.objects.filter(schema_name__in=names[:SAMPLE]).update(schema_revision=template.revision)
            broadcast_s, outcome = time_call(migrate_tenants)
    assert (outcome.migrated, outcome.failures) == (tenants - SAMPLE, {}), outcome
    return Migration(tenants, outcome.migrated, round(broadcast_s, 2), round(template_s, 2), round(sample_s, 2))


def describe(run: Migration) -> dict[str, float]:
    return {
        **asdict(run),
        "broadcast_per_tenant_ms": round(run.broadcast_s / run.broadcast_tenants * 1000, 2),
        "stock_extrapolated_s": run.stock_extrapolated_s,
        "target_s": TARGETS_S[run.tenants],
    }


def make_lines(run: Migration) -> list[tuple[str, str]]:
    target = f"target for {run.tenants:,}: {TARGETS_S[run.tenants]:.0f} s"
    return [
        (
            f"{run.broadcast_tenants:,} of {run.tenants:,} tenants (migrate_tenants; {target})",
            f"{run.broadcast_s:.2f} s",
        ),
        ("... the template before them, once", f"{run.template_s:.2f} s"),
        (f"... django-tenants' migrate_schemas for {SAMPLE} of them", f"{run.stock_sample_s:.2f} s"),
        (f"... the same for {run.tenants:,}, extrapolated from that", f"{run.stock_extrapolated_s:.1f} s"),
    ]


def time_call(run: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    answer = run()
    return time.perf_counter() - started, answer


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
