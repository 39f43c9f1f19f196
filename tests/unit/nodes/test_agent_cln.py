"""The agent beside a Core Lightning: claimed with its signature, reporting what it says."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mcp_saas.kit.node_message import recover_signer
from nodes.agent.command import main
from nodes.engine.report import NodeSnapshot
from tests.fakes.cln_rest import OWN, RUNE, SCID, FakeCln, describe_forward
from tests.fakes.cloud import CLAIM_CODE, FakeCloud


@pytest.fixture
def cln(tmp_path: Path) -> Iterator[FakeCln]:
    with FakeCln(tmp_path) as server:
        yield server


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as server:
        yield server


def claim(home: Path, cln: FakeCln, cloud: FakeCloud, *more: str) -> int:
    address = ["--cloud", cloud.url, "--claim", CLAIM_CODE, "--cln", cln.url]
    files = ["--rune", str(cln.rune_path), "--tls-cert", str(cln.cert_path)]
    return main(["claim", "--home", str(home), *address, *files, *more])


def test_a_claim_is_signed_by_core_lightning(tmp_path: Path, cln: FakeCln, cloud: FakeCloud) -> None:
    report_rune = tmp_path / "report.rune"
    report_rune.write_text(RUNE)
    home = tmp_path / "home"
    assert claim(home, cln, cloud, "--report-rune", str(report_rune)) == 0

    sent = json.loads(cloud.calls[-1].body)
    assert (sent["pubkey"], sent["alias"]) == (OWN, "carol")
    assert recover_signer(cloud.messages[sent["nonce"]].encode(), sent["signature"]) == OWN
    assert json.loads((home / "agent.json").read_bytes()) == {
        "cloud": cloud.url,
        "device_id": cloud.device_id,
        "pubkey": OWN,
        "cln": cln.url,
        "rune": str(report_rune),
        "tls_cert": str(cln.cert_path),
    }
    assert RUNE not in (home / "agent.json").read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in home.iterdir()} == {0o600}


def test_a_report_takes_five_calls_and_once_an_hour_one_more(tmp_path: Path, cln: FakeCln, cloud: FakeCloud) -> None:
    home = tmp_path / "home"
    assert claim(home, cln, cloud) == 0
    cln.calls.clear()
    assert main(["report", str(home)]) == 0

    assert cln.methods == ["getinfo", "listpeerchannels", "feerates", "listforwards", "listforwards", "bkpr-listincome"]
    [snapshot] = cloud.snapshots
    taken = msgspec.json.decode(msgspec.json.encode(snapshot), type=NodeSnapshot)
    assert taken.node.implementation == "cln"
    assert [channel.short_channel_id for channel in taken.channels] == [SCID]


def test_forwards_are_sent_once_across_reports(tmp_path: Path, cln: FakeCln, cloud: FakeCloud) -> None:
    home = tmp_path / "home"
    assert claim(home, cln, cloud) == 0
    known = [describe_forward(number) for number in range(1, 4)]
    cln.answers["listforwards"] = lambda params: {
        "forwards": []
        if params.get("status") == "local_failed"
        else [forward for forward in known if forward["updated_index"] >= params["start"]]
    }
    assert main(["report", str(home)]) == 0
    known.append(describe_forward(4))
    assert main(["report", str(home)]) == 0

    assert sorted(cloud.forwards) == [f"{number}:{SCID}" for number in range(1, 5)]
    sent = [json.loads(call.body)["events"] for call in cloud.calls_to("/forwards")]
    assert [len(events) for events in sent if events] == [3, 1]


def test_a_rune_that_is_refused_is_one_line(
    tmp_path: Path, cln: FakeCln, cloud: FakeCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    cln.rune_path.write_text("another")
    assert claim(tmp_path / "home", cln, cloud) == 1
    _, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert "refuses the rune: Not authorized" in err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--cln", "https://127.0.0.1:1", "--macaroon", "m"],
        ["--lnd", "https://127.0.0.1:1", "--rune", "r"],
        ["--cln", "https://127.0.0.1:1", "--rune", "r", "--report-macaroon", "m"],
        ["--lnd", "https://127.0.0.1:1", "--macaroon", "m", "--report-rune", "r"],
        ["--cln", "https://127.0.0.1:1", "--lnd", "https://127.0.0.1:2", "--rune", "r"],
        ["--rune", "r"],
        ["--cln", "https://127.0.0.1:1"],
    ],
)
def test_a_macaroon_does_not_open_core_lightning(
    tmp_path: Path, wrong: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    cloud = ["--home", str(tmp_path), "--cloud", "https://cloud.example", "--claim", "CODE", "--tls-cert", "c"]
    with pytest.raises(SystemExit) as stopped:
        main(["claim", *cloud, *wrong])
    assert stopped.value.code == 2
    assert "--" in capsys.readouterr().err
