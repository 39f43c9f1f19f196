"""The shop makes claims, a box redeems one, both see what came of it; nobody sets what is not theirs to set."""

import datetime as dt
import json
import uuid
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.utils import timezone

from tenants.models.challenge import RedeemFailure
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.tokens.access import mint_access_token
from tests.api.case import cases
from tests.api.problem import assert_problem, assert_refused_at
from tests.conftest import ApiClient
from tests.factories import Box, encode_key, make_device_request, pubkey_of

CLAIMS, DEVICES = "/api/v1/provisioning/claims", "/api/v1/provisioning/devices"
DAY_S = 86_400
DEVICE_FIELDS = {
    "device_id", "tenant_id", "owner_id", "pubkey", "alias", "state", "state_since", "owner_pause_reason", "plan",
    "operator_suspension_reason", "purge_at", "agent_version", "created_at", "last_seen_at",
}  # fmt: skip
WRONG_CLAIMS = {
    "none": ({"count": 0}, "/count"),
    "negative": ({"count": -1}, "/count"),
    "501": ({"count": 501}, "/count"),
    "1.0": ({"count": 1.0}, "/count"),
    "true": ({"count": True}, "/count"),
    "a string": ({"count": "1"}, "/count"),
    "null": ({"count": None}, "/count"),
    "good for 59 s": ({"expires_in": 59}, "/expires_in"),
    "good for 90 days and a second": ({"expires_in": 90 * DAY_S + 1}, "/expires_in"),
    "label too long": ({"label": "x" * 129}, "/label"),
    "NUL in the label": ({"label": "a\x00"}, "/label"),
    "a plan that is none": ({"plan": "gold"}, "/plan"),
    "for a node that is none": ({"allowed_pubkey": pubkey_of("z").upper()}, "/allowed_pubkey"),
    "for no owner": ({"owner_id": "1"}, "/owner_id"),
    "with a code of its own": ({"code": "dzc_mine"}, "/code"),
    "made by another": ({"created_by": "root"}, "/created_by"),
    "used already": ({"used_at": "2026-01-01T00:00:00Z"}, "/used_at"),
    "for a box": ({"dazbox": str(uuid.uuid4())}, "/dazbox"),
}
WRONG_DEVICES = {
    "pubkey in upper case": ({"pubkey": pubkey_of("z").upper()}, "/pubkey"),
    "pubkey too long": ({"pubkey": pubkey_of("z") + "0"}, "/pubkey"),
    "pubkey with a newline": ({"pubkey": pubkey_of("z") + "\n"}, "/pubkey"),
    "pubkey with a unicode digit": ({"pubkey": pubkey_of("z")[:-1] + "٣"}, "/pubkey"),
    "pubkey null": ({"pubkey": None}, "/pubkey"),
    "no key": ({"device_key": None}, "/device_key"),
    "another curve": ({"device_key": {"kty": "OKP", "crv": "X25519", "x": "A" * 43}}, "/device_key/crv"),
    "another kind of key": ({"device_key": {"kty": "EC", "crv": "Ed25519", "x": "A" * 43}}, "/device_key/kty"),
    "key too short": ({"device_key": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 42}}, "/device_key/x"),
    "key with a newline": ({"device_key": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43 + "\n"}}, "/device_key/x"),
    "key with padding": ({"device_key": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43 + "="}}, "/device_key/x"),
    "a private key": ({"device_key": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43, "d": "A" * 43}}, "/device_key/d"),
    "alias too long": ({"alias": "x" * 129}, "/alias"),
    "NUL in the alias": ({"alias": "a\x00"}, "/alias"),
    "version too long": ({"agent": {"version": "1" * 65}}, "/agent/version"),
    "no nonce": ({"nonce": None}, "/nonce"),
    "nonce too short": ({"nonce": "A" * 42}, "/nonce"),
    "signature empty": ({"signature": ""}, "/signature"),
    "claim code empty": ({"claim_code": ""}, "/claim_code"),
    "claim code too long": ({"claim_code": "x" * 129}, "/claim_code"),
}
NOT_YOURS = [
    "schema_name",
    "schema_revision",
    "state",
    "tenant_id",
    "device_id",
    "id",
    "owner",
    "plan",
    "scope",
    "created_at",
]


@pytest.fixture
def shop(db: None) -> str:
    """A token of a provisioning client."""
    return mint_access_token(subject="client:shop", scopes=["provisioning"], tenant_id=None)


def make_code(api: ApiClient, shop: str) -> str:
    [item] = api.post(CLAIMS, {"label": "test"}, token=shop).json["items"]
    return str(item["code"])


def device_body(code: str, name: str, key: Ed25519PrivateKey | None = None, **changes: Any) -> dict[str, Any]:
    request = make_device_request(name, code=code, key=key)
    body = {
        "claim_code": code,
        "pubkey": request.pubkey,
        "nonce": request.nonce,
        "signature": request.signature,
        "device_key": {"kty": "OKP", "crv": "Ed25519", "x": request.device_key},
    }
    return body | changes


def list_schemas() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'dz\\_%'")
        return {name for (name,) in cursor.fetchall()}


@pytest.mark.parametrize("count", [1, 500])
def test_a_call_makes_up_to_500_codes_that_differ(api: ApiClient, shop: str, count: int) -> None:
    answer = api.post(CLAIMS, {"count": count, "label": "November"}, token=shop)
    assert answer.status == 201
    items = answer.json["items"]
    assert len({item["code"] for item in items}) == len({item["id"] for item in items}) == count
    assert set(items[0]) == {"id", "code", "prefix", "expires_at"}
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_claim_is_good_for_thirty_days_or_as_long_as_asked(api: ApiClient, shop: str) -> None:
    [default] = api.post(CLAIMS, {}, token=shop).json["items"]
    [longest] = api.post(CLAIMS, {"expires_in": 90 * DAY_S}, token=shop).json["items"]
    default_at, longest_at = (dt.datetime.fromisoformat(item["expires_at"]) for item in (default, longest))
    assert dt.timedelta(days=59, hours=23) < longest_at - default_at < dt.timedelta(days=60, hours=1)


@cases(WRONG_CLAIMS)
def test_a_wrong_request_for_claims_makes_none(api: ApiClient, shop: str, case: tuple[Any, str]) -> None:
    body, pointer = case
    assert_refused_at(api.post(CLAIMS, body, token=shop), pointer)
    assert Claim.objects.count() == 0


def test_a_code_is_shown_once_and_stored_as_prefix_and_hash(api: ApiClient, shop: str) -> None:
    [item] = api.post(CLAIMS, {"label": "x"}, token=shop).json["items"]
    assert item["code"].startswith(item["prefix"])
    secret = item["code"].removeprefix(item["prefix"])
    assert len(secret) >= 32
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM tenants_claim t")
        [[stored]] = cursor.fetchall()
    assert json.loads(stored)["prefix"] == item["prefix"]
    assert secret not in stored
    assert len(bytes(Claim.objects.get().digest)) == 32


def test_a_box_redeems_its_claim_and_is_in_service_with_a_schema_of_its_own(api: ApiClient, shop: str) -> None:
    before = list_schemas()
    body = device_body(make_code(api, shop), "new", alias="kitchen", agent={"version": "1.2", "platform": "umbrel"})
    answer = api.post(DEVICES, body)
    assert answer.status == 201
    assert set(answer.json) == DEVICE_FIELDS | {"status_url"}
    assert (answer.json["state"], answer.json["alias"], answer.json["pubkey"]) == (
        "active",
        "kitchen",
        pubkey_of("new"),
    )
    assert answer.json["device_id"] == answer.json["tenant_id"]
    assert list_schemas() - before == {Dazbox.objects.get().schema_name}


def test_the_schema_is_named_nowhere_in_the_answers(api: ApiClient, shop: str) -> None:
    created = api.post(DEVICES, device_body(make_code(api, shop), "new"))
    listed = api.get(DEVICES, token=shop)
    for answer in (created, listed):
        assert Dazbox.objects.get().schema_name.encode() not in answer.raw


def test_the_same_request_again_is_the_same_box(api: ApiClient, shop: str) -> None:
    body = device_body(make_code(api, shop), "new")
    first, second = api.post(DEVICES, body), api.post(DEVICES, body)
    assert (first.status, second.status) == (201, 200)
    assert first.json == second.json
    assert Dazbox.objects.count() == 1


@pytest.mark.parametrize("node", ["new", "another"])
def test_a_used_code_is_good_for_no_other_key_and_no_other_node(api: ApiClient, shop: str, node: str) -> None:
    code = make_code(api, shop)
    assert api.post(DEVICES, device_body(code, "new")).status == 201
    answer = api.post(DEVICES, device_body(code, node))
    assert_problem(answer, 409)
    assert answer.json["type"].endswith("/claim-used")
    assert Dazbox.objects.count() == 1


def test_the_owner_reads_that_a_used_code_was_tried_again_once_in_fifteen_minutes(api: ApiClient, shop: str) -> None:
    code, key = make_code(api, shop), Ed25519PrivateKey.generate()
    box = Box("new", Dazbox(id=api.post(DEVICES, device_body(code, "new", key)).json["device_id"]), key)

    def read_replays() -> list[Any]:
        events = api.get(f"{DEVICES}/{box.dazbox.id}/events", token=api.token_of(box)).json["items"]
        return [event["facts"] for event in events if event["kind"] == "claim"]

    for name in ("another", "new", "another"):
        answer = api.post(DEVICES, device_body(code, name), **{"Idempotency-Key": str(uuid.uuid4())})
        assert_problem(answer, 409)
    assert read_replays() == [{"prefix": code[:12]}]
    RedeemFailure.objects.update(at=timezone.now() - dt.timedelta(minutes=15))
    assert_problem(api.post(DEVICES, device_body(code, "another")), 409)
    assert len(read_replays()) == 2


def test_a_node_that_is_claimed_already_leaves_the_second_claim_unspent(
    api: ApiClient, shop: str, charlie: Box
) -> None:
    code = make_code(api, shop)
    answer = api.post(DEVICES, device_body(code, "charlie"))
    assert_problem(answer, 409)
    assert answer.json["type"].endswith("/pubkey-taken")
    assert api.post(DEVICES, device_body(code, "another")).status == 201


@pytest.mark.parametrize("code", ["dzc_unknown", "x", "\x00", "é", "' OR 1=1 --", "x" * 128])
def test_an_unknown_code_is_refused(api: ApiClient, db: None, code: str) -> None:
    answer = api.post(DEVICES, device_body(code, "new"))
    assert_problem(answer, 422)
    assert answer.json["type"].endswith("/claim-unknown")


def test_an_expired_code_is_refused(api: ApiClient, shop: str) -> None:
    code = make_code(api, shop)
    Claim.objects.update(expires_at=timezone.now())
    answer = api.post(DEVICES, device_body(code, "new"))
    assert_problem(answer, 422)
    assert answer.json["type"].endswith("/claim-expired")
    assert not Dazbox.objects.exists()


@cases(WRONG_DEVICES)
def test_a_wrong_request_spends_no_claim(api: ApiClient, shop: str, case: tuple[Any, str]) -> None:
    changes, pointer = case
    code = make_code(api, shop)
    assert_refused_at(api.post(DEVICES, device_body(code, "new", **changes)), pointer)
    assert not Dazbox.objects.exists()
    assert api.post(DEVICES, device_body(code, "new")).status == 201


@pytest.mark.parametrize("field", NOT_YOURS)
def test_a_box_does_not_set_what_is_not_its_own(api: ApiClient, shop: str, field: str) -> None:
    """No mass assignment."""
    code = make_code(api, shop)
    answer = api.post(DEVICES, device_body(code, "new", **{field: "public"}))
    assert_refused_at(answer, f"/{field}", code="unknown-field")
    nested = device_body(code, "new", agent={"version": "1", field: "public"})
    assert_refused_at(api.post(DEVICES, nested), f"/agent/{field}", code="unknown-field")
    assert not Dazbox.objects.exists()


def test_devices_are_listed_page_by_page(api: ApiClient, shop: str) -> None:
    made = {
        api.post(DEVICES, device_body(make_code(api, shop), f"box {number}")).json["device_id"] for number in range(5)
    }
    found, path = [], f"{DEVICES}?limit=2"
    while path:
        answer = api.get(path, token=shop)
        assert answer.status == 200
        found += [item["device_id"] for item in answer.json["items"]]
        link = answer.headers.get("Link", "")
        assert bool(link) == bool(answer.json["next_cursor"])
        path = link[1 : link.index(">")] if link else ""
    assert len(found) == 5
    assert set(found) == made


def test_one_device_is_read_by_its_id(api: ApiClient, shop: str, charlie: Box) -> None:
    answer = api.get(f"{DEVICES}/{charlie.dazbox.id}", token=shop)
    assert answer.status == 200
    assert set(answer.json) == DEVICE_FIELDS
    assert answer.json["pubkey"] == charlie.pubkey


@pytest.mark.parametrize("device_id", [str(uuid.UUID(int=0)), "1", "%00", "..", "x" * 10_000, "٣" * 36])
def test_an_unknown_device_is_not_found(api: ApiClient, shop: str, device_id: str) -> None:
    assert_problem(api.get(f"{DEVICES}/{device_id}", token=shop), 404)


def test_what_is_shown_of_a_device_are_no_secrets(api: ApiClient, shop: str, alice: Box) -> None:
    answer = api.get(f"{DEVICES}/{alice.dazbox.id}", token=shop)
    for secret in (encode_key(alice.key), alice.kid, alice.dazbox.schema_name):
        assert secret.encode() not in answer.raw


def test_a_box_that_is_not_in_service_yet_is_signed_out(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    Dazbox.objects.filter(id=charlie.dazbox.id).update(state=DazboxState.PROVISIONING)
    assert_problem(api.get(charlie.path("mode"), token=token), 401)


def test_claims_are_for_shops_and_operators(api: ApiClient, charlie: Box) -> None:
    box, owner = (
        api.token_of(charlie),
        mint_access_token(subject="o", scopes=["read", "act"], tenant_id=charlie.dazbox.id),
    )
    assert_problem(api.post(CLAIMS, {}), 401)
    for token in (box, owner):
        assert_problem(api.post(CLAIMS, {}, token=token), 403)
    operator = mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)
    assert api.get(DEVICES, token=operator).status == 200
