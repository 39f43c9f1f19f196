"""Log lines say ids: public keys of nodes and the rows PostgreSQL quotes are taken out."""

import json
import logging

import pytest

from mcp_saas.settings.logs import configure_logging, hide_names

PUBKEY = "02" + "ab" * 32
FAULT = f'duplicate key\nDETAIL:  Failing row contains (7, "my node", {PUBKEY}).\nCONTEXT:  line 3'


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        (f"/api/v1/node/{PUBKEY}/channels", "/api/v1/node/<pubkey>/channels"),
        (FAULT, "duplicate key\nDETAIL: <hidden>\nCONTEXT:  line 3"),
        ("at the end\nDETAIL:  Key (alias)=(my \\ node)", "at the end\nDETAIL: <hidden>"),
        ("sha256 " + "02" * 32, "sha256 " + "02" * 32),
        ("a1" + PUBKEY, "a1" + PUBKEY),
    ],
)
def test_names_are_hidden_and_nothing_else(said: str, logged: str) -> None:
    line = hide_names(None, "info", json.dumps({"event": said, "after": 1}))
    assert json.loads(line) == {"event": logged, "after": 1}


def test_every_logger_hides_them(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        configure_logging("INFO")
        logging.getLogger("django.request").error("Internal Server Error: /node/%s", PUBKEY)
        [line] = capsys.readouterr().err.splitlines()
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert json.loads(line)["event"] == "Internal Server Error: /node/<pubkey>"
