"""Committed boxes, beside the three of every test; and a database to copy, for tests that need one of their own."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from tests.committed import committed_db
from tests.load.database import empty_database

__all__ = ["committed_db"]


@pytest.fixture(scope="session")
def prepared(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """The name of a database as `prepare` leaves it, which nobody is connected to: see `copied_database`."""
    home = connection.settings_dict["NAME"]
    with django_db_blocker.unblock(), empty_database() as name:
        connection.close()
        connection.settings_dict["NAME"] = home
        yield name
