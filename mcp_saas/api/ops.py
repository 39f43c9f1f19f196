"""Is the service up, and what is it made of."""

import time
from collections.abc import Callable, Mapping
from typing import ClassVar, Literal, NamedTuple

import structlog
from celery import current_app
from django.conf import settings
from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from kombu.exceptions import OperationalError as BrokerError
from msgspec import UNSET, Struct, UnsetType
from redis.exceptions import RedisError
from rest_framework.request import Request

from mcp_saas.api.auth import Open
from mcp_saas.api.body import answer
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.outside import read_outside_states
from mcp_saas.api.view import ApiView
from mcp_saas.kit.cache import find_cache
from mcp_saas.kit.errors import Problem
from mcp_saas.kit.recent import Recent
from mcp_saas.kit.version import VERSION

log = structlog.get_logger(__name__)
ServiceState = Literal["connected", "degraded", "disconnected", "not_configured"]
Probe = Callable[[], ServiceState]
_started = time.monotonic()
_PROBE_S = 0.5
OWNERS_SERVERS = {"lnbits_api"}  # shown, but none of ours: an owner's server that is off is no fault of the service
_VERBOSE = OpenApiParameter(
    "verbose", {"type": "boolean", "default": False}, description="also how long each part took to answer"
)


class CacheStats(Struct, frozen=True):
    """Of the cache of answers, by all processes since Redis was started; the ratio is null before the first read.

    An old answer that was given while a new one was made is a hit; what was asked for past the cache is neither.
    """

    hits: int
    misses: int
    hit_ratio: float | None


class HealthAnswer(Struct, frozen=True):
    """Whether the service works, part by part."""

    status: Literal["healthy", "degraded", "unhealthy"]
    services: dict[str, ServiceState]
    version: str
    cache_stats: CacheStats | None  # null: the cache does not answer
    uptime_seconds: int
    latency_ms: dict[str, int] | UnsetType = UNSET  # of each part that was asked; only when verbose


class Examined(NamedTuple):
    services: dict[str, ServiceState]
    latency_ms: dict[str, int]
    cache_stats: CacheStats | None


examined: Recent[Examined] = Recent(ttl_s=2)


class HealthView(ApiView):
    permission_classes = (Open,)
    authentication_classes = ()
    rate_class = None  # probes ask as often as they like
    probes: ClassVar[Mapping[str, Probe]] = {}  # of the layers above, by the name of the service

    @endpoint(
        "get_health",
        summary="Health of the service",
        tag="service",
        answers={200: HealthAnswer, 503: HealthAnswer},
        parameters=[_VERBOSE],
        takes_any_query=True,  # a probe that keeps caches away by a number of its own must not find us ill
        is_open=True,
        is_limited=False,
    )
    def get(self, request: Request) -> HttpResponse:
        """503 without the database, for nothing works then; `degraded` without cache or broker, for reads still work.
        Systems of others are told of by the last twenty calls to them, of all boxes; none is called for this. An
        answer is of the last two seconds, or older while the parts are being asked. Not counted by the rate limits.
        """
        verbose = request.GET.get("verbose", "false")
        if verbose not in {"true", "false"}:
            raise Problem(400, "bad-filter", "Bad filter", detail="verbose is true or false")
        found = examined.find(lambda: examine({**PROBES, **self.probes}))
        status = _sum_up(found.services)
        body = HealthAnswer(
            status,
            found.services,
            VERSION,
            found.cache_stats,
            int(time.monotonic() - _started),
            found.latency_ms if verbose == "true" else UNSET,
        )
        return answer(body, status=503 if status == "unhealthy" else 200, headers={"Cache-Control": "no-store"})


def examine(probes: Mapping[str, Probe]) -> Examined:
    probed = {name: _measure(probe) for name, probe in probes.items()}
    services = {name: state for name, (state, _) in probed.items()} | read_outside_states()
    cache_stats = read_cache_stats() if services["cache"] == "connected" else None
    return Examined(services, {name: latency_ms for name, (_, latency_ms) in probed.items()}, cache_stats)


def probe_database() -> ServiceState:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("database_probe_failed", error=type(error).__name__)
        return "disconnected"
    return "connected"


def probe_cache() -> ServiceState:
    try:
        cache.set("health", 1, timeout=60)
    except RedisError as error:
        log.warning("cache_probe_failed", error=type(error).__name__)
        return "disconnected"
    return "connected"


def probe_broker() -> ServiceState:
    try:
        limits = {"socket_timeout": _PROBE_S}
        with current_app.connection_for_read(connect_timeout=_PROBE_S, transport_options=limits) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=1)
    except (BrokerError, RedisError, OSError) as error:
        log.warning("broker_probe_failed", error=type(error).__name__)
        return "disconnected"
    return "connected"


def read_cache_stats() -> CacheStats | None:
    """None: the cache does not answer."""
    kinds = find_cache(settings.ENV.redis_url).read_statistics()
    if kinds is None:
        return None
    hits = sum(kind.hits + kind.stale for kind in kinds.values())
    misses = sum(kind.misses for kind in kinds.values())
    return CacheStats(hits, misses, round(hits / (hits + misses), 4) if hits + misses else None)


PROBES: dict[str, Probe] = {
    "database": probe_database,
    "cache": probe_cache,
    "broker": probe_broker,
}


def _measure(probe: Callable[[], ServiceState]) -> tuple[ServiceState, int]:
    """What the probe says, and after how many milliseconds."""
    started = time.monotonic()
    state = probe()
    return state, round((time.monotonic() - started) * 1000)


def _sum_up(services: dict[str, ServiceState]) -> Literal["healthy", "degraded", "unhealthy"]:
    if services["database"] != "connected":
        return "unhealthy"
    states = {state for name, state in services.items() if name not in OWNERS_SERVERS}
    return "degraded" if {"disconnected", "degraded"} & states else "healthy"
