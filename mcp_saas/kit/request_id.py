"""The id of the request on whose behalf something is done. It travels with the work: tasks, jobs, logs, reports."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

NAME = "request_id"  # in log lines, headers of messages and tags of error reports


def current_request_id() -> str | None:
    """None: nobody asked, as where beat began it."""
    found = structlog.contextvars.get_contextvars().get(NAME)
    return found if isinstance(found, str) else None


@contextmanager
def on_behalf_of(request_id: str | None) -> Iterator[None]:
    """Every log line in the block names it; None: those say nothing of a request, whatever was said outside."""
    outside = current_request_id()
    structlog.contextvars.unbind_contextvars(NAME)
    try:
        if request_id:
            structlog.contextvars.bind_contextvars(**{NAME: request_id})
        yield
    finally:
        structlog.contextvars.unbind_contextvars(NAME)
        if outside:
            structlog.contextvars.bind_contextvars(**{NAME: outside})
