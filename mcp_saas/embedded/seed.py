"""What the demonstration needs in the database before anybody asks: operator, shop, public graph, an MCP server."""

import sys

from mcp_saas.embedded.fleet import is_settled, public_graph
from mcp_saas.embedded.mcp_demo import EXAMPLE, EXAMPLE_SCRIPT
from mcp_saas.embedded.process import Command
from mcp_saas.embedded.run import LaunchContext, python_command
from mcp_saas.embedded.state import PROJECT

OPERATOR, SHOP = "operator", "shop"


def seed_command(context: LaunchContext) -> Command:
    """The graph is loaded once, when the fleet is new, by a process that ends before the large ones start."""
    state = context.state
    for name in (OPERATOR, SHOP):
        state.secret(name)
    simulated = public_graph(state)
    graph = None if is_settled(state) else simulated if simulated.exists() else context.graph
    if graph:
        context.say("Working out where each node stands in the network ...")
    example = () if is_settled(state) else ("--mcp-server", EXAMPLE, sys.executable, str(PROJECT / EXAMPLE_SCRIPT))
    return python_command(
        "seed", "manage.py", "seed_demo",
        "--operator", OPERATOR, "--password-file", str(state.secrets / OPERATOR),
        "--client", SHOP, "--secret-file", str(state.secrets / SHOP),
        *(("--graph", str(graph)) if graph else ()), *example, context=context,
    )  # fmt: skip
