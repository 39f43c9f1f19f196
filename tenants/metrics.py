"""What waits, asked at the moment of a scrape: a figure of the database is true whichever process tells it."""

import datetime as dt
from collections.abc import Iterable
from typing import Any, cast

from celery import current_app
from django.db.models import Count, Min, Q
from django.utils import timezone
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.job import Job
from tenants.models.schedule import CycleSchedule

BROKER_QUEUE = "celery"
PROBE_S = 2


def read_queues() -> Iterable[Metric]:
    """Jobs and cycles that wait, and how many boxes there are, by state. Three statements of indexed tables."""
    now = timezone.now()
    jobs = Job.objects.aggregate(
        waiting=Count("id", filter=Q(due_at__lte=now)),
        parked=Count("id", filter=Q(due_at=None)),
        oldest=Min("due_at", filter=Q(dazbox__state=DazboxState.ACTIVE)),
    )
    cycles = CycleSchedule.objects.filter(dazbox__state=DazboxState.ACTIVE).aggregate(
        running=Count("dazbox", filter=~Q(started_at=None)),
        slow=Count("dazbox", filter=Q(is_slow=True)),
        oldest=Min("next_run_at", filter=Q(started_at=None)),
    )
    yield GaugeMetricFamily("dazbox_jobs_waiting", "Jobs of boxes that are due", jobs["waiting"])
    yield GaugeMetricFamily("dazbox_jobs_parked", "Jobs that failed for good", jobs["parked"])
    yield GaugeMetricFamily("dazbox_job_oldest_seconds", "How late the latest job is", _late_s(jobs["oldest"], now))
    yield GaugeMetricFamily("dazbox_cycles_handed_out", "Cycles that wait for a worker or run", cycles["running"])
    yield GaugeMetricFamily("dazbox_cycles_slow", "Boxes in the slow lane", cycles["slow"])
    late_s = _late_s(cycles["oldest"], now)
    yield GaugeMetricFamily("dazbox_cycle_oldest_seconds", "How late the latest cycle is", late_s)
    boxes = GaugeMetricFamily("dazbox_boxes", "Boxes by state", labels=["state"])
    counts = dict(Dazbox.objects.values_list("state").annotate(count=Count("id")))
    for state in DazboxState.values:
        boxes.add_metric([state], counts.get(state, 0))
    yield boxes


def read_broker() -> Iterable[Metric]:
    """Messages that no worker has taken yet."""
    limits = {"socket_timeout": PROBE_S, "socket_connect_timeout": PROBE_S}
    with current_app.connection_for_read(connect_timeout=PROBE_S, transport_options=limits) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=PROBE_S)
        count = cast("Any", broker.default_channel).client.llen(BROKER_QUEUE)
    yield GaugeMetricFamily("dazbox_broker_messages", "Messages that wait for a worker", count)


def _late_s(moment: dt.datetime | None, now: dt.datetime) -> float:
    return max(0.0, (now - moment).total_seconds()) if moment else 0.0
