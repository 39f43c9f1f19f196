"""The commands, as the owner of a box and its service manager meet them."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from nodes.agent.command import main
from nodes.agent.config import normalise_url
from nodes.agent.device_key import read_device_key
from nodes.agent.errors import HomeError
from tests.fakes.box import Box, start_box
from tests.fakes.cloud import CLAIM_CODE
from tests.fakes.lnd_rest import MACAROON, OWN, PEERS, describe_forward


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with start_box(tmp_path) as started:
        yield started


def read_error(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr."""
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


def test_a_claim_makes_a_device_of_the_box(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    assert box.claim() == 0

    asked, call = box.cloud.calls
    assert (asked.method, asked.path) == ("POST", "/api/v1/provisioning/challenges")
    assert (call.method, call.path) == ("POST", "/api/v1/provisioning/devices")
    sent = json.loads(call.body)
    assert set(sent) == {"claim_code", "pubkey", "alias", "nonce", "signature", "device_key", "agent"}
    assert (sent["claim_code"], sent["pubkey"], sent["alias"]) == (CLAIM_CODE, OWN, "alice")
    assert sent["device_key"] == read_device_key(box.home).jwk
    assert set(sent["agent"]) == {"version", "platform"}
    assert json.loads((box.home / "agent.json").read_bytes()) == {
        "cloud": box.cloud.url,
        "device_id": box.cloud.device_id,
        "pubkey": OWN,
        "lnd": box.lnd.url,
        "macaroon": str(box.lnd.macaroon_path),
        "tls_cert": str(box.lnd.cert_path),
    }
    assert box.cloud.device_id in capsys.readouterr().out


def test_what_a_home_holds_is_for_its_owner_alone(box: Box) -> None:
    assert box.claim() == 0
    assert main(["report", str(box.home)]) == 0

    files = {"actions.json", "agent.json", "agent.lock", "device.key", "opening_fees.json", "state.json"}
    assert {path.name for path in box.home.iterdir()} == files
    assert {stat.S_IMODE(path.stat().st_mode) for path in box.home.iterdir()} == {0o600}
    assert stat.S_IMODE(box.home.stat().st_mode) == 0o700
    kept = b"".join(path.read_bytes() for path in box.home.iterdir())
    assert not any(token.encode() in kept for token in box.cloud.access_tokens | box.cloud.refresh_tokens)
    assert MACAROON not in kept
    assert MACAROON.hex().encode() not in kept


def test_claiming_twice_keeps_key_and_device(box: Box) -> None:
    assert box.claim() == 0
    files = {path.name: path.read_bytes() for path in box.home.iterdir()}
    assert box.claim() == 0

    assert {path.name: path.read_bytes() for path in box.home.iterdir()} == files
    assert len(box.cloud.calls) == 4  # a challenge and a claim each


def test_relative_paths_still_hold_when_the_service_runs_elsewhere(
    box: Box, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = ["--macaroon", "readonly.macaroon", "--tls-cert", "tls.cert"]
    address = ["--cloud", f"{box.cloud.url}/api/v1/", "--claim", CLAIM_CODE, "--lnd", f"{box.lnd.url}/"]
    assert main(["claim", "--home", "home", *address, *files]) == 0
    monkeypatch.chdir("/")

    assert main(["report", str(box.home)]) == 0


def test_a_refused_claim_prints_title_and_detail(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    assert box.claim("WRONG") == 1

    assert "404: Claim not found: This claim code is not known." in read_error(capsys)
    assert not (box.home / "agent.json").exists()


@pytest.mark.parametrize("message", ["pay me", "dazno-claim:v1:dazbox-cloud:nonce:somebody-elses-key"])
def test_nothing_but_this_claim_is_signed(box: Box, capsys: pytest.CaptureFixture[str], message: str) -> None:
    box.cloud.message = message
    assert box.claim() == 1
    assert "nothing was signed" in read_error(capsys)
    assert box.lnd.calls_to("/v1/signmessage") == []


def test_a_claim_that_another_box_used_is_refused(box: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert box.claim() == 0
    (box.home / "device.key").unlink()  # another key is another box
    capsys.readouterr()

    assert box.claim() == 1
    assert "Claim used" in read_error(capsys)


def test_a_home_speaks_for_one_node(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    assert box.claim() == 0
    box.lnd.info["identity_pubkey"] = PEERS[0]
    capsys.readouterr()

    assert box.claim() == 1
    assert f"belongs to the node {OWN}" in read_error(capsys)
    assert len(box.cloud.calls) == 2  # nothing was asked for another node


def test_a_claim_with_a_wrong_macaroon_never_reaches_the_cloud(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.lnd.macaroon_path.write_bytes(b"of another node")

    assert box.claim() == 1
    assert "refuses the macaroon" in read_error(capsys)
    assert box.cloud.calls == []


def test_a_damaged_key_is_never_replaced_by_a_new_one(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    box.home.mkdir()
    (box.home / "device.key").write_bytes(b"half a k")

    assert box.claim() == 1
    assert "device.key cannot be read as a private key" in read_error(capsys)
    assert (box.home / "device.key").read_bytes() == b"half a k"


def test_report_prints_one_line_a_home_and_goes_on_after_a_failing_one(
    box: Box, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert box.claim() == 0
    box.lnd.forwards = [describe_forward(number) for number in range(4)]
    capsys.readouterr()
    unclaimed = tmp_path / "unclaimed"

    assert main(["report", str(unclaimed), str(box.home)]) == 1
    out, err = capsys.readouterr()
    assert err == f"{unclaimed}: {unclaimed} is not claimed yet: run `claim --home {unclaimed}` first\n"
    assert out.startswith(f"{box.home}: snapshot ")
    assert out.endswith(" with 3 channels sent, 4 new forwards stored\n")
    assert len(out.splitlines()) == 1


def test_token_prints_a_pair_that_the_cloud_takes(box: Box, capsys: pytest.CaptureFixture[str]) -> None:
    assert box.claim() == 0
    capsys.readouterr()

    assert main(["token", str(box.home)]) == 0
    pair = json.loads(capsys.readouterr().out)
    assert set(pair) == {"access", "refresh"}
    assert pair["access"] in box.cloud.access_tokens
    assert pair["refresh"] in box.cloud.refresh_tokens


@pytest.mark.parametrize("content", [b"", b"[]", b'{"cloud": "https://c.example"}', b"\xff"])
def test_a_damaged_home_says_which_file_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    (tmp_path / "agent.json").write_bytes(content)

    assert main(["token", str(tmp_path)]) == 1
    line = read_error(capsys)
    assert str(tmp_path / "agent.json") in line
    assert "claim this home again" in line


@pytest.mark.parametrize(
    "url",
    [
        "http://cloud.example",
        "ftp://cloud.example",
        "cloud.example",
        "https://",
        "https://cloud.example:0x",
        "https://cloud.example:65536",
        "https://cloud.example/?q=1",
        "https://cloud.example/\n",
        "https://user:hunter2@cloud.example",
    ],
)
def test_an_address_that_would_leak_or_lead_nowhere_is_refused(url: str) -> None:
    with pytest.raises(HomeError) as caught:
        normalise_url(url)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://cloud.example/", "https://cloud.example"),
        ("https://cloud.example/api/v1", "https://cloud.example"),
        ("http://127.0.0.1:8000/api/v1/", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("https://proxy.example/box-7/", "https://proxy.example/box-7"),
    ],
)
def test_an_address_is_kept_without_what_the_agent_adds(url: str, base: str) -> None:
    assert normalise_url(url) == base


@pytest.mark.parametrize("interval", ["0", "-1", "nan", "soon", "86401"])
def test_a_senseless_interval_is_wrong_usage(interval: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["run", "home", "--interval", interval])
    assert caught.value.code == 2
    assert "--interval" in capsys.readouterr().err
