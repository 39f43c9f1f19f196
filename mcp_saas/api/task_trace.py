"""Around every task of Celery: its count, and the id of the request that asked for it in messages and log lines."""

import time
from typing import Any

import structlog
from celery import Task
from celery.signals import before_task_publish, task_postrun, task_prerun

from mcp_saas.kit.metrics import note_task
from mcp_saas.kit.request_id import NAME, current_request_id

_STARTED, _BOUND = "dazbox_started_s", "dazbox_bound"


@before_task_publish.connect
def carry_request_id(headers: dict[str, Any] | None = None, **_: Any) -> None:
    request_id = current_request_id()
    if headers is not None and request_id:
        headers.setdefault(NAME, request_id)


@task_prerun.connect
def begin_task(task_id: str = "", task: Task[Any, Any] | None = None, **_: Any) -> None:
    """A worker process does one task at a time, so what is bound here is of this task alone."""
    request = getattr(task, "request", None)
    given = getattr(request, NAME, None) or (getattr(request, "headers", None) or {}).get(NAME)
    if request is not None:
        bound = {"task": getattr(task, "name", "?"), "task_id": task_id} | ({NAME: str(given)} if given else {})
        setattr(request, _BOUND, structlog.contextvars.bind_contextvars(**bound))
        setattr(request, _STARTED, time.perf_counter())


@task_postrun.connect
def end_task(task: Task[Any, Any] | None = None, state: str | None = None, **_: Any) -> None:
    request = getattr(task, "request", None)
    started_s = getattr(request, _STARTED, None)
    if task is not None and started_s is not None:
        note_task(task.name, outcome=(state or "failure").lower(), seconds=time.perf_counter() - started_s)
        structlog.contextvars.reset_contextvars(**getattr(request, _BOUND))
