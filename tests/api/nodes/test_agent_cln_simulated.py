"""A box beside a simulated Core Lightning, from its claim to a fee that the cloud approved, over real sockets."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nodes.agent.command import main
from nodes.simulator.home import open_home
from nodes.simulator.implementation import turn_into_cln
from nodes.simulator.network import build_world
from nodes.simulator.rune import make_rune
from nodes.simulator.small_network import generate_network
from tests.fakes.cloud import CLAIM_CODE, FakeCloud
from tests.fakes.simulated_cln import StillCln, serve_still_cln

NOW_S = 1_760_000_000
CLAIM_RUNE = ["=1", "method=getinfo|method=signmessage"]
READING = "method=getinfo|method=listpeerchannels|method=feerates|method=listforwards"
WRITING = f"{READING}|method=setchannel"


@pytest.fixture
def cln(tmp_path: Path) -> Iterator[StillCln]:
    graph = generate_network(seed=7, now_s=NOW_S)
    world = build_world(graph, 1, origin="test", now_s=NOW_S, seed=7, has_own_keys=True)
    turn_into_cln(world.fleet[0], world)
    pubkey = world.fleet[0].pubkey
    with serve_still_cln(world, pubkey, open_home(tmp_path / "node", pubkey)) as still:
        yield still


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as server:
        yield server


def claim(home: Path, cln: StillCln, cloud: FakeCloud, *, reports_with: str) -> None:
    """By the two runes that docs/agent.md has made."""
    files = {"claim": CLAIM_RUNE, "report": ["=2", reports_with]}
    home.mkdir()
    for name, restrictions in files.items():
        (home.parent / f"{name}.rune").write_text(make_rune(cln.secret, restrictions))
    runes = ["--rune", str(home.parent / "claim.rune"), "--report-rune", str(home.parent / "report.rune")]
    address = ["--cln", cln.url, "--tls-cert", str(cln.home.tls_cert), *runes]
    assert main(["claim", "--home", str(home), "--cloud", cloud.url, "--claim", CLAIM_CODE, *address]) == 0


def approve(cloud: FakeCloud, **changes: Any) -> dict[str, Any]:
    """An action on the first channel of the last snapshot."""
    channel = cloud.snapshots[-1]["channels"][0]
    action = {
        "id": "a",
        "channel": channel["short_channel_id"],
        "expires_at": "2100-01-01T00:00:00Z",
        "policy": channel["own_policy"] | changes,
        "expected_policy": channel["own_policy"],
    }
    cloud.actions = [action]
    return action


def test_a_fee_that_was_approved_is_in_force_and_in_the_next_snapshot(
    tmp_path: Path, cln: StillCln, cloud: FakeCloud
) -> None:
    home = tmp_path / "box"
    claim(home, cln, cloud, reports_with=WRITING)
    assert main(["report", str(home)]) == 0
    before = cloud.snapshots[-1]["channels"]
    action = approve(cloud, fee_rate_ppm=before[0]["own_policy"]["fee_rate_ppm"] + 21)

    assert main(["report", str(home)]) == 0
    [(name, result)] = cloud.results
    assert (name, result["success"], result["error"]) == ("a", True, None)
    cloud.actions = []
    assert main(["report", str(home)]) == 0
    after = cloud.snapshots[-1]["channels"]
    assert after[0]["own_policy"] == action["policy"]
    assert after[1:] == before[1:]
    assert len(cln.saves) == 1
    history = next(node for node in cln.world.fleet if node.pubkey == cln.pubkey).history
    assert len(cloud.forwards) == len(history)
    assert cloud.device is not None
    assert cloud.device["pubkey"] == cln.pubkey


def test_a_wish_that_core_lightning_has_no_word_for_is_reported_as_refused(
    tmp_path: Path, cln: StillCln, cloud: FakeCloud
) -> None:
    home = tmp_path / "box"
    claim(home, cln, cloud, reports_with=WRITING)
    assert main(["report", str(home)]) == 0
    approve(cloud, inbound_fee_rate_ppm=-20)

    assert main(["report", str(home)]) == 0
    [(_, result)] = cloud.results
    assert (result["success"], result["error"]) == (False, "Core Lightning has no inbound fees")
    assert cln.saves == []


def test_a_box_whose_rune_only_reads_says_so_and_writes_nothing(
    tmp_path: Path, cln: StillCln, cloud: FakeCloud
) -> None:
    home = tmp_path / "box"
    claim(home, cln, cloud, reports_with=READING)
    assert main(["report", str(home)]) == 0
    approve(cloud, base_fee_msat=7)

    assert main(["report", str(home)]) == 0
    [(_, result)] = cloud.results
    assert not result["success"]
    assert "refuses the rune: Not permitted" in json.dumps(result["error"])
    assert cln.saves == []
