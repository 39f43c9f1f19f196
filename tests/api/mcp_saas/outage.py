"""Moves a service's address to where nobody answers, and back."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from django.conf import settings
from django.db import connection
from django.test import override_settings


@contextmanager
def database_at(port: int) -> Iterator[None]:
    """The database's address is this port of this machine."""
    away = {"HOST": "127.0.0.1", "PORT": str(port)}
    home = {name: connection.settings_dict[name] for name in away}
    connection.close()
    connection.settings_dict.update(away)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(home)


def cache_at(port: int) -> AbstractContextManager[None]:
    """The cache of the settings, at this port of this machine."""
    cache = settings.CACHES["default"] | {"LOCATION": f"redis://127.0.0.1:{port}/0"}
    return override_settings(CACHES={"default": cache})
