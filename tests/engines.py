"""Starts the real PostgreSQL and Valkey before Django reads its settings (`-p tests.engines` in pyproject.toml).

With DATABASE_URL and REDIS_URL set, those are used instead. The processes of `-n 2` share the servers of the one that
started them, each with a PostgreSQL database, a Redis database (as many on as its number) and keys of its own.
"""

import base64
import os
import secrets
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from mcp_saas.embedded.knowledge.command import address_of, bind_listener

ROOT = Path(__file__).resolve().parent.parent
HOME = Path(os.environ.get("DAZBOX_TEST_HOME", ROOT / "var" / "test"))
PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")  # gw0, gw1 ... under `-n`, and nothing otherwise


def start_services() -> None:
    if "DATABASE_URL" in os.environ and "REDIS_URL" in os.environ:
        return
    from mcp_saas.embedded.fixture import start_for_tests

    database_url, redis_url, stop = start_for_tests(HOME)
    os.environ["DATABASE_URL"] = database_url
    use_redis(redis_url)
    _stops.append(stop)


def bind_knowledge() -> None:
    """Where this process's own knowledge service will be; nobody answers until a test asks for `knowledge_url`."""
    if "QDRANT_URL" in os.environ and os.environ.get(OWN_KNOWLEDGE) is None:
        return
    os.environ.update({OWN_KNOWLEDGE: "1", "QDRANT_URL": address_of(LISTENER), "QDRANT_API_KEY": secrets.token_hex(16)})


def use_redis(url: str) -> None:
    from mcp_saas.embedded.environment import celery_url

    os.environ.update(REDIS_URL=url, CELERY_BROKER_URL=celery_url(url))


def shift_redis_database(url: str, by: int) -> str:
    """Of another database on the same server, counted from the one that is named."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        query = dict(parse_qsl(parts.query))
        return parts._replace(query=urlencode(query | {"db": int(query.get("db", 0)) + by})).geturl()
    return parts._replace(path=f"/{int(parts.path.strip('/') or 0) + by}").geturl()


def pytest_unconfigure(config: pytest.Config) -> None:
    LISTENER.close()
    for stop in _stops:
        stop()


_stops: list = []
OWN_KNOWLEDGE = "TEST_OWN_KNOWLEDGE"  # QDRANT_URL is ours: the processes of `-n 2` see it too, and have one each
LISTENER = bind_listener()
os.environ["JWT_KEYS_DIR"] = str(HOME / f"jwt{PROCESS}")
os.environ["MASTER_KEYS_DIR"] = str(HOME / f"master{PROCESS}")
os.environ.setdefault("MODEL_CACHE_DIR", str(HOME / "models"))
os.environ["RATE_LIMIT_SCALE"] = "1000"  # one address asks for all tests
os.environ["CYCLE_PERIOD_S"] = "3600"
os.environ["MCP_STATE_KEY"] = base64.b64encode(bytes(range(32))).decode()
os.environ["QDRANT_ON_DEMAND"] = "true"
os.environ["SPARE_SCHEMAS"] = "0"  # tests count schemas; those about spares fill the pool themselves
bind_knowledge()
start_services()
if PROCESS:
    use_redis(shift_redis_database(os.environ["REDIS_URL"], int(PROCESS.removeprefix("gw"))))
