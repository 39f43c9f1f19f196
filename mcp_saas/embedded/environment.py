"""The environment every process of an instance gets: where its services are, its secrets, its folders."""

import base64
from collections.abc import Mapping
from urllib.parse import parse_qs, urlsplit

from mcp_saas.embedded.options import LaunchOptions
from mcp_saas.embedded.ports import HOST
from mcp_saas.embedded.state import StateFolder, make_private_folder
from mcp_saas.kit.metric_folder import clean_folder


def build_environment(
    options: LaunchOptions, state: StateFolder, *, given: Mapping[str, str], services: Mapping[str, str]
) -> dict[str, str]:
    """What was `given` to the launcher, completed. Only where the services and this instance are is ours to say.

    `services`: DATABASE_URL, REDIS_URL and what else leads to them.
    """
    defaults = {
        "PROFILE": "dev",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "SECRET_KEY": state.secret("django"),
        "JWT_KEYS_DIR": str(make_private_folder(state.secrets / "jwt")),
        "MASTER_KEYS_DIR": str(make_private_folder(state.secrets / "master")),
        "MCP_STATE_KEY": base64.b64encode(bytes.fromhex(state.secret("mcp"))).decode(),
        "MCP_URL": f"http://{HOST}:{options.mcp_port}",
        "MODEL_CACHE_DIR": str(state.home / "models"),
        "CELERY_BROKER_URL": celery_url(services["REDIS_URL"]),
        "PROMETHEUS_MULTIPROC_DIR": str(clean_folder(state.run / "metrics")),
        "PYTHONUNBUFFERED": "1",  # a log line is in the file when it was said
    }
    fixed = {
        **services,
        "PORT": str(options.port),
        "MCP_PORT": str(options.mcp_port),
        "DAZBOX_HOME": str(state.home),
    }
    return defaults | {name: value for name, value in given.items() if value} | fixed


def celery_url(redis_url: str) -> str:
    """The same server in Celery's words, which names a Unix socket and its database differently than redis-py."""
    parts = urlsplit(redis_url)
    if parts.scheme != "unix":
        return redis_url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    return f"redis+socket://{parts.netloc}{parts.path}?virtual_host={database}"
