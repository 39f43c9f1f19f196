"""The fleet of a state folder: chosen before any service starts, kept ever after; a graph of no use is told at once."""

import lzma
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_saas.embedded.demo import SimulatedNode, count_cln, describe_node
from mcp_saas.embedded.errors import LaunchError
from mcp_saas.embedded.fleet import choose_fleet, fleet_folder, public_graph, read_fleet, settle_fleet
from mcp_saas.embedded.options import read_options
from mcp_saas.embedded.state import StateFolder, open_state
from mcp_saas.embedded.supervisor import Supervisor
from nodes.simulator.world import load_world

OTHER_FLEET = "GRAPH and FLEET choose that of a new one: add DAZBOX_HOME=..."


@pytest.fixture
def state(tmp_path: Path) -> Iterator[StateFolder]:
    with open_state(tmp_path / "home") as state:
        yield state


@pytest.fixture(scope="session")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph file as somebody would bring it."""
    folder = tmp_path_factory.mktemp("graph")
    with open_state(folder / "home") as state:
        choose(state)
        return shutil.copy(public_graph(state), folder / "mine.json")


def choose(state: StateFolder, **variables: str) -> list[str]:
    """What was said."""
    said = list[str]()
    choose_fleet(read_options(variables), Supervisor(state, say=said.append))
    return said


def test_a_used_folder_goes_on_with_its_fleet_and_says_so_only_if_another_was_chosen(
    state: StateFolder, graph: Path
) -> None:
    size = f"{graph.stat().st_size:,} bytes"
    assert choose(state, FLEET="2", GRAPH=str(graph)) == [
        f"Choosing the nodes of the fleet from mine.json ({size}) ..."
    ]
    settle_fleet(state)
    fleet = read_fleet(state)
    assert (fleet.boxes, fleet.graph and fleet.graph.name) == (2, "mine.json")
    assert "The channel graph of mine.json" in fleet.note
    copy = Path(shutil.copy(graph, state.home / "mine.json"))
    assert choose(state) == choose(state, FLEET="2") == choose(state, FLEET="2", GRAPH=str(copy)) == []
    copy.write_text("{}")
    ignored = f"This folder goes on with its own fleet: 2 boxes of mine.json ({graph.stat().st_size:,} bytes). "
    assert choose(state, FLEET="3") == choose(state, GRAPH=str(copy)) == [ignored + OTHER_FLEET]
    assert read_fleet(state) == fleet


def test_a_fleet_of_a_simulated_network_is_named_so(state: StateFolder, graph: Path) -> None:
    choose(state, FLEET="1")
    settle_fleet(state)
    assert choose(state, GRAPH=str(graph)) == [
        f"This folder goes on with its own fleet: 1 boxes of a simulated network. {OTHER_FLEET}"
    ]


def test_a_start_that_broke_off_before_the_graph_was_loaded_chooses_anew(state: StateFolder, graph: Path) -> None:
    choose(state)
    assert public_graph(state).exists()
    choose(state, FLEET="2", GRAPH=str(graph))
    assert not public_graph(state).exists()
    settle_fleet(state)
    assert read_fleet(state).boxes == 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is empty"),
        (b"\x7fELF\x02\x01", "is not, or only in part, what"),
        (b'{"nodes": []', "the text ends too early"),
        (b'{"nodes": [], "edges": []}', "holds no channels"),
        (lzma.compress(b'{"nodes": [], "edges": []}')[:-20], "is truncated or damaged"),
    ],
)
def test_a_graph_of_no_use_is_told_in_one_line_before_any_service_starts(
    state: StateFolder, content: bytes, reason: str
) -> None:
    path = state.home / "graph.json"
    path.write_bytes(content)
    with pytest.raises(LaunchError) as refused:
        choose(state, GRAPH=str(path))
    message = str(refused.value)
    assert message.startswith(f"No fleet of 3 boxes could be made: {path} ")
    assert reason in message
    assert "\n" not in message
    assert refused.value.exit_code == 2


def test_a_fleet_larger_than_the_graph_allows_is_told_in_one_line(state: StateFolder, graph: Path) -> None:
    with pytest.raises(LaunchError, match=r"^No fleet of 50 boxes could be made: \d+ nodes .* ask for fewer\.") as told:
        choose(state, FLEET="50", GRAPH=str(graph))
    assert told.value.exit_code == 2


def test_a_damaged_record_of_the_fleet_is_named(state: StateFolder) -> None:
    choose(state)
    settle_fleet(state)
    (state.home / "simulator" / "fleet.json").write_text("{")
    with pytest.raises(LaunchError, match=r"fleet\.json is damaged: bring it back, or move .*/home away$"):
        choose(state)


def test_the_last_of_several_boxes_stands_beside_core_lightning(state: StateFolder) -> None:
    choose(state, FLEET="2")
    fleet = load_world(fleet_folder(state) / "world").fleet
    assert [node.implementation for node in fleet] == ["lnd", "cln"]


def test_a_box_alone_stands_beside_lnd(state: StateFolder) -> None:
    choose(state, FLEET="1")
    assert [node.implementation for node in load_world(fleet_folder(state) / "world").fleet] == ["lnd"]


def test_a_box_is_claimed_with_what_opens_its_node() -> None:
    place = {"pubkey": "02", "alias": "a", "url": "https://127.0.0.1:1", "tls_cert": "c"}
    lnd = SimulatedNode(**place, implementation="lnd", macaroon="m", rune=None)
    cln = SimulatedNode(**place, implementation="cln", macaroon=None, rune="r")
    assert describe_node(lnd) == ("--lnd", "https://127.0.0.1:1", "--macaroon", "m")
    assert describe_node(cln) == ("--cln", "https://127.0.0.1:1", "--rune", "r")
    assert count_cln([lnd, cln]) == 1
