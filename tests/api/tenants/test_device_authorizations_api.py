"""RFC 8628: a box without a claim code shows a code; its owner, signed in with another box, links it."""

import datetime as dt
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.utils import timezone

from tenants.models.challenge import RedeemFailure
from tenants.models.dazbox import Dazbox
from tenants.models.device_authorization import DeviceAuthorization
from tenants.provisioning.authorization import LIFETIME
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key, make_box, make_device_request, pubkey_of

BASE = "/api/v1/provisioning/device-authorizations"
GRANT = "urn:ietf:params:oauth:grant-type:device_code"


def begin_body(name: str = "new", key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
    request = make_device_request(name, code="none", key=key)
    return {
        "pubkey": request.pubkey,
        "alias": name,
        "nonce": request.nonce,
        "signature": request.signature,
        "device_key": {"kty": "OKP", "crv": "Ed25519", "x": request.device_key},
        "agent": {"version": "1.2"},
    }


def begin(api: ApiClient, name: str = "new", key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
    answer = api.post(BASE, begin_body(name, key))
    assert answer.status == 200, answer.raw
    return dict(answer.json)


def poll(api: ApiClient, codes: dict[str, Any], *, early: bool = False) -> Any:
    """As if the interval had passed, unless `early`."""
    if not early:
        DeviceAuthorization.objects.update(polled_at=None)
    return api.call("POST", f"{BASE}/token", {"device_code": codes["device_code"], "grant_type": GRANT})


def assert_error(answer: Any, error: str) -> None:
    assert_problem(answer, 400)
    assert answer.json["error"] == error
    assert answer.json["type"].endswith(f"/{error.replace('_', '-')}")


def decide(api: ApiClient, box: Box, user_code: str, word: str = "approve") -> Any:
    return api.post(f"{BASE}/{user_code}/{word}", token=api.token_of(box))


def test_a_box_gets_two_codes_as_the_rfc_has_them(api: ApiClient, db: None) -> None:
    answer = api.post(BASE, begin_body())
    codes = answer.json
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{8}", codes["user_code"])
    assert len(codes["device_code"]) >= 43
    assert (codes["expires_in"], codes["interval"]) == (900, 5)
    assert codes["verification_uri_complete"] == f"{codes['verification_uri']}?user_code={codes['user_code']}"
    assert answer.headers["Cache-Control"] == "no-store"


def test_neither_code_is_stored(api: ApiClient, db: None) -> None:
    codes = begin(api)
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM tenants_deviceauthorization t")
        [[stored]] = cursor.fetchall()
    assert pubkey_of("new") in stored
    assert codes["device_code"] not in stored
    assert codes["user_code"] not in stored


def test_the_owner_sees_which_box_it_is_before_they_approve(api: ApiClient, charlie: Box) -> None:
    code = begin(api)["user_code"]
    answer = api.get(f"{BASE}/{code[:4].lower()}-{code[4:]}", token=api.token_of(charlie))
    assert answer.status == 200
    shown = {name: answer.json[name] for name in ("pubkey", "alias", "agent_version", "address", "state")}
    assert shown == {
        "pubkey": pubkey_of("new"), "alias": "new", "agent_version": "1.2", "address": "127.0.0.1", "state": "pending"
    }  # fmt: skip


def test_an_approved_box_is_its_owners_and_in_service_with_the_tokens_it_gets(api: ApiClient, charlie: Box) -> None:
    key = Ed25519PrivateKey.generate()
    codes = begin(api, key=key)
    assert_error(poll(api, codes), "authorization_pending")
    assert decide(api, charlie, codes["user_code"]).json["state"] == "approved"
    answer = poll(api, codes)
    assert answer.status == 200, answer.raw
    assert (answer.json["token_type"], answer.headers["Cache-Control"]) == ("Bearer", "no-store")
    dazbox = Dazbox.objects.get(id=answer.json["device_id"])
    assert (dazbox.owner_id, dazbox.pubkey, dazbox.state) == (charlie.dazbox.owner_id, pubkey_of("new"), "active")
    box = Box("new", dazbox, key)
    assert api.get(box.path("mode"), token=answer.json["access_token"]).status == 200
    assert api.get(box.path("mode"), token=api.token_of(box)).status == 200
    assert api.post("/api/v1/auth/refresh", {"refresh": answer.json["refresh_token"]}).status == 200
    assert api.get(answer.json["status_url"], token=answer.json["access_token"]).json["status"] == "succeeded"


def test_whoever_lost_the_answer_asks_again_and_is_the_same_box(api: ApiClient, charlie: Box) -> None:
    codes = begin(api)
    decide(api, charlie, codes["user_code"])
    first, second = poll(api, codes), poll(api, codes)
    assert first.json["device_id"] == second.json["device_id"]
    assert Dazbox.objects.filter(pubkey=pubkey_of("new")).count() == 1


def test_a_box_that_asks_too_soon_has_to_slow_down_by_five_seconds(api: ApiClient, db: None) -> None:
    codes = begin(api)
    assert_error(poll(api, codes), "authorization_pending")
    assert_error(poll(api, codes, early=True), "slow_down")
    assert DeviceAuthorization.objects.get().interval_s == 10
    DeviceAuthorization.objects.update(polled_at=timezone.now() - dt.timedelta(seconds=9))
    assert_error(poll(api, codes, early=True), "slow_down")
    DeviceAuthorization.objects.update(polled_at=timezone.now() - dt.timedelta(seconds=15))
    assert_error(poll(api, codes, early=True), "authorization_pending")


def test_a_denied_box_is_told_and_is_no_box(api: ApiClient, charlie: Box) -> None:
    codes = begin(api)
    assert decide(api, charlie, codes["user_code"], "deny").json["state"] == "denied"
    assert_error(poll(api, codes), "access_denied")
    refused = decide(api, charlie, codes["user_code"])
    assert_problem(refused, 409)
    assert refused.json["type"].endswith("/already-decided")
    assert not Dazbox.objects.filter(pubkey=pubkey_of("new")).exists()


def test_after_fifteen_minutes_both_codes_are_good_for_nothing(api: ApiClient, charlie: Box) -> None:
    codes = begin(api)
    assert dt.timedelta(seconds=900) == LIFETIME
    DeviceAuthorization.objects.update(expires_at=timezone.now())
    assert_error(poll(api, codes), "expired_token")
    assert_problem(decide(api, charlie, codes["user_code"]), 404)


def test_a_device_code_that_is_none_is_refused(api: ApiClient, db: None) -> None:
    assert_error(api.call("POST", f"{BASE}/token", {"device_code": "x"}), "invalid_grant")


def test_what_one_owner_approved_no_other_sees_or_changes(api: ApiClient, charlie: Box) -> None:
    code = begin(api)["user_code"]
    decide(api, charlie, code)
    other = make_box("other")
    for word in ("approve", "deny"):
        assert_problem(decide(api, other, code, word), 404)
    assert_problem(api.get(f"{BASE}/{code}", token=api.token_of(other)), 404)
    assert decide(api, charlie, code).status == 200


@pytest.mark.parametrize("code", ["AAAAAAAA", "BCDFGHJK", "%00", "x", "..", "B" * 10_000])
def test_a_code_that_no_box_shows_is_not_found_and_counted(api: ApiClient, charlie: Box, code: str) -> None:
    assert_problem(decide(api, charlie, code), 404)
    assert RedeemFailure.objects.count() == 1


def test_five_wrong_codes_lock_the_sixth_even_if_it_is_right(api: ApiClient, charlie: Box) -> None:
    code = begin(api)["user_code"]
    for _ in range(5):
        assert_problem(decide(api, charlie, "BCDFGHJK"), 404)
    locked = decide(api, charlie, code)
    assert_problem(locked, 429)
    assert locked.headers["Retry-After"] == "900"
    RedeemFailure.objects.update(at=timezone.now() - dt.timedelta(minutes=15))
    assert decide(api, charlie, code).status == 200


def test_without_the_nodes_signature_nothing_begins(api: ApiClient, db: None) -> None:
    body = begin_body()
    answer = api.post(BASE, body | {"signature": begin_body("another")["signature"]})
    assert_problem(answer, 422)
    assert answer.json["type"].endswith("/wrong-signature")
    assert not DeviceAuthorization.objects.exists()
    assert api.post(BASE, body).status == 200


def test_a_node_that_has_a_box_is_refused_at_once_or_at_the_end(api: ApiClient, charlie: Box) -> None:
    assert_problem(api.post(BASE, begin_body("charlie")), 409)
    codes = begin(api)
    decide(api, charlie, codes["user_code"])
    make_box("new")
    answer = poll(api, codes)
    assert_problem(answer, 409)
    assert answer.json["type"].endswith("/pubkey-taken")


def test_a_code_gives_nothing_any_more_when_the_key_it_was_for_has_ended(api: ApiClient, charlie: Box) -> None:
    codes = begin(api)
    decide(api, charlie, codes["user_code"])
    device_id = poll(api, codes).json["device_id"]
    path = f"/api/v1/provisioning/devices/{device_id}/transfer"
    assert api.post(path, {}, token=api.token_of(charlie)).status == 201
    assert_error(poll(api, codes), "invalid_grant")


def test_only_an_owner_decides(api: ApiClient, charlie: Box) -> None:
    code = begin(api)["user_code"]
    assert_problem(api.post(f"{BASE}/{code}/approve"), 401)
    assert_problem(api.post(f"{BASE}/{code}/approve", token=make_api_key(charlie, scopes=("read",))), 403)


@pytest.mark.parametrize("word", ["approve", "deny"])
def test_no_api_key_decides_for_what_it_linked_would_be_the_owner_after_its_end(
    api: ApiClient, charlie: Box, word: str
) -> None:
    codes = begin(api)
    refused = api.post(f"{BASE}/{codes['user_code']}/{word}", token=make_api_key(charlie, scopes=("read", "act")))
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/scope-missing")
    assert_error(poll(api, codes), "authorization_pending")
