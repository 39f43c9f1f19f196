"""Whatever the API offers of a node, it offers to that node alone. Generated from the OpenAPI document."""

from typing import Any
from urllib.parse import quote

import pytest
from django.test import override_settings

from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from tenants.context import enter_tenant
from tests.api import lasting
from tests.api.openapi_document import Operation, list_operations
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_channel, make_forward, make_snapshot

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db
NODE = "/api/v1/node/{pubkey}/"
NODE_OPERATIONS = list_operations(NODE)
# What is asked of one recommendation is asked in test_recommendations.py: alice has none here.
READS = [one for one in NODE_OPERATIONS if one.method == "GET" and "recommendation_id" not in one.places]
CANARY = "canary-of-bob"
OTHER_PUBKEYS = {
    "dots": "..",
    "encoded dots": "%2e%2e",
    "a way up": "..%2f..%2f..%2fetc%2fpasswd",
    "NUL": "%00",
    "pubkey and NUL": "{own}%00",
    "pubkey and newline": "{own}%0a",
    "pubkey and blank": "{own}%20",
    "10 kB": "0" * 10_000,
    "upper case": "{OWN}",
    "no UTF-8": "%ff%fe",
    "unicode digits": quote("٣" * 66),
    "full-width": quote("\uff10\uff12" * 33),
    "empty": "",
    "a wildcard": "*",
    "SQL": quote("' OR '1'='1"),
    "half of it": "{half}",
    "two of them": "{own},{own}",
    "parameters": "{own};x=1",
}


def knock(api: ApiClient, operation: Operation, pubkey: str, token: str | None, **headers: str) -> Any:
    path = operation.address(pubkey=pubkey, short_channel_id="800000x1x0")
    body = {} if "requestBody" in operation.detail else None
    known = {"If-Match": "*"} if operation.method == "PUT" else {}
    return api.call(operation.method, path, body, token=token, **known | headers)


every_operation = pytest.mark.parametrize("operation", NODE_OPERATIONS, ids=str)
every_read = pytest.mark.parametrize("operation", READS, ids=str)


@pytest.fixture
def canary_bob(bob: Box) -> Box:
    """Bob, whose every free text is the canary, with the same channel ids as alice."""
    channels = [make_channel(number, peer_alias=f"{CANARY} peer {number}") for number in (1, 2, 3)]
    node = make_snapshot().node.__class__(
        alias=CANARY, implementation="lnd", version=CANARY, block_height=920_000, synced_to_chain=True
    )
    with enter_tenant(bob.tenant):
        accept_forwards([make_forward(900, id=CANARY)], CANARY)
        accept_snapshot(make_snapshot(2, channels, node=node))
        run_cycle()
    return bob


def test_the_document_lists_the_operations_these_tests_are_about() -> None:
    assert len(NODE_OPERATIONS) >= 12
    assert {operation.method for operation in NODE_OPERATIONS} >= {"GET", "POST", "PUT"}
    assert {place for operation in NODE_OPERATIONS for place in operation.places} <= {
        "pubkey",
        "short_channel_id",
        "key_id",
        "service",
        "action_id",
        "run_id",
        "recommendation_id",
    }


@every_operation
def test_a_pubkey_that_is_none_is_not_found(api: ApiClient, charlie: Box, operation: Operation) -> None:
    own, token = charlie.pubkey, api.token_of(charlie)
    answers = {
        name: knock(api, operation, pubkey.format(own=own, OWN=own.upper(), half=own[:33]), token)
        for name, pubkey in OTHER_PUBKEYS.items()
    }
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(OTHER_PUBKEYS, 404)
    for answer in answers.values():
        assert_problem(answer, 404)


@pytest.mark.parametrize(
    "short_channel_id",
    [
        "%00",
        "800000x1x0%00",
        "800000x1x0%0a",
        "..",
        "%2e%2e",
        "%ff",
        quote("٣x1x0"),
        "x" * 10_000,
        "9" * 5000 + "x1x1",
        "1x1x1",
    ],
)
def test_a_channel_that_is_none_is_not_found(api: ApiClient, alice: Box, short_channel_id: str) -> None:
    assert_problem(api.get(alice.path(f"channels/{short_channel_id}"), token=api.token_of(alice)), 404)


def test_a_channel_of_bob_alone_is_not_found_by_alice(api: ApiClient, alice: Box, canary_bob: Box) -> None:
    assert api.get(canary_bob.path("channels/800000x3x0"), token=api.token_of(canary_bob)).status == 200
    assert_problem(api.get(alice.path("channels/800000x3x0"), token=api.token_of(alice)), 404)


@override_settings(ALLOWED_HOSTS=["*"])
@every_read
def test_headers_that_name_bob_change_nothing(
    api: ApiClient, alice: Box, canary_bob: Box, operation: Operation
) -> None:
    token, bob = api.token_of(alice), canary_bob
    knock(api, operation, alice.pubkey, token)
    plain = knock(api, operation, alice.pubkey, token)  # as it is kept
    assert plain.status == 200
    for name in (bob.tenant.schema_name, bob.pubkey, str(bob.dazbox.id), f"{bob.tenant.schema_name}.dazbox.cloud"):
        headers = {
            "Host": name.replace("_", "-"),
            "X-Forwarded-Host": name,
            "X-Tenant": name,
            "X-Tenant-Id": name,
            "X-Dts-Schema": name,
            "Forwarded": f"host={name}",
            "X-Original-URL": bob.path("channels"),
            "X-HTTP-Method-Override": "DELETE",
            "Cookie": f"tenant={name}",
        }
        for header, value in headers.items():
            answer = knock(api, operation, alice.pubkey, token, **{header: value})
            assert (answer.status, answer.json) == (200, plain.json), header


@override_settings(ALLOWED_HOSTS=["*"])
@every_operation
def test_headers_that_name_alice_help_bob_to_nothing(
    api: ApiClient, alice: Box, bob: Box, operation: Operation
) -> None:
    headers = {
        "X-Tenant": alice.tenant.schema_name,
        "X-Tenant-Id": str(alice.dazbox.id),
        "X-Forwarded-Host": alice.pubkey,
    }
    assert_problem(knock(api, operation, alice.pubkey, api.token_of(bob), **headers), 404)


@every_read
def test_a_tenant_named_in_the_query_is_not_looked_at(
    api: ApiClient, alice: Box, canary_bob: Box, operation: Operation
) -> None:
    token, bob = api.token_of(alice), canary_bob
    path = operation.address(pubkey=alice.pubkey, short_channel_id="800000x1x0")
    query = f"?pubkey={bob.pubkey}&tenant_id={bob.dazbox.id}&schema={bob.tenant.schema_name}"
    reply = api.get(path + query, token=token)
    if reply.status != 400:  # the older box software may ask for what it likes
        assert reply.json == api.get(path, token=token).json
    else:
        assert_problem(reply, 400)
        assert reply.json["type"].endswith("/unknown-parameter")
        assert bob.pubkey not in str(reply.json)


def test_a_cursor_of_bob_is_none_for_alice(api: ApiClient, alice: Box, bob: Box) -> None:
    cursor = api.get(bob.path("channels?limit=1"), token=api.token_of(bob)).json["next_cursor"]
    token = api.token_of(alice)
    assert_problem(api.get(alice.path(f"channels?cursor={cursor}"), token=token), 400)
    own = api.get(alice.path("channels?limit=1"), token=token).json["next_cursor"]
    assert api.get(alice.path(f"channels?cursor={own}"), token=token).status == 200
    for other in ("decisions", "journal"):
        assert_problem(api.get(alice.path(f"{other}?cursor={own}"), token=token), 400)


def test_two_boxes_one_after_the_other_each_get_their_own(api: ApiClient, alice: Box, canary_bob: Box) -> None:
    tokens = {box.name: api.token_of(box) for box in (alice, canary_bob)}
    for _ in range(5):
        for box in (alice, canary_bob):
            raw = api.get(box.path("channels"), token=tokens[box.name]).raw
            assert (CANARY.encode() in raw) == (box is canary_bob)


def test_after_an_error_behind_one_door_the_next_box_gets_its_own(api: ApiClient, alice: Box, canary_bob: Box) -> None:
    assert_problem(api.post(canary_bob.path("snapshots"), b"{", token=api.token_of(canary_bob)), 400)
    assert_problem(api.get(canary_bob.path("channels/9x9x9"), token=api.token_of(canary_bob)), 404)
    answer = api.get(alice.path("channels"), token=api.token_of(alice))
    assert answer.status == 200
    assert CANARY.encode() not in answer.raw
