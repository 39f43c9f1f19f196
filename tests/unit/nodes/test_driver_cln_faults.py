"""The door to clnrest: pinned, bounded, and its refusals in plain words with a decision."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.retry import Patience
from nodes.sources.node import open_driver
from tests.fakes.cln_rest import OWN, RUNE, FakeCln, describe_info, refuse
from tests.fakes.json_server import Reply
from tests.fakes.lnd_rest import make_tls

NO_PAUSE = Patience(pause=lambda _: None)


@pytest.fixture
def cln(tmp_path: Path) -> Iterator[FakeCln]:
    with FakeCln(tmp_path) as server:
        yield server


def connect(cln: FakeCln, *, certificate: str | None = None, secret: str = RUNE, read_s: float = 5) -> Driver:
    return open_driver(
        DriverConfig(
            implementation="cln",
            url=cln.url,
            secret=secret,
            certificate=certificate or cln.cert_path.read_text(),
            timeout=httpx.Timeout(read_s, connect=2),
            patience=NO_PAUSE,
        )
    )


def refusal(driver: Driver) -> NodeError:
    with driver, pytest.raises(NodeError) as caught:
        driver.identify()
    assert RUNE not in str(caught.value)
    return caught.value


def test_the_rune_is_sent_to_the_pinned_certificate(cln: FakeCln) -> None:
    with connect(cln) as driver:
        assert driver.identify().pubkey == OWN
    assert cln.calls[0].method == "POST"
    assert cln.calls[0].headers["Rune"] == RUNE


def test_another_certificate_gets_no_rune(cln: FakeCln, tmp_path: Path) -> None:
    make_tls(tmp_path / "other.cert")
    error = refusal(connect(cln, certificate=(tmp_path / "other.cert").read_text()))
    assert error.fault is Fault.CERTIFICATE
    assert cln.calls == []


@pytest.mark.parametrize(
    ("status", "code"), [(401, 1501), (401, 1502), (401, 1503), (403, 1501), (500, 1502), (401, None)]
)
def test_a_refused_rune_is_permanent(cln: FakeCln, status: int, code: int | None) -> None:
    cln.failure = refuse(status, code, "Not permitted: method is not equal to getinfo")
    error = refusal(connect(cln))
    assert (error.fault, error.permanent) == (Fault.FORBIDDEN, True)
    assert "refuses the rune: Not permitted: method is not equal to getinfo" in str(error)
    assert len(cln.calls) == 1


@pytest.mark.parametrize("rune", ["", "  ", "two words", "rüne", "line\nbreak"])
def test_what_is_no_rune_is_not_sent(cln: FakeCln, rune: str) -> None:
    with pytest.raises(NodeError, match="createrune") as caught:
        connect(cln, secret=rune)
    assert caught.value.fault is Fault.SETTING


@pytest.mark.parametrize(("status", "code"), [(404, -32601), (500, -32602), (500, -1), (405, None)])
def test_a_no_of_lightningd_is_final(cln: FakeCln, status: int, code: int | None) -> None:
    cln.failure = refuse(status, code, "Unknown command 'getinfo'")
    error = refusal(connect(cln))
    assert (error.fault, error.permanent) == (Fault.REFUSED, True)
    assert len(cln.calls) == 1


@pytest.mark.parametrize(
    "reply",
    [
        refuse(500, None, "Error connecting to lightning-rpc: Connection refused"),
        Reply(status=502, body=b"<html>Bad Gateway</html>"),
        Reply(status=503),
        Reply(status=429, headers={"Retry-After": "7"}),
    ],
)
def test_a_node_that_cannot_answer_now_is_asked_again(cln: FakeCln, reply: Reply) -> None:
    cln.failures = [reply, reply]
    with connect(cln) as driver:
        assert driver.identify().pubkey == OWN
    assert len(cln.calls) == 3

    cln.failure = reply
    error = refusal(connect(cln))
    assert (error.fault, error.permanent) == (Fault.UNAVAILABLE, False)
    assert error.retry_after_s == (7 if reply.headers else None)
    assert len(cln.calls) == 6


def test_a_node_that_hangs_is_left_after_the_timeout(cln: FakeCln) -> None:
    released = threading.Event()
    cln.before_answer = released.wait
    error = refusal(connect(cln, read_s=0.2))
    released.set()
    assert (error.fault, error.permanent) == (Fault.TIMEOUT, False)


def test_a_node_that_restarts_is_unreachable_and_then_there(tmp_path: Path) -> None:
    with FakeCln(tmp_path) as cln, connect(cln) as driver:
        assert driver.identify().pubkey == OWN
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        config = DriverConfig(
            implementation="cln", url=f"https://127.0.0.1:{unused.getsockname()[1]}", secret=RUNE, patience=NO_PAUSE
        )
        error = refusal(open_driver(config))
    assert (error.fault, error.permanent) == (Fault.UNREACHABLE, False)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"id": 1}', b'{"id": "02"', b"[" * 100_000])
def test_partial_data_is_an_error_and_not_an_empty_node(cln: FakeCln, body: bytes) -> None:
    cln.failure = Reply(status=201, body=body)
    error = refusal(connect(cln))
    assert (error.fault, error.permanent) == (Fault.GARBLED, False)


def test_a_list_that_is_missing_is_not_an_empty_list(cln: FakeCln) -> None:
    cln.answers["listpeerchannels"] = lambda _: {}
    cln.answers["listforwards"] = lambda _: {"forwards": [None]}
    with connect(cln) as driver:
        for read in (driver.read_node, lambda: driver.read_forwards("0")):
            with pytest.raises(NodeError) as caught:
                read()
            assert caught.value.fault is Fault.GARBLED


def test_what_a_node_says_does_not_break_a_log_line(cln: FakeCln) -> None:
    cln.answers["getinfo"] = lambda _: describe_info(alias="a\x00b\nc" + "d" * 200)
    with connect(cln) as driver:
        assert driver.identify().alias == "abc" + "d" * 125
    cln.failure = refuse(500, -1, "two\nlines " + "x" * 500)
    assert "\n" not in str(refusal(connect(cln)))
