"""A box whose schema cannot be built now is told so, can watch, and is in service once it is built."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.operation import Operation
from tenants.provisioning.schema import resume_provisioning
from tenants.tokens.access import mint_access_token
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_box, make_device_request

DEVICES = "/api/v1/provisioning/devices"
SPOIL = "UPDATE tenants_schematemplate SET ddl = ddl || '; SELECT nonsense'"
MEND = "UPDATE tenants_schematemplate SET ddl = replace(ddl, '; SELECT nonsense', '')"


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def redeem_body(key: Ed25519PrivateKey) -> dict[str, Any]:
    request = make_device_request("late", key=key)
    return {
        "claim_code": request.claim_code,
        "pubkey": request.pubkey,
        "nonce": request.nonce,
        "signature": request.signature,
        "device_key": {"kty": "OKP", "crv": "Ed25519", "x": request.device_key},
    }


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def accepted(api: ApiClient, db: None, key: Ed25519PrivateKey) -> Any:
    """The answer to a redemption whose schema could not be built; and what was sent."""
    body = redeem_body(key)
    run(SPOIL)
    answer = api.post(DEVICES, body)
    assert answer.status == 202, answer.raw
    return answer, body


def test_a_box_that_waits_for_its_schema_is_accepted_and_told_where_to_look(api: ApiClient, accepted: Any) -> None:
    answer, _ = accepted
    assert answer.json["state"] == "provisioning_failed"
    assert answer.headers["Retry-After"] == "60"
    operation = Operation.objects.get()
    assert answer.json["status_url"] == f"/api/v1/provisioning/operations/{operation.id}"


def test_the_box_watches_its_own_provisioning_until_it_is_in_service(
    api: ApiClient, accepted: Any, key: Ed25519PrivateKey
) -> None:
    answer, body = accepted
    box = Box("late", Dazbox.objects.get(), key)
    token = api.token_of(box)
    waiting = api.get(answer.json["status_url"], token=token)
    assert (waiting.status, waiting.json["status"], waiting.json["step"]) == (200, "failed", "schema")
    assert (waiting.json["attempts"], waiting.headers["Retry-After"]) == (1, "60")
    assert "nonsense" not in waiting.json["error"]
    assert_problem(api.get(box.path("mode"), token=token), 401)
    run(MEND)
    assert resume_provisioning() == 1
    done = api.get(answer.json["status_url"], token=token)
    assert (done.json["status"], done.json["attempts"], done.json["error"]) == ("succeeded", 2, None)
    assert "Retry-After" not in done.headers
    assert api.get(box.path("mode"), token=token).status == 200
    again = api.post(DEVICES, body)
    assert (again.status, again.json["device_id"]) == (200, answer.json["device_id"])


def test_the_same_request_again_tries_again(api: ApiClient, accepted: Any) -> None:
    _, body = accepted
    assert api.post(DEVICES, body).status == 202
    assert Operation.objects.get().attempts == 2
    run(MEND)
    assert api.post(DEVICES, body).status == 200
    assert Dazbox.objects.get().state == DazboxState.ACTIVE


def test_what_needs_a_schema_waits_for_it(api: ApiClient, accepted: Any) -> None:
    answer, _ = accepted
    operator = mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)
    owner_id = Dazbox.objects.get().owner_id
    run(MEND)
    second = make_box("second")
    Dazbox.objects.filter(id=second.dazbox.id).update(owner_id=owner_id)
    token, path = api.token_of(second), f"{DEVICES}/{answer.json['device_id']}"
    for rest in ("events", "quota"):
        assert_problem(api.get(f"{path}/{rest}", token=token), 409)
    assert_problem(api.put(f"{path}/plan", {"plan": "pro"}, token=operator), 409)


def test_an_operator_reads_what_went_wrong(api: ApiClient, accepted: Any) -> None:
    answer, _ = accepted
    operator = mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)
    assert "nonsense" in api.get(answer.json["status_url"], token=operator).json["error"]
