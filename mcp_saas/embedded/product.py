"""The processes of Dazbox Cloud on one machine, and the demonstration that ends the start."""

from dataclasses import replace

from mcp_saas.embedded.fleet import choose_fleet
from mcp_saas.embedded.ports import HOST
from mcp_saas.embedded.process import Command
from mcp_saas.embedded.run import LaunchContext, Product, RunInfo, python_command
from mcp_saas.embedded.seed import seed_command

WEB_THREADS = 4
# What large bodies took goes back to the system at once: glibc's malloc and the server's own jemalloc would keep it,
# for each of their arenas. Where there is another malloc, these say nothing.
LEAN_MALLOC = {
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "262144",
    "_RJEM_MALLOC_CONF": "narenas:2,dirty_decay_ms:0,muzzy_decay_ms:0",
}
# Django's checks load every view. `prepare` has made them, and a worker serves none.
UNCHECKED = {"CELERY_SKIP_CHECKS": "1"}


def prepare_command(context: LaunchContext) -> Command:
    """Migrations, the tenants' template, token keys: in one process, before any other."""
    return python_command("prepare", "manage.py", "prepare", "--alone", context=context)


def web_command(context: LaunchContext) -> Command:
    command = python_command(
        "web", "-m", "granian", "--interface", "wsgi", "mcp_saas.wsgi:application", "--host", HOST,
        "--port", context.environment["PORT"], "--http", "1", "--no-ws", "--workers", "1",
        "--blocking-threads", str(WEB_THREADS), "--no-access-log",
        context=context,
    )  # fmt: skip
    return replace(command, environment={**LEAN_MALLOC, **command.environment})


def worker_command(context: LaunchContext) -> Command:
    """Beat runs inside (-B), which is right for a single worker only; production runs it by itself."""
    command = python_command(
        "worker", "-m", "celery", "-A", "mcp_saas.celery", "worker", "-B", "-c", "2",
        "--prefetch-multiplier", "1", "--schedule", str(context.state.run / "beat-schedule"), "--loglevel", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
        context=context,
    )  # fmt: skip
    return replace(command, environment={**LEAN_MALLOC, **UNCHECKED, **command.environment})


# The gateway reads no database and starts programs of others: it gets what it needs, and no secret beside.
GATEWAY_NEEDS = (
    "PATH", "HOME", "LANG", "TZ", "TMPDIR", "PYTHONUNBUFFERED", "REDIS_URL", "MCP_PORT", "MCP_STATE_KEY",
    "MCP_ALLOWED_HOSTS", "MCP_ALLOWED_ORIGINS", "MCP_RATE_SCALE", "JWT_ISSUER", "JWT_AUDIENCE", "METRICS_TOKEN",
)  # fmt: skip


def gateway_command(context: LaunchContext) -> Command:
    command = python_command("gateway", "-m", "bridge.gateway", context=context)
    root = f"http://{HOST}:{context.environment['PORT']}"
    environment = {name: value for name, value in context.environment.items() if name in GATEWAY_NEEDS}
    environment |= {"MCP_HOST": HOST, "JWKS_URL": f"{root}/.well-known/jwks.json", "API_URL": root}
    return replace(command, environment=environment)


def run_demo(context: LaunchContext) -> RunInfo:
    from mcp_saas.embedded.demo import run_demo as run  # needed last, and large

    return run(context)


DAZBOX_CLOUD = Product(
    choose_fleet, (prepare_command, seed_command), web_command, worker_command, run_demo, gateway_command
)  # fmt: skip
