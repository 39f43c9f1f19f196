"""Each line of a log is one JSON object, and tells of no node by its whole name nor of any secret."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog

from mcp_saas.kit.scrub import HIDDEN
from mcp_saas.settings.logs import configure_logging, scrub_line
from tests.unit.mcp_saas.test_scrub import MACAROON, PUBKEY, SECRETS, SHORT
from tests.unit.mcp_saas.test_sentry import fail_with

FAULT = f'duplicate key\nDETAIL:  Failing row contains (7, "my node", {PUBKEY}).\nCONTEXT:  line 3'


@contextmanager
def product_logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, config = root.handlers[:], root.level, structlog.get_config()
    try:
        configure_logging("INFO")
        yield
    finally:
        structlog.configure(**config)  # loggers that were used before hold on to its very lists
        root.handlers[:] = handlers
        root.setLevel(level)


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        (f"/api/v1/node/{PUBKEY}/channels", f"/api/v1/node/{SHORT}/channels"),
        (FAULT, f"duplicate key\nDETAIL: {HIDDEN}\nCONTEXT:  line 3"),
        ("at the end\nDETAIL:  Key (alias)=(my \\ node)", f"at the end\nDETAIL: {HIDDEN}"),
        ("sha256 " + "02" * 32, "sha256 " + "02" * 32),
    ],
)
def test_a_line_is_scrubbed_and_stays_json(said: str, logged: str) -> None:
    assert json.loads(scrub_line(None, "info", json.dumps({"event": said, "after": 1}))) == {
        "event": logged,
        "after": 1,
    }


def test_every_logger_is_scrubbed(capsys: pytest.CaptureFixture[str]) -> None:
    with product_logs():
        logging.getLogger("django.request").error("Internal Server Error: /node/%s", PUBKEY)
    [line] = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == f"Internal Server Error: /node/{SHORT}"


@pytest.mark.parametrize("kind", SECRETS)
def test_an_exception_of_others_is_scrubbed(capsys: pytest.CaptureFixture[str], kind: str) -> None:
    with product_logs():
        try:
            fail_with(f"{SECRETS[kind]} of {PUBKEY}")
        except ValueError:
            logging.getLogger("somebody.else").exception("it failed")
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)["exception"]
    assert "ValueError: refused: " in told
    assert SECRETS[kind] not in told
    assert PUBKEY not in told


def test_a_field_with_the_name_of_a_secret_is_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    with product_logs():
        structlog.get_logger("nodes").warning("sent", macaroon="short", tokens=12, node=PUBKEY)
    [line] = capsys.readouterr().err.splitlines()
    told = json.loads(line)
    assert (told["macaroon"], told["tokens"], told["node"]) == (HIDDEN, 12, SHORT)
    assert {"timestamp", "level", "logger", "event"} <= set(told)
    assert MACAROON not in line
