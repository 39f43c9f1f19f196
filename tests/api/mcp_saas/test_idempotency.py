"""One POST, one effect: under the same Idempotency-Key the same answer, byte for byte, for 72 hours."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from mcp_saas.api.idempotency import RETENTION
from mcp_saas.api.models import StoredAnswer
from nodes.models.snapshot import Snapshot
from tenants.context import enter_tenant
from tenants.models.claim import Claim
from tenants.tokens.access import mint_access_token
from tests.api.case import cases
from tests.api.openapi_document import list_operations
from tests.api.problem import assert_problem, assert_refused_at
from tests.conftest import ApiClient
from tests.factories import Box, make_forward, make_snapshot

CLAIMS, KEY = "/api/v1/provisioning/claims", "Idempotency-Key"
BAD_KEYS = {
    "empty": "",
    "256 characters": "k" * 256,
    "a space": "a b",
    "a tab": "a\tb",
    "not ASCII": "clé",
    "DEL": "a\x7f",
}
SAID_BEFORE_THE_WORK = {
    "/api/v1/auth/token",
    "/api/v1/auth/device-token",
    "/api/v1/auth/refresh",
    "/api/v1/auth/revoke",
    "/api/v1/provisioning/device-authorizations/token",
}
# A POST for the sake of its body: nothing is stored, so a repeat is answered by what holds then.
STORE_NOTHING = {
    "/api/v1/node/{pubkey}/priorities",
    "/api/v1/node/{pubkey}/fee-policy/backtest",
    "/api/v1/node/{pubkey}/fee-policy/preview",
    "/api/v1/knowledge/search",
    "/api/v1/nodes/bulk-analysis",
    "/api/v1/knowledge/ask",
    "/api/v1/auth/api-key-token",
}


@pytest.fixture
def shop(db: None) -> str:
    return token_of_client("shop")


def token_of_client(name: str) -> str:
    return mint_access_token(subject=f"client:{name}", scopes=["provisioning"], tenant_id=None)


def claim(api: ApiClient, token: str, key: str = "k1", body: Any = None, path: str = CLAIMS) -> Any:
    return api.post(path, {"count": 2} if body is None else body, token=token, **{KEY: key})


def test_every_post_but_signing_in_and_those_that_store_nothing_takes_a_key() -> None:
    """Signing in is an exchange of secrets that have rules of their own against repetition."""
    without = {
        operation.path
        for operation in list_operations()
        if operation.method == "POST" and KEY not in {item["name"] for item in operation.detail.get("parameters", [])}
    }
    assert without == SAID_BEFORE_THE_WORK | STORE_NOTHING


def test_a_repeat_gets_the_same_bytes_and_makes_nothing_new(api: ApiClient, shop: str) -> None:
    first, second = claim(api, shop), claim(api, shop)
    assert (first.status, second.status) == (201, 201)
    assert first.raw == second.raw
    assert second.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert (second.headers["Cache-Control"], second.headers["Content-Type"]) == ("no-store", "application/json")
    assert Claim.objects.count() == 2


@pytest.mark.parametrize("body", [{"count": 3}, {"count": 2, "label": ""}, {}])
def test_another_payload_under_the_key_is_a_422_and_makes_nothing(api: ApiClient, shop: str, body: Any) -> None:
    claim(api, shop)
    answer = claim(api, shop, body=body)
    assert_problem(answer, 422)
    assert answer.json["type"].endswith("/idempotency-key-reused")
    assert_problem(claim(api, shop, path=f"{CLAIMS}?x=1"), 400)
    assert Claim.objects.count() == 2


def test_a_key_is_the_callers_own(api: ApiClient, shop: str) -> None:
    answers = [claim(api, token) for token in (shop, token_of_client("partner"))]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].raw != answers[1].raw
    assert "Idempotent-Replayed" not in answers[1].headers


def test_a_key_is_good_once_for_each_route_and_tenant(api: ApiClient, alice: Box, bob: Box) -> None:
    forwards, snapshot = {"events": [make_forward(90)], "cursor": "90"}, make_snapshot(7)
    for box in (alice, bob):
        token = api.token_of(box)
        for path, body, status in (("forwards", forwards, 200), ("snapshots", snapshot, 201)):
            first, second = (api.post(box.path(path), body, token=token, **{KEY: "same"}) for _ in range(2))
            assert (first.status, second.status, first.raw) == (status, status, second.raw)
            assert [answer.headers.get("Idempotent-Replayed") for answer in (first, second)] == [None, "true"]
    assert StoredAnswer.objects.count() == 0
    for box in (alice, bob):
        with enter_tenant(box.tenant):
            assert StoredAnswer.objects.count() == 2
            assert Snapshot.objects.filter(seq=7).count() == 1


def test_claims_without_a_key_are_refused_with_what_to_do(api: ApiClient, shop: str) -> None:
    answer = api.call("POST", CLAIMS, {}, token=shop)
    assert_problem(answer, 400)
    assert answer.json["type"].endswith("/idempotency-key-missing")
    assert "UUID" in answer.json["detail"]
    assert Claim.objects.count() == 0


def test_what_cannot_happen_twice_needs_no_key(api: ApiClient, alice: Box) -> None:
    answer = api.call("POST", alice.path("snapshots"), make_snapshot(8), token=api.token_of(alice))
    assert answer.status == 201


@cases(BAD_KEYS)
def test_a_key_that_is_none_is_refused(api: ApiClient, shop: str, case: str) -> None:
    answer = claim(api, shop, case.encode().decode("latin-1"))
    assert_problem(answer, 400)
    assert Claim.objects.count() == StoredAnswer.objects.count() == 0


def test_a_key_of_255_characters_is_one(api: ApiClient, shop: str) -> None:
    assert [claim(api, shop, "~" * 255).status for _ in range(2)] == [201, 201]
    assert Claim.objects.count() == 2


def test_a_refused_request_leaves_its_key_free(api: ApiClient, shop: str) -> None:
    assert_refused_at(claim(api, shop, body={"count": 0}), "/count")
    assert StoredAnswer.objects.count() == 0
    assert claim(api, shop).status == 201


def test_an_answer_is_kept_for_72_hours_and_then_gone(api: ApiClient, shop: str) -> None:
    for key in ("old", "older", "young"):
        claim(api, shop, key)
    now = timezone.now()
    rows = list(StoredAnswer.objects.order_by("created_at"))
    for row, age in zip(rows, (RETENTION, RETENTION * 2, RETENTION - dt.timedelta(minutes=1)), strict=True):
        StoredAnswer.objects.filter(id=bytes(row.id)).update(created_at=now - age)
    assert "Idempotent-Replayed" in claim(api, shop, "young").headers
    assert "Idempotent-Replayed" not in claim(api, shop, "old").headers
    assert Claim.objects.count() == 8
    assert StoredAnswer.objects.count() == 2  # "older" went when "old" was written anew


def test_what_is_stored_shows_neither_key_nor_secret(api: ApiClient, shop: str) -> None:
    key = str(uuid.uuid4())
    [code, _] = [item["code"] for item in claim(api, shop, key).json["items"]]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id || fingerprint || sealed FROM api_storedanswer")
        [[stored]] = cursor.fetchall()
    for secret in (key, code, "dzc_", "items"):
        assert secret.encode() not in bytes(stored)


def test_an_answer_outlives_a_new_secret_key_while_the_old_one_is_a_fallback(api: ApiClient, shop: str) -> None:
    first = claim(api, shop)
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[old]):
        assert claim(api, shop).raw == first.raw
    with override_settings(SECRET_KEY="n" * 50, SECRET_KEY_FALLBACKS=[]):
        answer = claim(api, shop)
    assert_problem(answer, 409)
    assert answer.json["type"].endswith("/idempotency-answer-gone")
    assert Claim.objects.count() == 2
