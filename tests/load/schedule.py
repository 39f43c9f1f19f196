"""Whose cycle is due when: turns by the box's id beside a beat that calls every tenant at once."""

import datetime as dt
import time
import uuid
from collections import Counter
from random import Random
from statistics import median

import redis
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from mcp_saas.embedded.environment import celery_url
from nodes.pipeline.schedule import claim_due_cycles
from tenants.engine.turn import find_period_turn
from tenants.models.dazbox import Dazbox, DazboxState, new_schema_name
from tenants.models.schedule import CycleSchedule
from tenants.tasks import HEADER
from tests.celery_worker import BROKER_DATABASE, client_of
from tests.engines import shift_redis_database
from tests.factories import pubkey_of
from tests.load.report import Report

SIZES, PERIOD_S = (2_000, 10_000), 300
ROUNDS = 10
SEED = 20261120


def measure() -> Report:
    rng = Random(SEED)  # noqa: S311 - seeded on purpose
    ids = [uuid.UUID(int=rng.getrandbits(128), version=4) for _ in range(max(SIZES))]
    with override_settings(ENV=settings.ENV.model_copy(update={"cycle_period_s": PERIOD_S})):
        now = timezone.now()
        spreads = {size: Counter(find_period_turn(one, now, period_s=PERIOD_S) for one in ids[:size]) for size in SIZES}
        claim_ms, claimed = time_claims(ids, now)
    fan_out_s = time_fan_out(ids[: min(SIZES)])
    return Report(
        f"Schedule: a cycle each {PERIOD_S} s for every tenant",
        {
            "period_s": PERIOD_S,
            "sizes": [describe_spread(size, due) for size, due in spreads.items()],
            "stock_fan_out_tenants": min(SIZES),
            "stock_fan_out_s": fan_out_s,
            "claims": claimed,
            "median_claim_ms": claim_ms,
        },
        [
            *(line for size, due in spreads.items() for line in make_lines(size, due)),
            (f"a beat that calls {min(SIZES):,} tenants at once is busy sending for", f"{fan_out_s:.1f} s"),
            (f"claiming {claimed} that are due (claim_due_cycles), median of {ROUNDS}", f"{claim_ms:.1f} ms"),
        ],
    )


def describe_spread(size: int, due: Counter[dt.datetime]) -> dict[str, float]:
    return {
        "tenants": size,
        "due_a_second_mean": round(size / PERIOD_S, 1),
        "due_a_second_max": max(due.values()),
        "seconds_with_turns": len(due),
        "stock_due_at_once": size,
    }


def make_lines(size: int, due: Counter[dt.datetime]) -> list[tuple[str, str]]:
    return [
        (f"{size:,} tenants, due in the busiest second (mean {size / PERIOD_S:.1f})", f"{max(due.values())}"),
        ("... where a beat calls all tenants at once", f"{size:,}"),
    ]


def time_fan_out(ids: list[uuid.UUID]) -> float:
    """Seconds until a message for each of them is with the broker."""
    redis_url = shift_redis_database(settings.ENV.redis_url, BROKER_DATABASE)
    with redis.Redis.from_url(redis_url) as store, client_of(celery_url(redis_url)) as app:
        started = time.perf_counter()
        for one in ids:
            app.send_task("stock", headers={HEADER: str(one)})
        taken = time.perf_counter() - started
        assert store.llen("celery") == len(ids)
        store.flushdb()
    return round(taken, 1)


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
