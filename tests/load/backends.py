"""The memory of one backend that serves many tenants: kept for ever, and replaced after a number of them."""

import time

from django.apps import apps
from django.conf import settings
from django.db import close_old_connections, connection
from django.test import override_settings

from tenants.context import enter_tenant
from tests.factories import Box, make_box
from tests.load.report import Report

TENANTS, LIMIT = 400, 100
MEMORY = "SET LOCAL ROLE pg_monitor; SELECT sum(total_bytes) FROM pg_backend_memory_contexts"


def measure() -> Report:
    boxes = [make_box(f"served {number}") for number in range(TENANTS)]
    kept_mb, kept_s = serve_all(boxes, limit=10 * TENANTS)
    recycled_mb, recycled_s = serve_all(boxes, limit=LIMIT)
    return Report(
        f"Backends: the largest one's memory while {TENANTS} tenants are served, all tables of each",
        {
            "tenants": TENANTS,
            "tenants_per_connection": LIMIT,
            "kept_mb": kept_mb,
            "kept_s": kept_s,
            "recycled_mb": recycled_mb,
            "recycled_s": recycled_s,
            "kept_mb_per_100_tenants": round(kept_mb / TENANTS * 100, 1),
        },
        [
            ("one connection for all (the stock way)", f"{kept_mb:.1f} MB"),
            (f"another one after {LIMIT} tenants", f"{recycled_mb:.1f} MB"),
            ("time for all with one connection", f"{kept_s:.2f} s"),
            (f"time with another one after {LIMIT}", f"{recycled_s:.2f} s"),
        ],
    )


def serve_all(boxes: list[Box], *, limit: int) -> tuple[float, float]:
    """Megabytes of the largest backend, and seconds without the measuring."""
    largest, taken_s = 0, 0.0
    connection.close()
    with override_settings(ENV=settings.ENV.model_copy(update={"tenants_per_connection": limit})):
        for number, box in enumerate(boxes, start=1):
            started = time.perf_counter()
            touch_tables(box)
            taken_s += time.perf_counter() - started
            if number % 20 == 0:
                largest = max(largest, read_memory())
            started = time.perf_counter()
            close_old_connections()
            taken_s += time.perf_counter() - started
    return round(largest / 1e6, 1), round(taken_s, 2)


def touch_tables(box: Box) -> None:
    with enter_tenant(box.tenant):
        for model in apps.get_app_config("nodes").get_models():
            model.objects.first()


def read_memory() -> int:
    with connection.cursor() as cursor:
        cursor.execute(MEMORY)
        cursor.nextset()
        return int(cursor.fetchone()[0])
