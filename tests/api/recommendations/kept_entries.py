"""What lies in Redis of a box's answers."""

import redis
from django.conf import settings

from tests.factories import Box


def list_fresh_s(box: Box, kind: str) -> list[float]:
    """How long each answer of the kind is fresh from when it was made."""
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        names = list(client.scan_iter(f"dazbox:answers:entry:{box.tenant.id}:{kind}:*"))
        spans = [client.hmget(name, "made_at_ms", "fresh_until_ms") for name in names]
    return [(int(until) - int(made)) / 1000 for made, until in spans if made and until]


def make_old(box: Box, kind: str) -> None:
    """The one answer of the kind is stale."""
    with redis.Redis.from_url(settings.ENV.redis_url) as client:
        [kept] = client.scan_iter(f"dazbox:answers:entry:{box.tenant.id}:{kind}:*")
        client.hset(kept, "fresh_until_ms", 0)
