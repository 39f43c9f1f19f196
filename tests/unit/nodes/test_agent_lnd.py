"""LND's door: pinned, bounded, and its refusals in plain words with a decision."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nodes.agent.config import NodeAddress
from nodes.agent.node import open_node, read_certificate, read_secret
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Identity
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.lnd.client import open_lnd
from tests.fakes.box import Box, start_box
from tests.fakes.json_server import Reply
from tests.fakes.lnd_rest import MACAROON, OWN, describe_error, describe_forward, make_tls
from tests.reference_data import LND_SWAGGER


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with start_box(tmp_path) as started:
        yield started


def ask_identity(address: NodeAddress) -> Identity:
    with open_node(address) as driver:
        return driver.identify()


def refusal(address: NodeAddress) -> NodeError:
    with pytest.raises(NodeError) as caught:
        ask_identity(address)
    assert MACAROON.hex() not in str(caught.value)
    return caught.value


def test_the_pinned_certificate_is_taken_whatever_host_name_it_is_for(box: Box) -> None:
    assert ask_identity(box.address).pubkey == OWN
    assert box.lnd.calls[0].headers["Grpc-Metadata-macaroon"] == MACAROON.hex()


def test_another_certificate_gets_no_macaroon(box: Box, tmp_path: Path) -> None:
    other = tmp_path / "other.cert"
    make_tls(other)

    error = refusal(NodeAddress(url=box.lnd.url, secret=box.lnd.macaroon_path, tls_cert=other))
    assert "another certificate" in str(error)
    assert str(other) in str(error)
    assert box.lnd.calls == []


def test_a_certificate_of_a_public_authority_is_not_enough(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    other = box.lnd.cert_path.with_name("other.cert")
    make_tls(other)
    monkeypatch.setenv("SSL_CERT_FILE", str(box.lnd.cert_path))

    assert "another certificate" in str(
        refusal(NodeAddress(url=box.lnd.url, secret=box.lnd.macaroon_path, tls_cert=other))
    )


def test_a_wrong_macaroon_is_permanent(box: Box) -> None:
    box.lnd.macaroon_path.write_bytes(b"of another node")

    error = refusal(box.address)
    assert "refuses the macaroon" in str(error)
    assert error.permanent


@pytest.mark.parametrize("message", ["permission denied", "cannot get macaroon: root key with id 0 doesn't exist"])
def test_a_macaroon_that_may_not_is_permanent(box: Box, message: str) -> None:
    box.lnd.failure = Reply(status=500, body=describe_error(2, message))

    error = refusal(box.address)
    assert message in str(error)
    assert error.permanent


@pytest.mark.parametrize(
    "message", ["wallet locked, unlock it to enable full RPC access", "starting up, but not yet ready"]
)
def test_an_lnd_that_is_not_ready_yet_is_tried_again(box: Box, message: str) -> None:
    box.lnd.failure = Reply(status=500, body=describe_error(2, message), headers={"Retry-After": "7"})

    error = refusal(box.address)
    assert message in str(error)
    assert (error.permanent, error.retry_after_s) == (False, 7.0)
    assert error.fault in {Fault.LOCKED, Fault.STARTING}
    assert len(box.lnd.calls) == 1  # a moment later it would say the same


def test_an_lnd_that_is_off_is_named_with_its_address(box: Box) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        url = f"https://127.0.0.1:{unused.getsockname()[1]}"

    error = refusal(NodeAddress(url=url, secret=box.lnd.macaroon_path, tls_cert=box.lnd.cert_path))
    assert str(error).startswith(f"LND at {url} is not reachable")
    assert not error.permanent


@pytest.mark.parametrize("name", ["readonly.macaroon", "tls.cert"])
def test_a_missing_file_is_named(box: Box, tmp_path: Path, name: str) -> None:
    (tmp_path / name).unlink()

    error = refusal(box.address)
    assert str(tmp_path / name) in str(error)
    assert error.permanent


@pytest.mark.parametrize("name", ["readonly.macaroon", "tls.cert"])
def test_an_empty_file_is_named(box: Box, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"")

    assert str(tmp_path / name) in str(refusal(box.address))


@pytest.mark.parametrize("body", [b"<html>router log-in</html>", b"[1]", b"[" * 100_000, b'{"a": '])
def test_what_is_not_a_json_object_is_no_answer_of_lnd(box: Box, body: bytes) -> None:
    box.lnd.failure = Reply(body=body)

    assert "did not answer with JSON" in str(refusal(box.address))


def test_an_answer_without_end_is_cut(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nodes.sources.driver.connection.MAX_ANSWER_BYTES", 1 << 20)
    box.lnd.failure = Reply(body=b" " * ((1 << 20) + 1))

    assert "more than 1 MB" in str(refusal(box.address))


def test_words_of_lnd_stay_on_one_line(box: Box) -> None:
    box.lnd.failure = Reply(status=500, body=describe_error(2, "first\nINFO forged\x1b[2J" + "x" * 1000))

    said = str(refusal(box.address))
    assert said.isprintable()
    assert len(said) == 400


def test_the_fake_lnd_of_these_tests_has_the_shapes_of_the_real_one(box: Box) -> None:
    if not LND_SWAGGER.exists():
        pytest.skip(f"there is no {LND_SWAGGER}: the fake LND of these tests is not compared with LND's own schema")
    box.lnd.forwards = [describe_forward(0)]
    definitions = json.loads(LND_SWAGGER.read_text())["definitions"]
    config = DriverConfig(
        implementation="lnd",
        url=box.lnd.url,
        secret=read_secret(box.address),
        certificate=read_certificate(box.lnd.cert_path),
    )
    with open_lnd(config) as lnd:
        answers = {
            "lnrpcGetInfoResponse": lnd.get_info(),
            "lnrpcListChannelsResponse": lnd.list_channels(),
            "lnrpcNodeInfo": lnd.get_node(OWN),
            "lnrpcTransactionDetails": lnd.list_transactions(start_height=0, index_offset=0, max_transactions=9),
            "lnrpcForwardingHistoryResponse": lnd.list_forwards(0, 10),
            "lnrpcForwardingHistoryRequest": json.loads(box.lnd.calls[-1].body),
        }

    for name, answer in answers.items():
        schema = {"$ref": f"#/definitions/{name}", "definitions": forbid_unknown(definitions)}
        assert list(jsonschema.Draft4Validator(schema).iter_errors(answer)) == [], name


def forbid_unknown(definitions: dict[str, Any]) -> dict[str, Any]:
    """Swagger lets unknown fields pass; a fake with an invented field would prove nothing."""
    return {
        name: definition | {"additionalProperties": False} if "properties" in definition else definition
        for name, definition in definitions.items()
    }
