"""The entry point that is deployed gives kept answers before Django is asked: seen from Redis, over real sockets."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import redis
from django.conf import settings

from tenants.tokens.access import mint_access_token
from tests.factories import Box, make_box
from tests.faults.web_process import WebProcess, web_process

ENTRY = "dazbox:answers:entry:"
LIMIT = "dazbox:rate:"


@pytest.fixture
def web(committed_db: None) -> Iterator[WebProcess]:
    with web_process() as web:
        yield web


@contextmanager
def listen(box: Box) -> Iterator[list[str]]:
    """What the one Redis is asked about the box while the block runs."""
    end = f"the end of {box.dazbox.id}"
    heard: list[str] = []
    with redis.Redis.from_url(settings.ENV.redis_url) as client, client.monitor() as monitor:
        yield heard
        client.echo(end)
        for said in monitor.listen():
            if end in said["command"]:
                return
            if str(box.dazbox.id) in said["command"] and said["client_type"] != "lua":
                heard.append(said["command"])


@pytest.mark.parametrize("name", ["info", "recommendations"])
def test_limit_and_kept_answer_are_one_question(web: WebProcess, name: str) -> None:
    box = make_box("of the deployed entry point")
    token = mint_access_token(subject="x", scopes=["read"], tenant_id=box.dazbox.id)
    with httpx.Client(base_url=web.url, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        warm = [client.get(box.path(name)) for _ in range(3)][-1]
        with listen(box) as asked:
            kept = [client.get(box.path(name)) for _ in range(12)]
        with listen(box) as asked_of_django:
            client.get(box.path(name), headers={"Accept": "application/json, text/html"})

    assert {(one.status_code, one.content, one.headers["ETag"]) for one in kept} == {
        (200, warm.content, warm.headers["ETag"])
    }
    # A thread that has no session of the database yet leaves its first request to Django.
    assert any(LIMIT in one and ENTRY in one for one in asked)
    assert not any(LIMIT in one and ENTRY in one for one in asked_of_django)
    assert len(asked_of_django) > 1
