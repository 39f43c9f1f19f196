"""A box changes its key without a gap; an ended key and what came of it open nothing."""

import datetime as dt
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from tenants.models.dazbox import Dazbox
from tenants.models.device_key import DeviceKey
from tenants.tokens.device_key import OVERLAP
from tests.api.problem import assert_problem, assert_refused_at
from tests.conftest import ApiClient
from tests.factories import Box, encode_key, make_api_key

SIGN_IN, REFRESH = "/api/v1/auth/device-token", "/api/v1/auth/refresh"


def keys_of(box: Box) -> str:
    return f"/api/v1/provisioning/devices/{box.dazbox.id}/keys"


def jwk_of(key: Ed25519PrivateKey) -> dict[str, Any]:
    return {"device_key": {"kty": "OKP", "crv": "Ed25519", "x": encode_key(key)}}


def with_new_key(box: Box) -> Box:
    return Box(box.name, box.dazbox, Ed25519PrivateKey.generate())


def sign_in(api: ApiClient, box: Box) -> Any:
    return api.post(SIGN_IN, {"assertion": box.sign_assertion()})


@pytest.fixture
def rotated(api: ApiClient, charlie: Box) -> Box:
    """Charlie with the successor of its key."""
    successor = with_new_key(charlie)
    answer = api.post(keys_of(charlie), jwk_of(successor.key), token=api.token_of(charlie))
    assert answer.status == 201, answer.raw
    return successor


def test_both_keys_sign_in_and_the_old_one_has_a_day(api: ApiClient, charlie: Box, rotated: Box) -> None:
    assert [sign_in(api, box).status for box in (charlie, rotated)] == [200, 200]
    old, new = api.get(keys_of(charlie), token=api.token_of(rotated)).json["items"]
    assert (old["kid"], new["kid"], old["is_live"], new["is_live"]) == (charlie.kid, rotated.kid, True, True)
    assert new["expires_at"] is None
    left = dt.datetime.fromisoformat(old["expires_at"]) - timezone.now()
    assert OVERLAP - dt.timedelta(minutes=1) < left <= OVERLAP


def test_after_its_day_the_old_key_and_its_refresh_token_are_refused(api: ApiClient, charlie: Box) -> None:
    refresh = sign_in(api, charlie).json["refresh"]
    successor = with_new_key(charlie)
    api.post(keys_of(charlie), jwk_of(successor.key), token=api.token_of(charlie))
    DeviceKey.objects.filter(kid=charlie.kid).update(expires_at=timezone.now())
    assert_problem(sign_in(api, charlie), 401)
    assert_problem(api.post(REFRESH, {"refresh": refresh}), 401)
    fresh = sign_in(api, successor).json["refresh"]
    assert api.post(REFRESH, {"refresh": fresh}).status == 200


def test_the_same_key_again_is_no_third_key(api: ApiClient, charlie: Box, rotated: Box) -> None:
    answer = api.post(keys_of(charlie), jwk_of(rotated.key), token=api.token_of(rotated))
    assert (answer.status, answer.json["kid"]) == (200, rotated.kid)
    assert DeviceKey.objects.filter(dazbox=charlie.dazbox).count() == 2


def test_a_third_live_key_is_refused(api: ApiClient, charlie: Box, rotated: Box) -> None:
    answer = api.post(keys_of(charlie), jwk_of(Ed25519PrivateKey.generate()), token=api.token_of(rotated))
    assert_problem(answer, 409)
    assert answer.json["type"].endswith("/too-many-keys")


def test_a_revoked_key_signs_in_no_more_and_tokens_of_the_box_are_refused(
    api: ApiClient, charlie: Box, rotated: Box
) -> None:
    old = sign_in(api, charlie).json
    path = f"{keys_of(charlie)}/{charlie.kid}"
    assert api.call("DELETE", path, token=old["access"]).status == 204
    assert_problem(api.get(charlie.path("mode"), token=old["access"]), 401)
    assert_problem(api.post(REFRESH, {"refresh": old["refresh"]}), 401)
    assert_problem(sign_in(api, charlie), 401)
    token = api.token_of(rotated)
    assert api.get(charlie.path("mode"), token=token).status == 200
    assert api.call("DELETE", path, token=token).status == 204
    assert api.get(charlie.path("mode"), token=token).status == 200


def test_a_key_that_has_ended_is_not_taken_again(api: ApiClient, charlie: Box, rotated: Box) -> None:
    api.call("DELETE", f"{keys_of(charlie)}/{charlie.kid}", token=api.token_of(rotated))
    answer = api.post(keys_of(charlie), jwk_of(charlie.key), token=api.token_of(rotated))
    assert_problem(answer, 409)
    assert answer.json["type"].endswith("/key-ended")


def test_without_its_successor_the_old_key_stays_for_good(api: ApiClient, charlie: Box, rotated: Box) -> None:
    assert api.call("DELETE", f"{keys_of(charlie)}/{rotated.kid}", token=api.token_of(charlie)).status == 204
    assert DeviceKey.objects.get(kid=charlie.kid).expires_at is None
    refused = api.call("DELETE", f"{keys_of(charlie)}/{charlie.kid}", token=api.token_of(charlie))
    assert_problem(refused, 409)
    assert refused.json["type"].endswith("/last-key")


@pytest.mark.parametrize("kid", ["%00", "..", "x" * 10_000, "%ff"])
def test_a_kid_that_is_none_is_not_found(api: ApiClient, charlie: Box, kid: str) -> None:
    assert_problem(api.call("DELETE", f"{keys_of(charlie)}/{kid}", token=api.token_of(charlie)), 404)


def test_a_key_that_is_none_is_refused(api: ApiClient, charlie: Box) -> None:
    body = {"device_key": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}
    assert_refused_at(api.post(keys_of(charlie), body, token=api.token_of(charlie)), "/device_key/crv")


def test_an_api_key_changes_no_device_key(api: ApiClient, charlie: Box, rotated: Box) -> None:
    token = make_api_key(charlie)
    assert_problem(api.post(keys_of(charlie), jwk_of(Ed25519PrivateKey.generate()), token=token), 403)
    assert_problem(api.call("DELETE", f"{keys_of(charlie)}/{charlie.kid}", token=token), 403)


def test_changes_of_keys_are_in_the_journal(api: ApiClient, charlie: Box, rotated: Box) -> None:
    events = api.get(f"/api/v1/provisioning/devices/{charlie.dazbox.id}/events", token=api.token_of(rotated)).json
    [added] = [item for item in events["items"] if item["kind"] == "device-key"]
    assert added["facts"] == {"kid": rotated.kid, "actor": str(charlie.dazbox.id)}
    assert Dazbox.objects.get(id=charlie.dazbox.id).token_version == 0
