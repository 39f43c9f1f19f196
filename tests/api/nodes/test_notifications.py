"""What the owner wants to be told: set, read, refused with a pointer."""

from typing import Any

import pytest

from nodes.engine.credential import Service
from nodes.models.kill_switch import WHOLE_NODE, SwitchDetail
from nodes.pipeline.credential import set_credential
from nodes.pipeline.kill_switch import set_switch
from tenants.context import enter_tenant
from tests.api import lasting
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key, make_offer
from tests.fakes.telegram import CHAT, TOKEN

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


def test_language_and_events_are_set_and_read(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    before = api.get(alice.path("notifications"), token=token)
    assert (before.json["language"], len(before.json["events"])) == ("en", 10)
    body = {"language": "fr", "events": ["rollback", "kill_switch"]}
    answer = api.put(alice.path("notifications"), body, token=token, **{"If-Match": before.headers["ETag"]})
    assert answer.status == 200
    assert (answer.json["language"], answer.json["events"]) == ("fr", ["rollback", "kill_switch"])
    assert api.get(alice.path("notifications"), token=token).json == answer.json


def test_what_waits_is_shown(api: ApiClient, alice: Box) -> None:
    with enter_tenant(alice.tenant):
        set_credential(Service.TELEGRAM, make_offer(TOKEN, chat_id=CHAT), actor="test")
        set_switch(WHOLE_NODE, SwitchDetail("a pause", None), actor="owner")
    shown = api.get(alice.path("notifications"), token=api.token_of(alice))
    assert shown.json["telegram"] == {
        "is_set": True, "waiting": 1, "parked": 0, "error": None, "last_sent_at": None
    }  # fmt: skip
    assert TOKEN.encode() not in shown.raw


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"language": "de"}, "/language"),
        ({"events": ["nothing"]}, "/events/0"),
        ({"events": "all"}, "/events"),
        ({"quiet": 1}, "/quiet"),
    ],
)
def test_what_nobody_offers_is_refused(api: ApiClient, alice: Box, body: dict[str, Any], pointer: str) -> None:
    refused = api.put(alice.path("notifications"), body, token=api.token_of(alice))
    assert_problem(refused, 400)
    assert refused.json["errors"][0]["pointer"].startswith(pointer.rsplit("/0", 1)[0])


@pytest.mark.parametrize(("service", "chat"), [("telegram", "me"), ("telegram", "1\n"), ("openai", CHAT)])
def test_a_chat_that_is_none_is_refused(api: ApiClient, alice: Box, service: str, chat: str) -> None:
    body = {"secret": TOKEN, "chat_id": chat}
    refused = api.put(alice.path(f"credentials/{service}"), body, token=make_api_key(alice))
    assert refused.status in {400, 422}
    assert refused.json["errors"][0]["pointer"] == "/chat_id"
