"""The simulated nodes of a state folder: chosen at its first start from GRAPH and FLEET, the same ever after."""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path

from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.options import DEFAULT_FLEET, WRONG_OPTION, LaunchOptions
from mcp_saas.embedded.state import StateFolder, make_private_folder
from mcp_saas.embedded.supervisor import Supervisor
from mcp_saas.embedded.tool import ToolError, run_tool
from mcp_saas.kit.private_file import write_private_file


@dataclass(frozen=True, slots=True)
class GraphFile:
    name: str
    size_bytes: int
    sha256: str

    @classmethod
    def read(cls, path: Path) -> "GraphFile":
        with path.open("rb") as file:
            return cls(path.name, path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


@dataclass(frozen=True, slots=True)
class Fleet:
    """What the nodes were made of (`graph` None: a simulated network), and what must be said beside their figures."""

    boxes: int
    graph: GraphFile | None
    note: str


def choose_fleet(options: LaunchOptions, supervisor: Supervisor) -> None:
    """Makes the nodes of a new folder, the last of several a Core Lightning; no service is needed.

    Raises LaunchError (code 2): of no use.
    """
    state = supervisor.state
    if is_settled(state):
        tell_if_ignored(options, supervisor)
        return
    origin = f" from {options.graph.name} ({options.graph.stat().st_size:,} bytes)" if options.graph else ""
    supervisor.say(f"Choosing the nodes of the fleet{origin} ...")
    folder = fleet_folder(state)
    shutil.rmtree(folder, ignore_errors=True)
    make_private_folder(folder)
    boxes = options.fleet or DEFAULT_FLEET
    graph = ("--graph", str(options.graph)) if options.graph else ()
    cln = ("--cln", "1") if boxes > 1 else ()
    try:
        note = run_tool(
            "nodes.simulator", "make", "--fleet", str(boxes), *cln, *graph,
            "--world", str(folder / "world"), "--graph-out", str(public_graph(state)),
        )  # fmt: skip
    except ToolError as error:
        raise LaunchError(f"No fleet of {boxes} boxes could be made: {error.said}", WRONG_OPTION) from error
    fleet = Fleet(boxes, GraphFile.read(options.graph) if options.graph else None, note)
    write_private_file(draft_file(state), json.dumps(asdict(fleet), indent=1))


def tell_if_ignored(options: LaunchOptions, supervisor: Supervisor) -> None:
    fleet = read_fleet(supervisor.state)
    is_other_graph = options.graph is not None and GraphFile.read(options.graph) != fleet.graph
    if is_other_graph or options.fleet not in {None, fleet.boxes}:
        origin = f"{fleet.graph.name} ({fleet.graph.size_bytes:,} bytes)" if fleet.graph else "a simulated network"
        supervisor.say(
            f"This folder goes on with its own fleet: {fleet.boxes} boxes of {origin}. "
            "GRAPH and FLEET choose that of a new one: add DAZBOX_HOME=..."
        )


def settle_fleet(state: StateFolder) -> None:
    """From here on the folder keeps its fleet; a start that broke off earlier chooses anew."""
    if not is_settled(state):
        draft_file(state).replace(settled_file(state))


def is_settled(state: StateFolder) -> bool:
    return settled_file(state).exists()


def read_fleet(state: StateFolder) -> Fleet:
    """Raises LaunchError if the record is damaged."""
    try:
        found = json.loads(settled_file(state).read_text(encoding="utf-8"))
        return Fleet(found["boxes"], GraphFile(**found["graph"]) if found["graph"] else None, found["note"])
    except (ValueError, KeyError, TypeError) as error:
        raise LaunchError(f"{settled_file(state)} is damaged: bring it back, or move {state.home} away") from error


def fleet_folder(state: StateFolder) -> Path:
    return state.home / "simulator"


def public_graph(state: StateFolder) -> Path:
    """The public graph of a simulated network; there is no such file where the fleet is a real graph's."""
    return fleet_folder(state) / "graph.json"


def settled_file(state: StateFolder) -> Path:
    return fleet_folder(state) / "fleet.json"


def draft_file(state: StateFolder) -> Path:
    return fleet_folder(state) / "fleet.draft.json"
