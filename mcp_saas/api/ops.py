"""Is the service up, and what is it made of."""

import time
from typing import Literal

import structlog
from celery import current_app
from django.core.cache import cache
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpResponse
from kombu.exceptions import OperationalError as BrokerError
from msgspec import Struct
from redis.exceptions import RedisError
from rest_framework.request import Request

from mcp_saas.api.auth import Open
from mcp_saas.api.body import answer
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView
from mcp_saas.kit.version import VERSION

log = structlog.get_logger(__name__)
ServiceState = Literal["connected", "degraded", "disconnected", "not_configured"]
_started = time.monotonic()
_PROBE_S = 2


class HealthAnswer(Struct, frozen=True):
    """Whether the service works, part by part."""

    status: Literal["healthy", "degraded", "unhealthy"]
    services: dict[str, ServiceState]
    version: str
    uptime_seconds: int


class HealthView(ApiView):
    """Without the database nothing works (503); without cache or broker reads still do."""

    permission_classes = (Open,)
    authentication_classes = ()
    rate_class = None  # probes ask as often as they like

    @endpoint(
        "get_health",
        summary="Health of the service",
        tag="service",
        answers={200: HealthAnswer, 503: HealthAnswer},
        is_open=True,
        is_limited=False,
    )
    def get(self, request: Request) -> HttpResponse:
        services: dict[str, ServiceState] = {
            "database": probe_database(),
            "cache": probe_cache(),
            "broker": probe_broker(),
            "vector_store": "not_configured",
            "openai_api": "not_configured",
            "sparkseer_api": "not_configured",
            "lnbits_api": "not_configured",
        }
        status = _sum_up(services)
        body = HealthAnswer(status, services, VERSION, int(time.monotonic() - _started))
        return answer(body, status=503 if status == "unhealthy" else 200, headers={"Cache-Control": "no-store"})


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
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=_PROBE_S)
    except (BrokerError, RedisError, OSError) as error:
        log.warning("broker_probe_failed", error=type(error).__name__)
        return "disconnected"
    return "connected"


def _sum_up(services: dict[str, ServiceState]) -> Literal["healthy", "degraded", "unhealthy"]:
    if services["database"] != "connected":
        return "unhealthy"
    return "degraded" if {"disconnected", "degraded"} & set(services.values()) else "healthy"
