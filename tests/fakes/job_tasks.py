"""Tasks beside the product's own: `celery -A mcp_saas.celery worker --include tests.fakes.job_tasks`."""

import os
import signal
import time
from functools import cache

import redis
from celery import shared_task
from django.conf import settings

from mcp_saas.kit.errors import Problem
from nodes.models.journal import JournalEntry
from nodes.pipeline.ingest import accept_forwards
from nodes.pipeline.journal import note
from tenants.context import leave_tenant
from tenants.models.job import Job
from tenants.tasks import TenantTask
from tests.factories import make_forward


@shared_task(base=TenantTask, name="tests.store_forward")
def store_forward(number: int) -> None:
    """Twice is once: a forward is known by its id. The box's journal is read after that is committed."""
    accept_forwards([make_forward(number)], str(number))
    JournalEntry.objects.count()


@shared_task(base=TenantTask, name="tests.note_neighbours")
def note_neighbours() -> None:
    """How many jobs of all boxes wait while this one runs, written to the box's own journal."""
    with leave_tenant():
        waiting = Job.objects.filter(attempts=0).count()
    note("queue", "Neighbours counted", waiting=waiting)


@shared_task(base=TenantTask, name="tests.fail")
def fail() -> None:
    raise Problem(502, "away", "The other side is away")


@shared_task(name="tests.break")
def break_with(word: str) -> None:
    """A task of no box's, whose fault quotes what it should not."""
    raise ValueError(f"refused: {word}")


@shared_task(base=TenantTask, name="tests.kill_worker")
def kill_worker() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@shared_task(base=TenantTask, name="tests.note_wait")
def note_wait(queued_at_s: float, key: str) -> None:
    """Pushes the seconds it waited onto the list `key` of the store, and takes 5 ms."""
    find_store().rpush(key, time.time() - queued_at_s)
    time.sleep(0.005)  # noqa: TID251 - a benchmark's job takes a known time


@cache
def find_store() -> redis.Redis:
    return redis.Redis.from_url(settings.ENV.redis_url)
