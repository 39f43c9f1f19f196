"""What the service counts: as text for Prometheus at `/metrics`, and summed up as JSON for people's programs."""

import datetime as dt
import hmac
import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from msgspec import Struct
from prometheus_client import Metric
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from mcp_saas.api.auth import Principal, require_scope
from mcp_saas.api.body import answer
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView
from mcp_saas.kit.metric_folder import TEXT, collect, read_start, write_text
from mcp_saas.kit.ttl_cache import TtlCache

log = structlog.get_logger(__name__)
Reader = Callable[[], Iterable[Metric]]
KEPT_S = 15.0  # so coarse that nobody reads a neighbour's requests out of the sums
# By any of these a proxy tells that it passes on what somebody else asked.
_FORWARDED = re.compile(
    r"HTTP_(?:X_FORWARDED_\w+|X_ORIGINAL_\w+|X_REAL_IP|X_CLIENT_IP|X_CLUSTER_CLIENT_IP|TRUE_CLIENT_IP|FORWARDED|VIA"
    r"|CF_\w+|CDN_LOOP|FASTLY_\w+|X_ENVOY_\w+)"
)
_summaries: TtlCache[str, "MetricsAnswer"] = TtlCache(max_entries=1, ttl_s=KEPT_S)


class MetricsAnswer(Struct, frozen=True):
    """The whole service since its start. Null: nothing was counted yet."""

    request_count: int
    average_response_time: float | None  # seconds
    cache_hit_ratio: float | None  # of the cache of answers
    error_rate: float | None  # the share of answers 5xx
    last_updated: dt.datetime
    since: dt.datetime | None  # when counting began; null: not known


class MetricsView(ApiView):
    permission_classes = (require_scope("device", "read", "act", "provisioning", "operator"),)

    @endpoint("get_metrics", summary="Figures of the service", tag="service", answers={200: MetricsAnswer})
    def get(self, request: Request) -> HttpResponse:
        """Of all boxes and all processes together, from the counters Prometheus reads; nothing in it is of one box.
        Counted anew every 15 seconds.
        """
        found = _summaries.find_or_load("all", _summarise_all)
        return answer(found, headers={"Cache-Control": "no-store"})


class ScrapeAuthentication(BaseAuthentication):
    """METRICS_TOKEN; without one, in development alone, whoever is on this machine and comes through no proxy."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:
        token, header = settings.ENV.metrics_token, request.META.get("HTTP_AUTHORIZATION", "")
        if token is not None:
            wanted = f"Bearer {token.get_secret_value()}"
            is_let_in = hmac.compare_digest(header.encode(errors="replace"), wanted.encode())
        else:
            is_let_in = not header and settings.ENV.profile == "dev" and _is_local(request.META)
        return (Principal("scrape", frozenset({"metrics"})), None) if is_let_in else None


class ScrapeView(ApiView):
    """`readers`: figures that are asked for at the moment of the scrape, of layers above this one."""

    permission_classes = (require_scope("metrics", "operator"),)
    rate_class = None  # who may ask is one of ours
    readers: ClassVar[Sequence[Reader]] = ()

    def get_authenticators(self) -> list[BaseAuthentication]:
        return [ScrapeAuthentication(), *super().get_authenticators()]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        metrics = collect(settings.ENV.prometheus_multiproc_dir)
        for reader in self.readers:
            metrics += _read(reader)
        return HttpResponse(write_text(metrics), content_type=TEXT, headers={"Cache-Control": "no-store"})


def _summarise_all() -> MetricsAnswer:
    folder = settings.ENV.prometheus_multiproc_dir
    return summarise(collect(folder), since=read_start(folder))


def summarise(counted: Iterable[Metric], *, since: dt.datetime | None = None) -> MetricsAnswer:
    sums = _add_up(counted)
    requests, failed = sums("dazbox_http_requests_total"), sums("dazbox_http_requests_total", status_class="5xx")
    found = {outcome: sums("dazbox_cache_reads_total", outcome=outcome) for outcome in ("hits", "stale", "misses")}
    reads, hits = sum(found.values()), found["hits"] + found["stale"]
    timed = sums("dazbox_http_request_duration_seconds_count")
    return MetricsAnswer(
        int(requests),
        round(sums("dazbox_http_request_duration_seconds_sum") / timed, 6) if timed else None,
        round(hits / reads, 4) if reads else None,
        round(failed / requests, 6) if requests else None,
        timezone.now(),
        since,
    )


def _add_up(metrics: Iterable[Metric]) -> Callable[..., float]:
    samples = [sample for metric in metrics for sample in metric.samples]

    def add(name: str, **labels: str) -> float:
        return sum(one.value for one in samples if one.name == name and labels.items() <= one.labels.items())

    return add


def _read(reader: Reader) -> list[Metric]:
    """A system that is away costs its own figures, not the others."""
    try:
        return list(reader())
    except Exception as error:  # noqa: BLE001 - whatever it is, Prometheus sees that the figures are missing
        log.warning("metrics_not_read", reader=getattr(reader, "__name__", "?"), error=type(error).__name__)
        return []


def _is_local(meta: dict[str, Any]) -> bool:
    try:
        is_loopback = ipaddress.ip_address(meta.get("REMOTE_ADDR", "")).is_loopback
        return is_loopback and not any(_FORWARDED.fullmatch(name) for name in meta)
    except ValueError:
        return False
