"""What an error report carries, read off the transport: no secret, no node by name, and the id of the request."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport

from mcp_saas.kit.request_id import on_behalf_of
from mcp_saas.kit.scrub import HIDDEN
from mcp_saas.settings.sentry import choose_options
from tests.unit.mcp_saas.test_scrub import PUBKEY, SECRETS, SHORT

REQUEST_ID = "5f0c2a6e-7a3d-4a55-9c1f-1c2a3b4c5d6e"
WORDS = {**SECRETS, "pubkey": PUBKEY}


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Envelope] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.sent.append(envelope)

    def read(self) -> tuple[Any, str]:
        """The one event, and all that was sent as it would go over the wire."""
        [envelope] = self.sent
        return envelope.get_event(), envelope.serialize().decode()


@pytest.fixture
def kept() -> Iterator[Kept]:
    """Everything that can be in a report is: local variables, whole breadcrumbs, bodies, headers."""
    transport = Kept()
    options = choose_options("dev") | {
        "data_collection": {},  # the library's own, local variables included
        "max_request_body_size": "always",
        "max_value_length": 100_000,
    }
    client = sentry_sdk.Client("http://key@127.0.0.1:9/1", transport=transport, default_integrations=False, **options)
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        yield transport
    client.close(timeout=0)


def fail_with(word: str) -> None:
    local, nested, raw = word, {"deep": [f"<{word}>"], "macaroon": "short-one"}, word.encode()
    raise ValueError(f"refused: {word} {len(local) + len(nested) + len(raw)}")


@pytest.mark.parametrize("kind", WORDS)
def test_no_report_carries_a_secret(kept: Kept, kind: str) -> None:
    word = WORDS[kind]
    sentry_sdk.add_breadcrumb(category="http", message=f"GET /{word}", data={"url": f"/{word}", "token": "abc"})
    sentry_sdk.set_context("payment", {"of": word})
    sentry_sdk.set_tag("what", f"x {word}")
    sentry_sdk.set_extra("more", [word])
    try:
        fail_with(word)
    except ValueError:
        sentry_sdk.capture_exception()
    event, wire = kept.read()
    frames = event["exception"]["values"][0]["stacktrace"]["frames"]
    assert frames[-1]["vars"]["nested"]["macaroon"] in {HIDDEN, "[Filtered]"}
    assert event["breadcrumbs"]["values"][0]["message"].startswith("GET /")
    assert word not in wire
    assert word[10:50] not in wire


def test_a_pubkey_is_shortened_and_still_tells_which_node(kept: Kept) -> None:
    sentry_sdk.capture_message(f"no answer of {PUBKEY}")
    assert kept.read()[0]["message"] == f"no answer of {SHORT}"


def test_a_line_of_a_log_in_a_report_is_scrubbed(kept: Kept) -> None:
    record = logging.LogRecord("x", logging.ERROR, "", 0, "paid %s", (SECRETS["invoice"],), None)
    sentry_sdk.capture_event({"logentry": {"message": record.msg, "params": list(record.args or ())}, "level": "error"})
    assert SECRETS["invoice"] not in kept.read()[1]


def test_a_report_names_the_request(kept: Kept) -> None:
    with on_behalf_of(REQUEST_ID):
        sentry_sdk.capture_message("it failed")
    assert kept.read()[0]["tags"]["request_id"] == REQUEST_ID


def test_by_itself_a_report_has_no_local_variables_and_no_bodies() -> None:
    options = choose_options("production")
    collected = options["data_collection"]
    assert (collected["stack_frame_variables"], collected["http_bodies"]) == (False, [])
    assert (collected["user_info"], collected["database_query_data"]) == (False, False)
    assert options["max_request_body_size"] == "never"
