"""The tokens a box may spend on models each day: reserved before a call, settled after it, never counted twice.

One number a box and UTC day in Redis. Whoever cannot reserve does not call: without Redis no model is asked.
"""

import datetime as dt
from functools import cache
from typing import NamedTuple
from uuid import UUID

import redis
from django.conf import settings

KEPT_S = 3 * 86_400
_PATIENCE_S = 0.5
# Adds to the day's number unless that would exceed the limit: 1, or 0.
_RESERVE = """
local spent = tonumber(redis.call('GET', KEYS[1]) or '0')
if spent + tonumber(ARGV[1]) > tonumber(ARGV[2]) then return 0 end
redis.call('INCRBY', KEYS[1], ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
_SETTLE = """
local spent = tonumber(redis.call('GET', KEYS[1]) or '0') + tonumber(ARGV[1])
redis.call('SET', KEYS[1], math.max(spent, 0), 'EX', ARGV[2])
return 1
"""


class Reserved(NamedTuple):
    """The right to spend so many tokens. It is of the day on which it was given."""

    key: str
    tokens: int


def reserve_tokens(tenant_id: UUID, tokens: int, *, limit: int, now: dt.datetime) -> Reserved | None:
    """None: that would be more than the day's limit. Raises redis.RedisError."""
    key = _name_day(tenant_id, now)
    is_granted = _client(settings.ENV.redis_url).eval(_RESERVE, 1, key, tokens, limit, KEPT_S)
    return Reserved(key, tokens) if is_granted else None


def settle_tokens(reserved: Reserved, used: int) -> None:
    """What was reserved and not used is free again; what was used beyond it counts. Raises redis.RedisError."""
    if used != reserved.tokens:
        _client(settings.ENV.redis_url).eval(_SETTLE, 1, reserved.key, used - reserved.tokens, KEPT_S)


def count_tokens(tenant_id: UUID, now: dt.datetime) -> int:
    """Spent or reserved today. Raises redis.RedisError."""
    found = _client(settings.ENV.redis_url).get(_name_day(tenant_id, now))
    return int(found) if isinstance(found, bytes) else 0


def _name_day(tenant_id: UUID, now: dt.datetime) -> str:
    return f"dazbox:llm_tokens:{tenant_id}:{now.astimezone(dt.UTC):%Y-%m-%d}"


@cache
def _client(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, socket_timeout=_PATIENCE_S, socket_connect_timeout=_PATIENCE_S, retry=None)
