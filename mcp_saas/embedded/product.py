"""The processes of Dazbox Cloud on one machine, and the demonstration that ends the start."""

from mcp_saas.embedded.fleet import choose_fleet
from mcp_saas.embedded.ports import HOST
from mcp_saas.embedded.process import Command
from mcp_saas.embedded.run import LaunchContext, Product, RunInfo, python_command
from mcp_saas.embedded.seed import seed_command

WEB_THREADS = 4


def prepare_command(context: LaunchContext) -> Command:
    """Migrations, the tenants' template, token keys: in one process, before any other."""
    return python_command("prepare", "manage.py", "prepare", "--alone", context=context)


def web_command(context: LaunchContext) -> Command:
    return python_command(
        "web", "-m", "granian", "--interface", "wsgi", "mcp_saas.wsgi:application", "--host", HOST,
        "--port", context.environment["PORT"], "--http", "1", "--no-ws", "--workers", "1",
        "--blocking-threads", str(WEB_THREADS), "--no-access-log",
        context=context,
    )  # fmt: skip


def worker_command(context: LaunchContext) -> Command:
    """Beat runs inside (-B), which is right for a single worker only; production runs it by itself."""
    return python_command(
        "worker", "-m", "celery", "-A", "mcp_saas.celery", "worker", "-B", "-c", "2",
        "--prefetch-multiplier", "1", "--schedule", str(context.state.run / "beat-schedule"), "--loglevel", "INFO",
        "--without-gossip", "--without-mingle", "--without-heartbeat",
        context=context,
    )  # fmt: skip


def run_demo(context: LaunchContext) -> RunInfo:
    from mcp_saas.embedded.demo import run_demo as run  # needed last, and large

    return run(context)


DAZBOX_CLOUD = Product(choose_fleet, (prepare_command, seed_command), (web_command, worker_command), run_demo)
