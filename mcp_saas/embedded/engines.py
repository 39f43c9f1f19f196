"""PostgreSQL and Valkey: those named by the environment, else our own."""

from collections.abc import Mapping

from mcp_saas.embedded.postgres import start_postgres
from mcp_saas.embedded.state import StateFolder
from mcp_saas.embedded.supervisor import Supervisor
from mcp_saas.embedded.valkey import start_valkey


def start_engines(
    state: StateFolder, supervisor: Supervisor, *, given: Mapping[str, str], is_durable: bool = True
) -> tuple[str, str]:
    """(database URL, Redis URL); nothing is started for the one that is `given`. Raises LaunchError."""
    database_url = given.get("DATABASE_URL") or start_postgres(state, supervisor, is_durable=is_durable)
    redis_url = given.get("REDIS_URL") or start_valkey(state, supervisor)
    return database_url, redis_url
