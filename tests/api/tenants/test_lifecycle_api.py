"""What a box can still do while it is suspended, about to be deleted, or gone; and who may bring it there."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.utils import timezone

from tenants.models.dazbox import Dazbox, DazboxState
from tenants.provisioning.lifecycle import delete_dazbox
from tenants.provisioning.purge import purge_due_boxes
from tenants.tokens.access import mint_access_token
from tests.api.problem import assert_problem, assert_refused_at
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key, make_box

DEVICES = "/api/v1/provisioning/devices"
REASON = {"reason": "because"}


@pytest.fixture
def operator(db: None) -> str:
    return mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)


def address(box: Box, rest: str = "") -> str:
    return f"{DEVICES}/{box.dazbox.id}{rest}"


def sign_in(api: ApiClient, box: Box) -> dict[str, Any]:
    answer = api.post("/api/v1/auth/device-token", {"assertion": box.sign_assertion()})
    assert answer.status == 200
    return dict(answer.json)


def test_a_suspended_box_learns_why_and_can_do_nothing_else(api: ApiClient, operator: str, charlie: Box) -> None:
    pair = sign_in(api, charlie)
    answer = api.post(address(charlie, "/suspend"), {"reason": "unpaid since May"}, token=operator)
    assert (answer.status, answer.json["state"]) == (200, "suspended")
    refused = api.get(charlie.path("mode"), token=pair["access"])
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/device-suspended")
    assert "unpaid since May" in refused.json["detail"]
    assert "https://dazbox.cloud/support" in refused.json["detail"]
    renewed = api.post("/api/v1/auth/refresh", {"refresh": pair["refresh"]})
    assert renewed.status == 200
    assert_problem(api.get(charlie.path("mode"), token=renewed.json["access"]), 403)
    assert api.post(address(charlie, "/resume"), REASON, token=operator).json["state"] == "active"
    assert api.get(charlie.path("mode"), token=pair["access"]).status == 200


def test_an_owner_lifts_their_own_pause_and_not_an_operators(api: ApiClient, operator: str, charlie: Box) -> None:
    token = api.token_of(charlie)
    paused = api.post(address(charlie, "/suspend"), {"reason": "moving house"}, token=token)
    assert paused.json["owner_pause_reason"] == "moving house"
    api.post(address(charlie, "/suspend"), {"reason": "abuse"}, token=operator)
    refused = api.post(address(charlie, "/resume"), REASON, token=token)
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/suspended-by-operator")
    assert api.post(address(charlie, "/resume"), REASON, token=operator).json["state"] == "suspended"
    assert api.post(address(charlie, "/resume"), REASON, token=token).json["state"] == "active"


def test_a_deleted_box_is_kept_for_its_owner_to_restore(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    answer = api.call("DELETE", address(charlie), token=token)
    assert answer.status == 202
    assert answer.json["purge_at"] > timezone.now().isoformat()
    refused = api.get(charlie.path("mode"), token=token)
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/device-pending-deletion")
    assert api.get(address(charlie), token=token).json["state"] == "pending_deletion"
    assert api.post(address(charlie, "/restore"), REASON, token=token).json["state"] == "active"
    assert api.get(charlie.path("mode"), token=token).status == 200


def test_purged_it_answers_410_and_its_keys_open_nothing(api: ApiClient, operator: str, charlie: Box) -> None:
    pair = sign_in(api, charlie)
    assert api.call("DELETE", address(charlie) + "?purge=now", token=pair["access"]).status == 202
    Dazbox.objects.update(purge_at=timezone.now())
    assert purge_due_boxes() == 1
    for path in (charlie.path("mode"), address(charlie), DEVICES):
        gone = api.get(path, token=pair["access"])
        assert_problem(gone, 410)
        assert gone.json["type"].endswith("/device-deleted")
    assert_problem(api.post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}), 401)
    assert_problem(api.post("/api/v1/auth/device-token", {"assertion": charlie.sign_assertion()}), 401)
    tombstone = api.get(address(charlie), token=operator)
    assert (tombstone.json["state"], tombstone.json["pubkey"]) == ("deleted", "")
    assert charlie.pubkey.encode() not in tombstone.raw
    assert_problem(api.post(address(charlie, "/suspend"), REASON, token=operator), 409)


@pytest.mark.parametrize("purge", ["", "later", "NOW"])
def test_purge_is_now_or_not_said(api: ApiClient, charlie: Box, purge: str) -> None:
    assert_problem(api.call("DELETE", f"{address(charlie)}?purge={purge}", token=api.token_of(charlie)), 400)


def test_what_an_api_key_deletes_is_kept_for_its_owner_for_thirty_days(api: ApiClient, charlie: Box) -> None:
    key = make_api_key(charlie)
    refused = api.call("DELETE", f"{address(charlie)}?purge=now", token=key)
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/scope-missing")
    assert Dazbox.objects.get(id=charlie.dazbox.id).state == DazboxState.ACTIVE
    assert api.call("DELETE", address(charlie), token=key).status == 202
    assert_problem(api.call("DELETE", f"{address(charlie)}?purge=now", token=key), 403)
    assert Dazbox.objects.get(id=charlie.dazbox.id).purge_at > timezone.now() + dt.timedelta(days=29)


@pytest.mark.parametrize("call", ["/suspend", "/resume", "/restore"])
@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/reason"),
        ({"reason": ""}, "/reason"),
        ({"reason": " \t\n"}, "/reason"),
        ({"reason": "x" * 201}, "/reason"),
        ({"reason": "a\x00"}, "/reason"),
        (REASON | {"x": 1}, "/x"),
    ],
)
def test_a_reason_must_be_given(api: ApiClient, charlie: Box, call: str, body: Any, pointer: str) -> None:
    assert_refused_at(api.post(address(charlie, call), body, token=api.token_of(charlie)), pointer)
    assert Dazbox.objects.get(id=charlie.dazbox.id).state == DazboxState.ACTIVE


def test_one_owner_has_many_boxes_and_any_of_their_tokens_speaks_for_them(
    api: ApiClient, charlie: Box, bob: Box
) -> None:
    second = make_box("second")
    Dazbox.objects.filter(id=second.dazbox.id).update(owner_id=charlie.dazbox.owner_id)
    token = api.token_of(charlie)
    listed = {item["device_id"] for item in api.get(DEVICES, token=token).json["items"]}
    assert listed == {str(charlie.dazbox.id), str(second.dazbox.id)}
    assert api.get(address(second), token=token).status == 200
    assert api.post(address(second, "/suspend"), REASON, token=token).json["state"] == "suspended"
    assert_problem(api.get(address(bob), token=token), 404)


def test_a_device_is_read_with_its_tag_and_not_sent_twice(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    first = api.get(address(charlie), token=token)
    again = api.get(address(charlie), token=token, **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.raw, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


def test_a_device_is_changed_by_who_has_read_it_last(api: ApiClient, charlie: Box) -> None:
    token, path = api.token_of(charlie), address(charlie)
    tag = api.get(path, token=token).headers["ETag"]
    assert_problem(api.call("PATCH", path, {"alias": "attic"}, token=token), 428)
    assert_problem(api.call("PATCH", path, {"alias": "attic"}, token=token, **{"If-Match": '"99"'}), 412)
    changed = api.call("PATCH", path, {"alias": "attic"}, token=token, **{"If-Match": tag})
    assert (changed.status, changed.json["alias"]) == (200, "attic")
    assert_problem(api.call("PATCH", path, {"alias": "cellar"}, token=token, **{"If-Match": tag}), 412)
    newer = {"If-Match": changed.headers["ETag"]}
    assert api.call("PATCH", path, {"alias": "cellar"}, token=token, **newer).json["alias"] == "cellar"


@pytest.mark.parametrize("field", ["state", "owner", "owner_id", "pubkey", "schema_name", "plan", "purge_at"])
def test_an_owner_changes_only_what_is_theirs(api: ApiClient, charlie: Box, field: str) -> None:
    """Check 33: mass assignment."""
    token = api.token_of(charlie)
    answer = api.call("PATCH", address(charlie), {field: "x"}, token=token, **{"If-Match": "*"})
    assert_refused_at(answer, f"/{field}", code="unknown-field")


def test_a_box_that_is_deleted_is_gone_for_its_owners_other_boxes(api: ApiClient, charlie: Box) -> None:
    second = make_box("second")
    Dazbox.objects.filter(id=second.dazbox.id).update(owner_id=charlie.dazbox.owner_id)
    delete_dazbox(second.dazbox.id, actor="test", reason="because", at_once=True)
    Dazbox.objects.filter(id=second.dazbox.id).update(purge_at=timezone.now())
    purge_due_boxes()
    assert_problem(api.get(address(second), token=api.token_of(charlie)), 404)
    assert_problem(api.get(f"{DEVICES}/{uuid.uuid4()}", token=api.token_of(charlie)), 404)
