"""The simulator as a process: made, served, stopped and started again, with what happened in between."""

import json
import re
import signal
import socket
import sys
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from nodes.simulator.network import BALANCE_NOTE
from nodes.simulator.selection import SELECTION_RULE
from nodes.simulator.world import load_world
from nodes.sources.describegraph.reader import read_graph
from tests.fakes.simulated_cln import open_cln_client
from tests.fakes.simulated_fleet import Fleet, run_simulator, serve_fleet

SERVING_MB = 60


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    done = run_simulator("make", "--fleet", 3, "--world", folder / "world", "--graph-out", folder / "graph.json")
    assert done.returncode == 0, done.stderr
    (folder / "printed").write_text(done.stdout)
    return folder


@pytest.fixture
def place(made: Path, tmp_path: Path) -> Path:
    (tmp_path / "world").write_bytes((made / "world").read_bytes())
    return tmp_path


def serve(place: Path) -> AbstractContextManager[Fleet]:
    return serve_fleet(place / "world", place / "home", place / "ready.json")


def read_peak_mb(fleet: Fleet) -> float:
    status = Path(f"/proc/{fleet.process.pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert match is not None
    return int(match[1]) / 1024


def test_making_a_world_says_what_is_real_and_what_is_a_model(made: Path) -> None:
    printed = (made / "printed").read_text()
    world = load_world(made / "world")

    assert SELECTION_RULE in printed
    assert BALANCE_NOTE in printed
    assert len(world.fleet) == 3
    for node in world.fleet:
        assert f"  {node.alias}: {len(world.channels_of(node.pubkey))} channels\n    {node.pubkey}\n" in printed
    assert (made / "world").stat().st_mode & 0o777 == 0o600


def test_the_simulated_network_is_published_without_its_private_channels(made: Path) -> None:
    graph, world = read_graph(made / "graph.json"), load_world(made / "world")
    public = {channel.channel_id for channel in graph.channels}

    assert len(graph.nodes) == 120
    assert {channel.channel_id for channel in world.channels if not channel.private} <= public
    assert not {channel.channel_id for channel in world.channels if channel.private} & public


def test_a_fleet_can_be_made_from_a_graph_file(made: Path, tmp_path: Path) -> None:
    done = run_simulator("make", "--fleet", 2, "--graph", made / "graph.json", "--world", tmp_path / "world")

    assert done.returncode == 0, done.stderr
    assert "The channel graph of graph.json." in done.stdout
    public = {channel.channel_id for channel in read_graph(made / "graph.json").channels}
    assert {channel.channel_id for channel in load_world(tmp_path / "world").channels} <= public


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--fleet", "2", "--graph", "absent.json"], "absent.json: no such file"),
        (["--fleet", "0"], "'0' is not a number of nodes: 1 or more"),
        (["--fleet", "5", "--graph", "tiny.json"], "0 nodes of this network qualify for a fleet of 5"),
    ],
)
def test_what_cannot_be_made_is_said_in_one_line(tmp_path: Path, arguments: list[str], says: str) -> None:
    edge = {"channel_id": "1", "node1_pub": "02" + "a" * 64, "node2_pub": "02" + "b" * 64, "capacity": "5"}
    (tmp_path / "tiny.json").write_text(json.dumps({"nodes": [], "edges": [edge]}))
    located = [str(tmp_path / word) if word.endswith(".json") else word for word in arguments]

    done = run_simulator("make", *located, "--world", tmp_path / "world")

    assert done.returncode in {1, 2}
    assert says in done.stderr.splitlines()[-1]
    assert not (tmp_path / "world").exists()


def test_the_ready_file_tells_how_to_reach_every_node(place: Path) -> None:
    with serve(place) as fleet:
        assert (place / "ready.json").stat().st_mode & 0o777 == 0o600
        assert len({node["url"] for node in fleet.ready}) == 3
        for index, node in enumerate(fleet.ready):
            assert set(node) == {"pubkey", "alias", "implementation", "url", "tls_cert", "macaroon", "rune"}
            assert any(node["url"] in line and node["pubkey"] in line for line in fleet.printed)
            with fleet.open_client(index) as client:
                info = client.get("/v1/getinfo").json()
                assert (info["identity_pubkey"], info["alias"]) == (node["pubkey"], node["alias"])
                stranger = fleet.ready[index - 1]["macaroon"]
                headers = {"Grpc-Metadata-macaroon": Path(stranger).read_bytes().hex()}
                assert client.get("/v1/getinfo", headers=headers).status_code == 500
        assert fleet.stop() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc: left out on other systems")
def test_serving_takes_less_than_60_mb(place: Path) -> None:
    with serve(place) as fleet:
        for index in range(3):
            with fleet.open_client(index) as client:
                for path in ("/v1/getinfo", "/v1/channels", "/v1/fees"):
                    assert client.get(path).status_code == 200
                assert client.post("/v1/switch", json={"num_max_events": 50_000}).status_code == 200
        assert read_peak_mb(fleet) < SERVING_MB
        assert fleet.stop() == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_policy_change_and_the_ports_outlive_the_process(place: Path, how: signal.Signals) -> None:
    with serve(place) as fleet, fleet.open_client(0) as client:
        ready = fleet.ready
        history = client.post("/v1/switch", json={"num_max_events": 50_000}).json()["forwarding_events"]
        update = {"global": True, "base_fee_msat": "11", "fee_rate_ppm": 222, "time_lock_delta": 33}
        assert client.post("/v1/chanpolicy", json=update).json() == {"failed_updates": []}
        assert fleet.stop(how) == (-signal.SIGKILL if how == signal.SIGKILL else 0)

    with serve(place) as fleet, fleet.open_client(0) as client:
        assert fleet.ready == ready
        fees = client.get("/v1/fees").json()["channel_fees"]
        again = client.post("/v1/switch", json={"num_max_events": 50_000}).json()["forwarding_events"]
        assert {(fee["base_fee_msat"], fee["fee_per_mil"]) for fee in fees} == {("11", "222")}
        assert again[: len(history)] == history
        assert fleet.stop() == 0


def test_a_port_that_somebody_else_took_is_replaced(place: Path) -> None:
    with serve(place) as fleet:
        before = fleet.ready
        assert fleet.stop() == 0
    port = int(before[0]["url"].rpartition(":")[2])

    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        with serve(place) as fleet, fleet.open_client(0) as client:
            assert fleet.ready[0]["url"] != before[0]["url"]
            assert fleet.ready[1:] == before[1:]
            assert client.get("/v1/getinfo").json()["identity_pubkey"] == before[0]["pubkey"]
            assert fleet.stop() == 0


def test_one_world_is_served_once(place: Path) -> None:
    with serve(place) as fleet:
        second = run_simulator("serve", "--world", place / "world", "--home", place / "other")
        assert second.returncode == 1
        assert second.stderr.strip() == f"{place / 'world'} is being served by another process: stop that one first"
        assert fleet.stop() == 0


def test_a_missing_or_foreign_world_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"hello")

    missing = run_simulator("serve", "--world", tmp_path / "absent", "--home", tmp_path / "home")
    foreign = run_simulator("serve", "--world", tmp_path / "old", "--home", tmp_path / "home")

    assert (missing.returncode, foreign.returncode) == (1, 1)
    assert "python -m nodes.simulator make" in missing.stderr
    assert "is not a world" in foreign.stderr
    assert len(missing.stderr.splitlines()) == len(foreign.stderr.splitlines()) == 1


def test_a_core_lightning_node_is_served_beside_lnds(tmp_path: Path) -> None:
    done = run_simulator("make", "--fleet", 2, "--cln", 1, "--world", tmp_path / "world")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("channels, Core Lightning\n") == 1
    with serve(tmp_path) as fleet:
        lnd, cln = fleet.ready
        assert (lnd["implementation"], lnd["rune"]) == ("lnd", None)
        assert (cln["implementation"], cln["macaroon"]) == ("cln", None)
        with open_cln_client(cln["url"], Path(cln["tls_cert"]), Path(cln["rune"])) as client:
            assert client.post("/v1/getinfo").json()["id"] == cln["pubkey"]
            [told] = client.post("/v1/setchannel", json={"id": "all", "feeppm": 77}).json()["channels"][:1]
        assert fleet.stop(signal.SIGKILL) != 0
    with serve(tmp_path) as fleet:
        assert fleet.ready[1]["rune"] == cln["rune"]
        with open_cln_client(fleet.ready[1]["url"], Path(cln["tls_cert"]), Path(cln["rune"])) as client:
            scid = {"short_channel_id": told["short_channel_id"]}
            [channel] = client.post("/v1/listpeerchannels", json=scid).json()["channels"]
            assert channel["fee_proportional_millionths"] == 77
        assert fleet.stop() == 0
