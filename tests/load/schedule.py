"""Whose cycle is due when: turns by the box's id beside a beat that calls every tenant at once."""

import datetime as dt
import time
import uuid
from collections import Counter
from random import Random
from statistics import median

from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from nodes.pipeline.schedule import claim_due_cycles
from tenants.models.dazbox import Dazbox, DazboxState, new_schema_name
from tenants.models.schedule import CycleSchedule, next_turn
from tests.factories import pubkey_of
from tests.load.report import Report

TENANTS, PERIOD_S = 10_000, 300
ROUNDS = 10
SEED = 20261120


def measure() -> Report:
    rng = Random(SEED)  # noqa: S311 - seeded on purpose
    ids = [uuid.UUID(int=rng.getrandbits(128), version=4) for _ in range(TENANTS)]
    with override_settings(ENV=settings.ENV.model_copy(update={"cycle_period_s": PERIOD_S})):
        now = timezone.now()
        due = Counter(next_turn(one, now) for one in ids)
        claim_ms, claimed = time_claims(ids, now)
    least, most = min(due.values()), max(due.values())
    return Report(
        f"Schedule: {TENANTS:,} tenants, a cycle each {PERIOD_S} s",
        {
            "tenants": TENANTS,
            "period_s": PERIOD_S,
            "due_a_second_min": least,
            "due_a_second_mean": round(TENANTS / PERIOD_S, 1),
            "due_a_second_max": most,
            "seconds_with_turns": len(due),
            "stock_due_at_once": TENANTS,
            "claims": claimed,
            "median_claim_ms": claim_ms,
        },
        [
            ("due in the busiest second, turns by id", f"{most}"),
            (f"due in the quietest second ({len(due)} of {PERIOD_S} have turns)", f"{least}"),
            ("due in one second where a beat calls all tenants", f"{TENANTS:,}"),
            (f"claiming {claimed} that are due (claim_due_cycles), median of {ROUNDS}", f"{claim_ms:.1f} ms"),
        ],
    )


def time_claims(ids: list[uuid.UUID], now: dt.datetime) -> tuple[float, int]:
    """Milliseconds for the largest claim there is, all being due, and how many cycles it hands out."""
    make_rows(ids, now)
    taken, handed_out = [], []
    for _ in range(ROUNDS):
        handed_out.clear()
        started = time.perf_counter()
        claim_due_cycles(now, handed_out.append)
        taken.append((time.perf_counter() - started) * 1000)
        CycleSchedule.objects.exclude(started_at=None).update(started_at=None)
    return round(median(taken), 1), len(handed_out)


def make_rows(ids: list[uuid.UUID], now: dt.datetime) -> None:
    Dazbox.objects.bulk_create(
        [
            Dazbox(
                id=one,
                schema_name=new_schema_name(),
                pubkey=pubkey_of(str(one)),
                state=DazboxState.ACTIVE,
            )
            for one in ids
        ],
        batch_size=1000,
    )
    CycleSchedule.objects.bulk_create(
        [CycleSchedule(dazbox_id=one, next_run_at=now - dt.timedelta(seconds=1)) for one in ids], batch_size=1000
    )
