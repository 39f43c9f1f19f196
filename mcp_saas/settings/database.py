"""A PostgreSQL URL as Django's dictionary."""

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

ENGINE = "tenants.database"
# Nobody waits for ever: a stuck lock or statement fails its own request, not its neighbours'.
CONNECT_TIMEOUT_S = 3
SESSION_OPTIONS = "-c search_path=public -c timezone=UTC -c lock_timeout=5s -c statement_timeout=30s"


def parse_database_url(url: str) -> dict[str, Any]:
    """`postgresql://user:password@host:port/name?host=/socket/folder` as settings for `DATABASES`."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": ENGINE,
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(query.pop("port", None) or parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
        "DISABLE_SERVER_SIDE_CURSORS": True,  # a named cursor would outlive the message that chose its schema
        "OPTIONS": {"options": SESSION_OPTIONS, "connect_timeout": CONNECT_TIMEOUT_S, **query},
    }
