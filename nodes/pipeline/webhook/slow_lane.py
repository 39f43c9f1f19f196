"""Endpoints that answer slowly hold one worker process at a time, of all boxes together: others never wait for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import structlog
from django.core.cache import cache

from nodes.models.webhook import WebhookEndpoint
from nodes.notify.webhook.client import WITHIN_S

KEY = "webhooks:slow-lane"
LEASE_S = int(2 * WITHIN_S)  # a worker that died in it holds it no longer
log = structlog.get_logger(__name__)


@contextmanager
def enter_slow_lane(endpoint: WebhookEndpoint) -> Iterator[bool]:
    """Whether the endpoint may be tried now: one that is quick always may. Without Redis nobody is held back."""
    if not endpoint.is_slow:
        yield True
        return
    token = uuid4().hex
    has_entered = _take(token)
    try:
        yield has_entered
    finally:
        if has_entered:
            _give_back(token)


def _take(token: str) -> bool:
    try:
        return bool(cache.add(KEY, token, timeout=LEASE_S))
    except Exception as error:  # noqa: BLE001 - whatever its client raises: messages go out all the same
        log.warning("slow_lane_unguarded", error=type(error).__name__)
        return True


def _give_back(token: str) -> None:
    """Unless the lease ended and it is somebody else's."""
    try:
        if cache.get(KEY) == token:
            cache.delete(KEY)
    except Exception as error:  # noqa: BLE001 - the lease ends by itself
        log.warning("slow_lane_unguarded", error=type(error).__name__)
