"""One command, one instance: `launch` reads like the picture in docs/embedded.md."""

import http
import http.client
import time
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from mcp_saas.embedded.disk import check_not_full, full_disk_told
from mcp_saas.embedded.engines import start_engines
from mcp_saas.embedded.environment import build_environment
from mcp_saas.embedded.interrupts import StopRequest
from mcp_saas.embedded.knowledge.service import KnowledgeService
from mcp_saas.embedded.migrations import read_migrations
from mcp_saas.embedded.options import LaunchOptions
from mcp_saas.embedded.place import choose_place, tell_abandoned
from mcp_saas.embedded.ports import HOST, check_ports, is_listening
from mcp_saas.embedded.process import wait_for
from mcp_saas.embedded.progress import make_progress
from mcp_saas.embedded.run import LaunchContext, Product, describe_run, mcp_url, publish_run, run_file
from mcp_saas.embedded.state import PROJECT, open_state
from mcp_saas.embedded.supervisor import Supervisor

API_PATH = "/api/v1"
WEB_BUDGET_S = 60.0
GATEWAY_BUDGET_S = 30.0
LOOK_EVERY_S = 0.5


def launch(options: LaunchOptions, product: Product, *, given: Mapping[str, str]) -> None:
    """Runs an instance until a stop signal; then nothing of it is left running.

    1. open and lock the state folder  2. end leftovers, check the port  3. choose the fleet  4. start the services
    5. prepare  6. start web, worker and gateway  7. run the demonstration  8. publish how to go on  9. serve.
    Raises LaunchError when it cannot, after stopping what was started.
    """
    stop, say = StopRequest(), make_progress()
    stop.listen()
    with open_state(options.home, migrations=read_migrations(PROJECT)) as state:
        supervisor = Supervisor(state, say=say, hold=stop.held)
        try:
            with full_disk_told(state):
                start(supervisor, options, product=product, given=given)
                serve(supervisor, stop)
        except KeyboardInterrupt:
            say("Stopping ...")
        finally:
            stop.ignore()
            with suppress(OSError):
                run_file(state).unlink()
            supervisor.stop_all()


def start(supervisor: Supervisor, options: LaunchOptions, *, product: Product, given: Mapping[str, str]) -> None:
    """Steps 2 to 8 of `launch`."""
    state, say = supervisor.state, supervisor.say
    supervisor.end_leftovers()
    check_ports({"PORT": options.port} | ({"MCP_PORT": options.mcp_port} if product.gateway else {}))
    product.choose(options, supervisor)
    database_url, redis_url = start_engines(state, supervisor, given=given)
    knowledge = KnowledgeService(state, given=given)
    services = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, **knowledge.environment}
    environment = build_environment(options, state, given=given, services=services)
    knowledge.start(supervisor, environment=environment)
    api_url = f"http://{HOST}:{options.port}{API_PATH}"
    context = LaunchContext(state, environment, api_url, options.graph, supervisor, say)
    start_product(context, product)
    info = product.run_demo(context)
    publish_run(state, info)
    say(f"Ready.\n{describe_run(state, info)}")
    if not given.get("DATABASE_URL") and (abandoned := tell_abandoned(choose_place(state))):
        say(abandoned)


def start_product(context: LaunchContext, product: Product) -> None:
    for make_command in product.preparations:
        context.supervisor.run(make_command(context))
    context.say("The database is prepared")
    web = context.supervisor.start(product.web(context))
    context.supervisor.start(product.worker(context))
    wait_for(lambda: is_healthy(context.api_url), web, seconds=WEB_BUDGET_S, pause_s=0.1)
    context.say(f"The API answers at {context.api_url}")
    if product.gateway is not None:
        gateway = context.supervisor.start(product.gateway(context))
        port = int(context.environment["MCP_PORT"])
        wait_for(lambda: is_listening(port), gateway, seconds=GATEWAY_BUDGET_S, pause_s=0.1)
        context.say(f"MCP clients are served at {mcp_url(context.environment)}")


def is_healthy(api_url: str) -> bool:
    parts = urlsplit(api_url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=5.0)
    try:
        connection.request("GET", f"{parts.path}/health")
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def serve(supervisor: Supervisor, stop: StopRequest) -> None:
    while not stop.is_received:
        check_not_full(supervisor.state.disks)
        supervisor.revive()
        time.sleep(LOOK_EVERY_S)
