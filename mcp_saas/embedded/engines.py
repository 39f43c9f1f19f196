"""PostgreSQL and Valkey: those named by the environment, else our own."""

from collections.abc import Mapping

from mcp_saas.embedded.given import check_postgres, check_redis
from mcp_saas.embedded.postgres import start_postgres
from mcp_saas.embedded.state import StateFolder
from mcp_saas.embedded.supervisor import Supervisor
from mcp_saas.embedded.valkey import start_valkey
from mcp_saas.kit.database_rights import DEFAULT_OWNER


def start_engines(
    state: StateFolder, supervisor: Supervisor, *, given: Mapping[str, str], is_durable: bool = True
) -> tuple[str, str]:
    """(database URL, Redis URL); one that is `given` is asked whether it serves us, for the other ours is started.

    Raises LaunchError.
    """
    database_url, redis_url = given.get("DATABASE_URL"), given.get("REDIS_URL")
    owner = given.get("DATABASE_OWNER") or DEFAULT_OWNER
    postgres = f"PostgreSQL at {check_postgres(database_url, owner=owner)}" if database_url else "PostgreSQL"
    valkey = f"Redis at {check_redis('REDIS_URL', redis_url)}" if redis_url else "Valkey"
    broker_url = given.get("CELERY_BROKER_URL", "")
    if broker_url.startswith(("redis://", "rediss://")):
        check_redis("CELERY_BROKER_URL", broker_url)
    database_url = database_url or start_postgres(state, supervisor, is_durable=is_durable)
    redis_url = redis_url or start_valkey(state, supervisor)
    supervisor.say(f"{postgres} and {valkey} are ready")
    return database_url, redis_url
