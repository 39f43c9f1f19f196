"""A shop sees what became of its claims, and ends those nobody has used."""

import datetime as dt
import uuid

import pytest
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox
from tenants.provisioning.claim import NewClaim, create_claims
from tenants.provisioning.device import register_device
from tenants.tokens.access import mint_access_token
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import make_device_request

CLAIMS = "/api/v1/provisioning/claims"


@pytest.fixture
def shop(db: None) -> str:
    return mint_access_token(subject="client:shop", scopes=["provisioning"], tenant_id=None)


@pytest.fixture
def new(db: None) -> NewClaim:
    [made] = create_claims(1, label="November", expires_in=dt.timedelta(days=1), created_by="client:shop")
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
    create_claims(5, label="", expires_in=dt.timedelta(days=1), created_by="test")
    first = api.get(f"{CLAIMS}?limit=3", token=shop).json
    second = api.get(f"{CLAIMS}?limit=3&cursor={first['next_cursor']}", token=shop).json
    assert len({item["id"] for item in first["items"] + second["items"]}) == 5
    assert second["next_cursor"] is None
