"""What encryption costs: a node's hundred thousand forwards read from the database, sealed and in the clear."""

import datetime as dt
import time
from collections.abc import Callable
from statistics import median

from django.db import connection

from nodes.engine.report import Forward
from nodes.models.forward import ForwardDay
from nodes.pipeline.ingest import accept_forwards
from nodes.selectors.forward import load_forwards
from tenants.context import current_schema, enter_tenant, use_schema
from tenants.sealing.payload import pack, unpack
from tests.factories import TAKEN_AT, make_box
from tests.load.node import make_channels, make_forwards
from tests.load.report import Report

CHANNELS, FORWARDS = 50, 100_000
REPEATS = 7
TARGET_S = 0.5
SINCE, UNTIL = TAKEN_AT - dt.timedelta(days=8), TAKEN_AT + dt.timedelta(days=1)


def measure() -> Report:
    with enter_tenant(make_box("bench").tenant):
        accept_forwards(list(make_forwards(FORWARDS, make_channels(CHANNELS))), "end")
        stored_bytes = store_plaintext()
        ways = {"sealed": read_sealed, "plain": read_plain}
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(REPEATS):  # in turns: what else runs on the machine meets both
            for name, read in ways.items():
                taken[name].append(time_cpu(read))
    best = {f"{name}_cpu_s": round(min(values), 4) for name, values in taken.items()}
    middle = {f"{name}_median_cpu_s": round(median(values), 4) for name, values in taken.items()}
    return Report(
        f"Encryption: {FORWARDS:,} forwards of a week read from the database, least of {REPEATS} readings in turns",
        {"forwards": FORWARDS, "stored_bytes": stored_bytes, "target_cpu_s": TARGET_S} | best | middle,
        [
            (f"sealed (target {TARGET_S} CPU-s)", f"{best['sealed_cpu_s']:.3f} CPU-s"),
            ("in the clear, in a table beside it", f"{best['plain_cpu_s']:.3f} CPU-s"),
            ("stored, sealed", f"{stored_bytes / 1e6:.1f} MB"),
        ],
    )


def store_plaintext() -> int:
    """The same days in a table of their own, as they would be without encryption. Bytes of the sealed ones."""
    with connection.cursor() as cursor:
        with use_schema(current_schema()):
            cursor.execute("CREATE TABLE plain_forward_day (day date PRIMARY KEY, forwards bytea NOT NULL)")
        for row in ForwardDay.objects.all():
            cursor.execute("INSERT INTO plain_forward_day VALUES (%s, %s)", [row.day, pack(row.forwards)])
        cursor.execute("SELECT sum(length(forwards)) FROM nodes_forwardday")
        return int(cursor.fetchone()[0])


def read_sealed() -> list[Forward]:
    return load_forwards(since=SINCE, until=UNTIL)


def read_plain() -> list[Forward]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT forwards FROM plain_forward_day WHERE day BETWEEN %s AND %s ORDER BY day", [SINCE, UNTIL]
        )
        days = [unpack(bytes(stored), list[Forward]) for (stored,) in cursor.fetchall()]
    return [forward for day in days for forward in day if SINCE <= forward.settled_at < UNTIL]


def time_cpu(read: Callable[[], list[Forward]]) -> float:
    started = time.process_time()
    forwards = read()
    taken = time.process_time() - started
    assert len(forwards) == FORWARDS
    return taken
