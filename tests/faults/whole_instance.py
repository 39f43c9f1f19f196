"""A web process and a worker with beat on an empty database, for tests that live a life in it and then search it."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import msgspec
import redis
from django.conf import settings
from django.db import connection

from tenants.context import use_schema
from tests.celery_worker import Worker, running_worker
from tests.factories import Box
from tests.faults.search import LogPart, dump_store, find_server_log
from tests.faults.web_process import web_process
from tests.load.database import empty_database

API = "/api/v1/"
DEVICES = f"{API}provisioning/devices"
TLS = httpx.create_ssl_context(trust_env=False)  # made once: it reads all authorities of the world


@dataclass(frozen=True)
class WholeInstance:
    """Where it answers, and what it keeps beside the database."""

    url: str
    worker: Worker
    web_log: Path
    server_log: LogPart

    def read_logs(self) -> list[str]:
        """Of web, worker and PostgreSQL."""
        return [self.web_log.read_text(), self.worker.log, self.server_log.read()]

    def find_stores(self) -> dict[bytes, bytes]:
        """Every key of cache and broker with its value."""
        with redis.Redis.from_url(settings.ENV.redis_url) as cache:
            return dump_store(cache) | dump_store(self.worker.store)


@contextmanager
def whole_instance(folder: Path) -> Iterator[WholeInstance]:
    web_log = folder / "web.log"
    with (
        empty_database(),
        web_log.open("wb") as log,
        running_worker(folder) as worker,
        web_process(log=log, CELERY_BROKER_URL=worker.broker) as web,
    ):
        yield WholeInstance(web.url, worker, web_log, find_server_log())


@contextmanager
def without_channels(box: Box) -> Iterator[None]:
    """Meanwhile whatever touches the box's channels ends in a fault of the database, which quotes what it was about."""
    rename = "ALTER TABLE nodes_{} RENAME TO nodes_{}"
    with use_schema(box.tenant.schema_name), connection.cursor() as cursor:
        cursor.execute(rename.format("channel", "away"))
    yield
    with use_schema(box.tenant.schema_name), connection.cursor() as cursor:
        cursor.execute(rename.format("away", "channel"))


def ask(url: str, method: str, path: str, body: Any = None, *, token: str = "", key: str = "") -> httpx.Response:
    headers = {"Idempotency-Key": key or str(uuid.uuid4()), "If-Match": "*"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    content = msgspec.json.encode(body) if body is not None else None
    headers |= {"Content-Type": "application/json"} if content else {}
    return httpx.request(method, url + path, content=content, headers=headers, timeout=90, trust_env=False, verify=TLS)
