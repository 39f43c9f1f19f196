"""How often may this caller ask? Counted in Redis for all processes; in this process while Redis is away."""

import ipaddress
import math
import time
from functools import cache
from threading import Lock

import redis
import structlog
from django.conf import settings
from redis.exceptions import RedisError
from rest_framework.request import Request

from mcp_saas.api.auth import Principal
from mcp_saas.kit.errors import Problem
from mcp_saas.kit.gcra import LocalLimiter, Quota, Toll, Verdict
from mcp_saas.kit.gcra_script import GCRA
from mcp_saas.kit.redis_script import Line, Script

log = structlog.get_logger(__name__)
_REDIS_BUDGET_S = 0.2
_RETRY_REDIS_S = 5.0
_V6_SITE_BITS = 64  # whoever has one address of a /64 has them all


class Limiter:
    """Redis decides; when it does not answer, a local limiter takes over and Redis is asked again every 5 seconds."""

    def __init__(self, url: str) -> None:
        client = redis.Redis.from_url(
            url, socket_timeout=_REDIS_BUDGET_S, socket_connect_timeout=_REDIS_BUDGET_S, retry=None
        )
        self._script = Script(Line(client), GCRA)
        self._local = LocalLimiter(time.monotonic)
        self._lock = Lock()
        self._away_until_s = 0.0
        self.local_count = 0  # verdicts given without Redis since it went away

    def judge(self, quota: Quota, caller: str) -> Verdict:
        if time.monotonic() >= self._away_until_s:
            try:
                verdict = self._ask_redis(quota, caller)
            except RedisError as error:
                self._note_away(error)
            else:
                self._note_back()
                return verdict
        with self._lock:
            self.local_count += 1
        return self._local.judge(quota, caller)

    def _ask_redis(self, quota: Quota, caller: str) -> Verdict:
        """One round trip."""
        return quota.read_verdict(self._script(keys=(name_counter(quota, caller),), args=quota.as_arguments()))

    def _note_away(self, error: RedisError) -> None:
        with self._lock:
            was_here, self._away_until_s = self._away_until_s == 0.0, time.monotonic() + _RETRY_REDIS_S
        if was_here:
            log.warning("rate_limiter_local", error=type(error).__name__)

    def _note_back(self) -> None:
        if self._away_until_s == 0.0:
            return
        with self._lock:
            self._away_until_s, count, self.local_count = 0.0, self.local_count, 0
        log.info("rate_limiter_shared_again", local_count=count)


@cache
def find_limiter(url: str) -> Limiter:
    return Limiter(url)


def check_rate(rate_class: str, caller: str) -> dict[str, str]:
    """The RateLimit headers (draft-ietf-httpapi-ratelimit-headers) of an allowed request. Raises Problem 429."""
    quota = find_quota(rate_class)
    verdict = find_limiter(settings.ENV.redis_url).judge(quota, caller)
    headers = describe_verdict(quota, verdict)
    if not verdict.is_allowed:
        reset_s = math.ceil(verdict.reset_s)
        problem = Problem(
            429, "too-many-requests", "Too many requests", detail=f"Try again in {reset_s} seconds (Retry-After)."
        )
        problem.headers |= headers | {"Retry-After": str(reset_s)}
        raise problem
    return headers


def find_quota(rate_class: str) -> Quota:
    return Quota(rate_class, *settings.RATE_LIMITS[rate_class])


def describe_verdict(quota: Quota, verdict: Verdict) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{quota.name}";q={quota.quota};w={quota.window_s}',
        "RateLimit": f'"{quota.name}";r={verdict.remaining};t={math.ceil(verdict.reset_s)}',
    }


def name_counter(quota: Quota, caller: str) -> str:
    """Where Redis counts."""
    return f"dazbox:rate:{quota.name}:{caller}"


def set_toll(rate_class: str, principal: Principal) -> Toll:
    """For whoever has the limit judged on the way to something else in Redis."""
    quota = find_quota(rate_class)
    return Toll(quota, name_counter(quota, name_principal(principal)))


def name_caller(request: Request) -> str:
    """Who is counted: the tenant, else the subject of the token, else the network address."""
    caller = request.user
    return name_principal(caller) if isinstance(caller, Principal) else name_stranger(request)


def name_principal(principal: Principal) -> str:
    return str(principal.tenant_id or principal.subject)


def name_stranger(request: Request) -> str:
    """The network address."""
    return name_address(find_address(request.META, proxies=settings.ENV.proxy_count))


def find_address(meta: dict[str, str], *, proxies: int) -> str:
    """The client's address: as our outermost proxy saw it, for a header's first entries are the client's own words."""
    seen = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return seen[-proxies] if 0 < proxies <= len(seen) else meta.get("REMOTE_ADDR", "")


def name_address(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        ip = ip.ipv4_mapped or ipaddress.ip_network((ip, _V6_SITE_BITS), strict=False).network_address
    return str(ip)
