"""What the service counts, for Prometheus. Imported once the settings are read: they say whether processes share.

Labels come from closed sets that the code names: operations, tasks, states, outcomes. Never a tenant, a public key or a
model's name: each value of a label is a series of its own, in every process, for ever (docs/adr/0026-metrics.md).
"""

from functools import cache
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
# 20 and 150 ms are promises (cached and uncached answers), so they are bounds.
REQUEST_BUCKETS_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10)
WORK_BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

REQUESTS = Counter("dazbox_http_requests", "HTTP requests answered", ["operation", "status_class"], registry=REGISTRY)
REQUEST_S = Histogram(
    "dazbox_http_request_duration_seconds",
    "Until the answer began",
    ["operation"],
    buckets=REQUEST_BUCKETS_S,
    registry=REGISTRY,
)
TASKS = Counter("dazbox_tasks", "Celery tasks that ended", ["task", "outcome"], registry=REGISTRY)
TASK_S = Histogram("dazbox_task_duration_seconds", "Of one task", ["task"], buckets=WORK_BUCKETS_S, registry=REGISTRY)
JOBS = Counter("dazbox_jobs", "Jobs of boxes, by how an attempt ended", ["task", "outcome"], registry=REGISTRY)
CYCLES = Counter("dazbox_cycles", "Pipeline cycles that ended", ["outcome"], registry=REGISTRY)
CYCLE_S = Histogram(
    "dazbox_cycle_duration_seconds",
    "Of one cycle, the reading of its node included",
    buckets=WORK_BUCKETS_S,
    registry=REGISTRY,
)
ACTIONS = Counter("dazbox_action_steps", "Actions that came into this state", ["state"], registry=REGISTRY)
DELIVERIES = Counter(
    "dazbox_deliveries", "Messages to owners, by how an attempt ended", ["channel", "outcome"], registry=REGISTRY
)
CACHE_READS = Counter("dazbox_cache_reads", "Reads of the cache of answers", ["kind", "outcome"], registry=REGISTRY)
PROVIDER_CALLS = Counter(
    "dazbox_provider_calls", "Calls of systems of others", ["provider", "outcome"], registry=REGISTRY
)
PROVIDER_FIELDS = Counter(
    "dazbox_provider_unusable_fields",
    "Fields of a wrong type or size in their answers",
    ["provider"],
    registry=REGISTRY,
)
MODEL_TOKENS = Counter("dazbox_model_tokens", "Tokens of language models, in and out", registry=REGISTRY)
MODEL_DROPPED = Counter(
    "dazbox_model_sentences_dropped",
    "Sentences of models that were not borne out",
    registry=REGISTRY,
)

FEEDBACK = Counter(
    "dazbox_feedback", "Words of owners on recommendations, by type", ["type", "verdict"], registry=REGISTRY
)


def note_request(operation: str, *, status: int, seconds: float) -> None:
    _find_series(REQUESTS, operation, f"{status // 100}xx").inc()
    _find_series(REQUEST_S, operation).observe(seconds)


def note_task(task: str, *, outcome: str, seconds: float) -> None:
    """`outcome` in Celery's words: success, failure, retry, revoked."""
    TASKS.labels(task, outcome).inc()
    TASK_S.labels(task).observe(seconds)


def note_job(task: str, *, outcome: str) -> None:
    """`outcome`: done, failed (tried again), parked."""
    JOBS.labels(task, outcome).inc()


def note_cycle(*, outcome: str, seconds: float) -> None:
    """`outcome`: done, failed."""
    CYCLES.labels(outcome).inc()
    CYCLE_S.observe(seconds)


def note_lost_cycles(count: int) -> None:
    """Their worker died: nobody knows when."""
    CYCLES.labels("lost").inc(count)


def note_action(state: str, *, count: int = 1) -> None:
    ACTIONS.labels(state).inc(count)


def note_delivery(channel: str, *, outcome: str) -> None:
    """`channel`: telegram, webhook. `outcome`: sent, later, refused."""
    DELIVERIES.labels(channel, outcome).inc()


def note_cache(kind: str, *, outcome: str) -> None:
    """`outcome`: hits, stale, misses, bypassed, or away: the cache does not answer."""
    _find_series(CACHE_READS, kind, outcome).inc()


def note_provider(provider: str, *, outcome: str) -> None:
    """`outcome`: answered, or the word of the fault."""
    PROVIDER_CALLS.labels(provider, outcome).inc()


def note_unusable_fields(provider: str, count: int) -> None:
    PROVIDER_FIELDS.labels(provider).inc(count)


def note_tokens(count: int) -> None:
    MODEL_TOKENS.inc(count)


def note_dropped(count: int) -> None:
    MODEL_DROPPED.inc(count)


def note_feedback(kind: str, *, verdict: str) -> None:
    """`kind`: of a recommendation. `verdict`: useful, not_useful, done, failed."""
    FEEDBACK.labels(kind, verdict).inc()


@cache
def _find_series(family: Any, *labels: str) -> Any:
    """What every request counts in: looking it up takes longer than counting."""
    return family.labels(*labels)
