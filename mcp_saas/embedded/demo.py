"""The demonstration: a fleet of simulated nodes, each with its box, goes through the real service once."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mcp_saas.embedded.cloud import CloudClient
from mcp_saas.embedded.fleet import fleet_folder, public_graph, read_fleet, settle_fleet
from mcp_saas.embedded.mcp_demo import show_tools
from mcp_saas.embedded.process import Child, wait_for
from mcp_saas.embedded.report import BoxReport, print_report
from mcp_saas.embedded.run import (
    AdminAccess,
    ClientAccess,
    DazboxAccess,
    LaunchContext,
    RunInfo,
    mcp_url,
    python_command,
)
from mcp_saas.embedded.seed import OPERATOR, SHOP
from mcp_saas.embedded.state import make_private_folder
from mcp_saas.embedded.tool import run_tool

REPORT_INTERVAL_S = "60"
SIMULATOR_BUDGET_S = 60.0
CYCLE_BUDGET_S = 90.0


@dataclass(frozen=True, slots=True)
class SimulatedNode:
    """One entry of the simulator's ready file: where its API answers, and the file that opens it."""

    pubkey: str
    alias: str
    implementation: Literal["lnd", "cln"]
    url: str
    tls_cert: str
    macaroon: str | None
    rune: str | None


def run_demo(context: LaunchContext) -> RunInfo:
    """1. the simulated nodes answer  2. boxes claimed and signed in  3. boxes report  4. the pipeline saw each
    5. the table for people. The fleet is chosen, and operator, shop and public graph are there, before.
    """
    settle_fleet(context.state)
    nodes = start_simulator(context)
    context.say(f"{len(nodes)} simulated nodes answer, {count_cln(nodes)} of them Core Lightning, the others LND")
    homes = claim_boxes(context, nodes)
    boxes = [sign_in(home, node) for home, node in zip(homes, nodes, strict=True)]
    agents = context.supervisor.start(python_command(
        "agent", "-m", "nodes.agent", "run", *map(str, homes), "--interval", REPORT_INTERVAL_S, context=context
    ))  # fmt: skip
    context.say(f"{len(homes)} boxes report; waiting for the pipeline ...")
    reports = [await_report(context, box, agents=agents) for box in boxes]
    print_report(reports, note=read_fleet(context.state).note)
    show_tools(mcp_url(context.environment), boxes[0].access)
    return describe_access(context, boxes)


def count_cln(nodes: list[SimulatedNode]) -> int:
    return sum(node.implementation == "cln" for node in nodes)


def start_simulator(context: LaunchContext) -> list[SimulatedNode]:
    folder = fleet_folder(context.state)
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    child = context.supervisor.start(python_command(
        "simulator", "-m", "nodes.simulator", "serve", "--world", str(folder / "world"),
        "--home", str(folder), "--ready-file", str(ready), context=context,
    ))  # fmt: skip
    wait_for(ready.exists, child, seconds=SIMULATOR_BUDGET_S, pause_s=0.1)
    return [SimulatedNode(**entry) for entry in json.loads(ready.read_text(encoding="utf-8"))]


def claim_boxes(context: LaunchContext, nodes: list[SimulatedNode]) -> list[Path]:
    """A home for every box; those without a device key redeem a claim made just now."""
    homes = [make_private_folder(context.state.home / "boxes" / node.pubkey[:16]) for node in nodes]
    unclaimed = [(home, node) for home, node in zip(homes, nodes, strict=True) if not (home / "agent.json").exists()]
    if unclaimed:
        codes = make_claims(context, [node.pubkey for _, node in unclaimed])
        for (home, node), code in zip(unclaimed, codes, strict=True):
            claim_box(context, home, node=node, code=code)
    return homes


def make_claims(context: LaunchContext, pubkeys: list[str]) -> list[str]:
    """From the shop for nodes that can sign; nodes of a real graph cannot, so the operator vouches for them."""
    if public_graph(context.state).exists():
        cloud = CloudClient(context.api_url)
        shop = cloud.sign_in_client(SHOP, context.state.secret(SHOP))
        return cloud.make_claims(shop, len(pubkeys), label="demonstration")
    return run_tool("manage", "vouch_for_node", "--plan", "hub", *pubkeys, environment=context.environment).splitlines()


def claim_box(context: LaunchContext, home: Path, *, node: SimulatedNode, code: str) -> None:
    run_tool(
        "nodes.agent", "claim", "--home", str(home), "--cloud", context.api_url.removesuffix("/api/v1"),
        "--claim", code, *describe_node(node), "--tls-cert", node.tls_cert,
    )  # fmt: skip


def describe_node(node: SimulatedNode) -> tuple[str, ...]:
    if node.implementation == "cln":
        return ("--cln", node.url, "--rune", node.rune or "")
    return ("--lnd", node.url, "--macaroon", node.macaroon or "")


def sign_in(home: Path, node: SimulatedNode) -> DazboxAccess:
    """Tokens of one box, for whoever wants to look at its API."""
    tokens = json.loads(run_tool("nodes.agent", "token", str(home)))
    device_id = json.loads((home / "agent.json").read_text(encoding="utf-8"))["device_id"]
    return DazboxAccess(device_id, node.pubkey, node.alias, tokens["access"], tokens["refresh"])


def await_report(context: LaunchContext, box: DazboxAccess, *, agents: Child) -> BoxReport:
    """What the newest run of the pipeline says of this box."""
    cloud = CloudClient(context.api_url)
    run = wait_for(lambda: cloud.latest_run(box.pubkey, box.access), agents, seconds=CYCLE_BUDGET_S, pause_s=0.5)
    return BoxReport.read(box.alias or box.pubkey[:16], run)


def describe_access(context: LaunchContext, boxes: list[DazboxAccess]) -> RunInfo:
    root = context.api_url.removesuffix("/api/v1")
    return RunInfo(
        api=context.api_url,
        mcp=mcp_url(context.environment),
        admin=AdminAccess(f"{root}/admin/", OPERATOR, context.state.secret(OPERATOR)),
        provisioning=ClientAccess(SHOP, context.state.secret(SHOP)),
        dazboxes=tuple(boxes),
    )
