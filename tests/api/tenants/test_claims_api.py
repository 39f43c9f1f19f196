"""A shop sees what became of its claims, and ends those nobody has used."""

import dataclasses
import datetime as dt
import uuid

import pytest
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox
from tenants.provisioning.claim import ClaimTerms, NewClaim, create_claims
from tenants.provisioning.device import register_device
from tenants.tokens.access import mint_access_token
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_device_request, pubkey_of

CLAIMS = "/api/v1/provisioning/claims"


@pytest.fixture
def shop(db: None) -> str:
    return mint_access_token(subject="client:shop", scopes=["provisioning"], tenant_id=None)


@pytest.fixture
def new(db: None) -> NewClaim:
    [made] = create_claims(1, ClaimTerms(label="November", expires_in=dt.timedelta(days=1)), created_by="client:shop")
    return made


def test_a_claim_says_what_became_of_it_and_never_its_code(api: ApiClient, shop: str, new: NewClaim) -> None:
    path = f"{CLAIMS}/{new.claim.id}"
    assert api.get(path, token=shop).json["status"] == "unused"
    Claim.objects.update(expires_at=timezone.now())
    assert api.get(path, token=shop).json["status"] == "expired"
    Claim.objects.update(expires_at=timezone.now() + dt.timedelta(days=1))
    box = register_device(make_device_request("node", code=new.code)).dazbox
    for answer in (api.get(path, token=shop), api.get(CLAIMS, token=shop)):
        [shown] = answer.json.get("items", [answer.json])
        assert (shown["status"], shown["device_id"], shown["label"]) == ("used", str(box.id), "November")
        assert new.code.removeprefix(new.claim.prefix).encode() not in answer.raw


def test_a_revoked_claim_is_good_for_nothing(api: ApiClient, shop: str, new: NewClaim) -> None:
    path = f"{CLAIMS}/{new.claim.id}"
    assert [api.call("DELETE", path, token=shop).status for _ in range(2)] == [204, 204]
    assert api.get(path, token=shop).json["status"] == "revoked"
    with pytest.raises(Problem) as refused:
        register_device(make_device_request("node", code=new.code))
    assert (refused.value.status, refused.value.code) == (422, "claim-revoked")
    assert not Dazbox.objects.exists()


def test_a_used_claim_is_not_revoked(api: ApiClient, shop: str, new: NewClaim) -> None:
    register_device(make_device_request("node", code=new.code))
    assert_problem(api.call("DELETE", f"{CLAIMS}/{new.claim.id}", token=shop), 409)
    assert_problem(api.call("DELETE", f"{CLAIMS}/{uuid.uuid4()}", token=shop), 404)


def test_claims_are_listed_page_by_page(api: ApiClient, shop: str) -> None:
    create_claims(5, ClaimTerms(label="", expires_in=dt.timedelta(days=1)), created_by="test")
    first = api.get(f"{CLAIMS}?limit=3", token=shop).json
    second = api.get(f"{CLAIMS}?limit=3&cursor={first['next_cursor']}", token=shop).json
    assert len({item["id"] for item in first["items"] + second["items"]}) == 5
    assert second["next_cursor"] is None


def test_a_claim_for_one_node_is_refused_to_another_and_stays_good(api: ApiClient, shop: str) -> None:
    body = {"allowed_pubkey": pubkey_of("the one"), "plan": "pro", "label": "x"}
    [item] = api.post(CLAIMS, body, token=shop).json["items"]
    with pytest.raises(Problem) as refused:
        register_device(make_device_request("another", code=item["code"]))
    assert (refused.value.status, refused.value.code) == (422, "claim-of-another-node")
    shown = api.get(f"{CLAIMS}/{item['id']}", token=shop).json
    assert (shown["status"], shown["allowed_pubkey"], shown["plan"]) == ("unused", pubkey_of("the one"), "pro")
    assert register_device(make_device_request("the one", code=item["code"])).dazbox.plan == "pro"


def test_a_node_that_is_allowed_must_still_sign(api: ApiClient, shop: str) -> None:
    [item] = api.post(CLAIMS, {"allowed_pubkey": pubkey_of("the one")}, token=shop).json["items"]
    request = make_device_request("the one", code=item["code"])
    with pytest.raises(Problem) as refused:
        register_device(dataclasses.replace(request, signature=make_device_request("another").signature))
    assert refused.value.code == "wrong-signature"


def test_no_claim_makes_a_box_of_an_owner_who_did_not_approve_it(api: ApiClient, shop: str, charlie: Box) -> None:
    answer = api.post(CLAIMS, {"owner_id": str(charlie.dazbox.owner_id)}, token=shop)
    assert_problem(answer, 400)
    assert not Claim.objects.exclude(dazbox=charlie.dazbox).exists()


def test_making_claims_needs_an_idempotency_key_and_is_done_once_under_it(api: ApiClient, shop: str) -> None:
    assert_problem(api.call("POST", CLAIMS, {}, token=shop), 400)
    key = str(uuid.uuid4())
    first, second = (api.post(CLAIMS, {"count": 3}, token=shop, **{"Idempotency-Key": key}) for _ in range(2))
    assert first.raw == second.raw
    assert Claim.objects.count() == 3
