"""A task of one tenant that walks through the others too: a real worker loads it with `--include`."""

import json
import random
from uuid import UUID

import redis
from celery import shared_task
from django.conf import settings

from nodes.models.node import OwnNode
from tenants.context import TenantRef, current_tenant
from tenants.tasks import TenantTask
from tests.isolation.walk import Home, Walker

NAME, RESULTS = "tests.walk", "walk-results"


def describe_homes(homes: list[Home]) -> list[list[str]]:
    return [[home.name, str(home.tenant.id), home.tenant.schema_name, home.tenant.pubkey] for home in homes]


@shared_task(base=TenantTask, name=NAME)
def walk(seed: int, reads: int, described: list[list[str]]) -> None:
    """Puts what it saw into a list of the broker's server; every fourth task fails at the end."""
    homes = [Home(name, TenantRef(UUID(key), schema, pubkey)) for name, key, schema, pubkey in described]
    [own] = [home for home in homes if home.tenant == current_tenant()]
    walker = Walker(homes, random.Random(seed), close_rate=0.03)  # noqa: S311 - seeded on purpose
    walker.see(own, "the task begins", OwnNode.objects.get().forward_cursor)
    walker.walk(reads)
    walker.see(own, "the task ends", OwnNode.objects.get().forward_cursor)
    seen = {"reads": walker.reads, "wrong": walker.wrong, "broken": walker.broken, "kept": walker.kept}
    with redis.Redis.from_url(settings.ENV.redis_url) as store:
        store.rpush(RESULTS, json.dumps(seen))
    if seed % 4 == 0:
        raise ZeroDivisionError
