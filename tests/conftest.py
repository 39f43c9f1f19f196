"""The real database and three Dazboxes: alice (ours), bob (another, busy), charlie (empty, signed out)."""

import io
import os
import uuid
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import hypothesis
import msgspec
import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client

from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.selectors.position import forget_load
from tenants.context import enter_tenant
from tests import engines
from tests.committed import new_database
from tests.factories import Box, make_box, make_channel, make_forward, make_snapshot
from tests.knowledge_service import run_service

TEST_DATABASE = f"test_dazbox_{os.getpid()}"
# How quickly an example is made tells of the machine and what else runs there.
hypothesis.settings.register_profile("house", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("house")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """A database of this run's own, prepared by the same command a deployment runs."""
    with django_db_blocker.unblock(), new_database(TEST_DATABASE):
        connection.close()
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = TEST_DATABASE
        call_command("prepare", verbosity=0, stdout=io.StringIO())
        yield
        connection.close()


@pytest.fixture(scope="session")
def knowledge_url(tmp_path_factory: pytest.TempPathFactory, knowledge_key: str) -> Iterator[str]:
    """QDRANT_URL, served: by this test process's own knowledge service, or by the server the environment names.

    Collections of other tests may be there: use a name of your own.
    """
    if os.environ.get(engines.OWN_KNOWLEDGE) is None:
        yield os.environ["QDRANT_URL"]
        return
    folder = tmp_path_factory.mktemp("knowledge")
    with run_service(folder, engines.LISTENER, environment=dict(os.environ), api_key=knowledge_key):
        yield os.environ["QDRANT_URL"]


@pytest.fixture(scope="session")
def knowledge_key() -> str:
    """QDRANT_API_KEY."""
    return os.environ.get("QDRANT_API_KEY", "")


@pytest.fixture(autouse=True)
def graph_of_no_other_test() -> None:
    """A process knows the newest graph for some seconds: one that a test before took back is not known any more."""
    forget_load()


@pytest.fixture
def alice(db: None) -> Box:
    """Ours: one snapshot, a few forwards, one cycle."""
    return fill_box(make_box("alice"), forwards=5)


@pytest.fixture
def bob(db: None) -> Box:
    """Another tenant, busier, with the same channel ids as alice."""
    return fill_box(make_box("bob"), forwards=40)


@pytest.fixture
def charlie(db: None) -> Box:
    """In service, but it never reported anything."""
    return make_box("charlie")


@pytest.fixture
def api() -> "ApiClient":
    return ApiClient()


class ApiClient:
    """Django's test client, speaking JSON and bearer tokens."""

    def __init__(self) -> None:
        self.client = Client()

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Any:
        """`.status`, `.json` (None without a body), `.headers`, `.raw`. `body`: bytes as they are, else JSON."""
        raw = body if isinstance(body, bytes) else msgspec.json.encode(body) if body is not None else b""
        if token:
            headers["Authorization"] = f"Bearer {token}"
        response = self.client.generic(
            method, path, raw, content_type=headers.pop("content_type", "application/json"), headers=headers
        )
        content = b"".join(response.streaming_content) if response.streaming else response.content
        is_json = response.headers.get("Content-Type", "").endswith("json")
        return SimpleNamespace(
            status=response.status_code,
            json=msgspec.json.decode(content) if is_json else None,
            headers=response.headers,
            raw=content,
        )

    def get(self, path: str, *, token: str | None = None, **headers: str) -> Any:
        return self.call("GET", path, token=token, **headers)

    def post(self, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Any:
        """With an Idempotency-Key, as a client in earnest sends it; `call` sends none."""
        return self.call("POST", path, body, token=token, **{"Idempotency-Key": str(uuid.uuid4())} | headers)

    def put(self, path: str, body: Any = None, *, token: str | None = None, **headers: str) -> Any:
        """Over whatever is there, unless If-Match says over what; `call` sends none."""
        return self.call("PUT", path, body, token=token, **{"If-Match": "*"} | headers)

    def token_of(self, box: Box) -> str:
        answer = self.post("/api/v1/auth/device-token", {"assertion": box.sign_assertion()})
        assert answer.status == 200, answer.json
        return str(answer.json["access"])


def fill_box(box: Box, *, forwards: int) -> Box:
    box.channels = [
        make_channel(1, peer_alias=f"{box.name} peer"),
        make_channel(2, local_balance_sat=100_000, remote_balance_sat=4_890_000),
    ]
    with enter_tenant(box.tenant):
        accept_forwards([make_forward(number) for number in range(1, forwards + 1)], str(forwards))
        accept_snapshot(make_snapshot(1, box.channels))
        run_cycle()
    return box
