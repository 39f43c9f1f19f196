"""Webhooks over the API: set up by the owner's app, secret shown once, sent, logged, replayed; bob cannot."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from nodes.engine.webhook.event import EVENT_TYPES, SHAPES
from nodes.models.webhook import WebhookMessage
from nodes.pipeline.webhook.deliver import deliver_next
from tenants.context import enter_tenant
from tenants.engine.plan import PLANS
from tests.api import lasting
from tests.api.mcp_saas.test_openapi import find_faults
from tests.api.openapi_document import read_document
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.db.nodes.hooked import deliver_all, listening, stop_node
from tests.factories import Box, make_api_key
from tests.fakes.json_server import Reply
from tests.fakes.receiver import Receiver

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db

PATH = "/api/v1/webhooks"
KEY = {"Idempotency-Key": "one"}
SAFE = {"url": "https://hooks.example.com/dazbox", "events": ["mode.changed"], "description": "mine"}


@pytest.fixture
def owner(alice: Box) -> str:
    return make_api_key(alice)


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def url(receiver: Receiver) -> Iterator[str]:
    with listening(receiver) as [url]:
        yield url


def create(api: ApiClient, token: str, body: dict[str, Any] | None = None, key: str = "one") -> Any:
    return api.post(PATH, body or SAFE, token=token, **{"Idempotency-Key": key})


def test_it_is_set_up_and_its_secret_is_shown_once(api: ApiClient, owner: str) -> None:
    made = create(api, owner)
    assert (made.status, made.headers["Cache-Control"]) == (201, "no-store")
    assert made.json["secret"].startswith("whsec_")
    [listed] = api.get(PATH, token=owner).json["items"]
    assert listed["webhook"] == made.json["webhook"]
    assert listed["webhook"]["is_enabled"] is True
    for answer in (api.get(PATH, token=owner), api.get(made.headers["Location"], token=owner)):
        assert made.json["secret"].encode() not in answer.raw


def test_what_is_sent_is_what_the_document_says_and_the_log_shows_it(
    api: ApiClient, alice: Box, owner: str, receiver: Receiver, url: str
) -> None:
    made = create(api, owner, {"url": url})
    receiver.secrets.append(made.json["secret"])
    receiver.answers = [Reply(status=500, body=b"not now")]
    with enter_tenant(alice.tenant):
        stop_node()
        again_at = deliver_next(timezone.now())
        assert again_at is not None
        deliver_next(again_at)
    [(message_id, body)] = receiver.taken
    shape = read_document()["webhooks"][body["type"]]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert find_faults(body, shape) == []
    log = api.get(f"{PATH}/{made.json['webhook']['id']}/deliveries", token=owner)
    [delivery] = log.json["items"]
    assert (delivery["message_id"], delivery["event"], delivery["state"]) == (message_id, "kill_switch", "delivered")
    assert [(one["status"], one["answer"]) for one in delivery["log"]] == [(500, "not now"), (204, "")]


def test_every_event_is_in_the_document_with_its_shape() -> None:
    webhooks = read_document()["webhooks"]
    assert list(webhooks) == list(EVENT_TYPES)
    for event, shape in SHAPES.items():
        schema = webhooks[event]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert schema["properties"]["data"]["$ref"].endswith(f"/{shape.__name__}")
        assert shape.__name__ in read_document()["components"]["schemas"]


def test_a_test_event_goes_out_and_a_replay_sends_it_again(
    api: ApiClient, alice: Box, owner: str, receiver: Receiver, url: str
) -> None:
    made = create(api, owner, {"url": url, "events": ["mode.changed"]})
    receiver.secrets.append(made.json["secret"])
    base = f"{PATH}/{made.json['webhook']['id']}"
    sent = api.post(f"{base}/test", None, token=owner)
    assert (sent.status, sent.json["event"], sent.json["state"]) == (202, "webhook.test", "waiting")
    with enter_tenant(alice.tenant):
        deliver_all()
    again = api.post(f"{base}/replay", {"delivery_id": sent.json["id"]}, token=owner)
    assert (again.status, again.json) == (202, {"queued": 1})
    with enter_tenant(alice.tenant):
        deliver_all()
    assert [message_id for message_id, _ in receiver.taken] == [sent.json["message_id"]] * 2
    since = {"since": "2026-01-01T00:00:00Z"}
    assert api.post(f"{base}/replay", since, token=owner).json == {"queued": 0}
    assert api.post(f"{base}/replay", since | {"only_failed": False}, token=owner).json == {"queued": 1}


def test_the_secret_is_replaced_and_the_one_before_goes_on_for_a_while(api: ApiClient, owner: str) -> None:
    made = create(api, owner)
    base = f"{PATH}/{made.json['webhook']['id']}"
    new = api.post(f"{base}/secret", {"overlap_s": 3600}, token=owner, **KEY)
    assert new.status == 201
    assert new.json["secret"] != made.json["secret"]
    assert api.get(base, token=owner).json["previous_secret_until"] == new.json["previous_secret_until"]


def test_it_is_changed_switched_off_and_deleted(api: ApiClient, owner: str) -> None:
    made = create(api, owner)
    path = made.headers["Location"]
    tag = {"If-Match": api.get(path, token=owner).headers["ETag"]}
    off = api.call("PATCH", path, {"is_enabled": False, "events": []}, token=owner, **tag)
    assert (off.json["is_enabled"], off.json["disabled_by"], off.json["events"]) == (False, "owner", [])
    assert off.json["url"] == SAFE["url"]
    assert_problem(api.call("PATCH", path, {"is_enabled": True}, token=owner, **tag), 412)
    for act, body in (("test", None), ("replay", {"since": "2026-01-01T00:00:00Z"})):
        refused = api.post(f"{path}/{act}", body, token=owner)
        assert_problem(refused, 409)
        assert refused.json["type"].endswith("/webhook-disabled")
    assert api.call("DELETE", path, token=owner).status == 204
    assert_problem(api.get(path, token=owner), 404)


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://127.1/",
        "https://169.254.169.254/latest",
        "https://100.64.0.1/",
        "https://localhost/",
        "https://box.local/",
        "https://web.internal/",
        "https://name:word@hooks.example.com/",
        "https://hooks.example.com:22/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
    ],
)
def test_an_address_that_is_not_public_is_refused(api: ApiClient, owner: str, address: str) -> None:
    refused = create(api, owner, {"url": address})
    assert_problem(refused, 422)
    assert refused.json["errors"][0]["pointer"] == "/url"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [({"delivery_id": None}, "/delivery_id"), ({"since": "2026-01-01T00:00:00"}, "/since")],
)
def test_a_replay_of_nothing_is_refused(api: ApiClient, owner: str, body: dict[str, Any], pointer: str) -> None:
    path = create(api, owner).headers["Location"]
    refused = api.post(f"{path}/replay", body, token=owner)
    assert_problem(refused, 400)
    assert refused.json["errors"][0]["pointer"] == pointer


def test_beyond_the_plan_there_is_no_further_one(api: ApiClient, owner: str) -> None:
    limit = PLANS["home"].limits["webhooks"]
    made = [create(api, owner, key=str(number)).status for number in range(limit)]
    assert made == [201] * limit
    refused = create(api, owner, key="more")
    assert_problem(refused, 429)
    assert refused.headers["RateLimit-Policy"] == f'"webhooks";q={limit}'


def test_a_box_reads_its_webhooks_and_writes_none(api: ApiClient, alice: Box, owner: str) -> None:
    path, token = create(api, owner).headers["Location"], api.token_of(alice)
    assert api.get(path, token=token).status == 200
    refused = create(api, token)
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/owner-only")


def test_bob_finds_nothing_of_alices(api: ApiClient, alice: Box, bob: Box, owner: str) -> None:
    path, bobs = create(api, owner).headers["Location"], make_api_key(bob)
    assert api.get(PATH, token=bobs).json == {"items": []}
    asked = [
        api.get(path, token=bobs),
        api.get(f"{path}/deliveries", token=bobs),
        api.call("PATCH", path, {"is_enabled": False}, token=bobs, **{"If-Match": "*"}),
        api.call("DELETE", path, token=bobs),
        api.post(f"{path}/secret", {}, token=bobs, **KEY),
        api.post(f"{path}/test", None, token=bobs),
        api.post(f"{path}/replay", {"since": "2026-01-01T00:00:00Z"}, token=bobs),
    ]
    for answer in asked:
        assert_problem(answer, 404)
    with enter_tenant(bob.tenant):
        assert WebhookMessage.objects.count() == 0
    assert api.get(path, token=owner).json["is_enabled"] is True
