"""The model that reads questions, and Dazboxes made once for a file, for those that use tests/api/lasting.py."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from mcp_saas.api import ops
from mcp_saas.kit.recent import Recent
from rag.sources.embedder import load_embedder
from tests.conftest import fill_box
from tests.factories import Box, make_box


@pytest.fixture(scope="session", autouse=True)
def made_model() -> None:
    """The local model, made once a test home: until it is made, searches answer that it is being made."""
    load_embedder()


@pytest.fixture(autouse=True)
def health_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for at each request."""
    monkeypatch.setattr(ops, "examined", Recent(ttl_s=0))


@pytest.fixture(scope="module")
def lasting_db(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """A transaction around the whole file, taken back at its end."""
    with django_db_blocker.unblock():
        with transaction.atomic():
            yield
            transaction.set_rollback(True)
        connection.close()


@pytest.fixture(scope="module")
def lasting_alice(lasting_db: None) -> Box:
    return fill_box(make_box("alice"), forwards=5)


@pytest.fixture(scope="module")
def lasting_bob(lasting_db: None) -> Box:
    return fill_box(make_box("bob"), forwards=40)


@pytest.fixture(scope="module")
def lasting_charlie(lasting_db: None) -> Box:
    return make_box("charlie")
