"""A box changes hands: what opened it before opens it no more, and it goes on with its new owner."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection

from mcp_saas.kit.errors import Problem
from nodes.models.forward import ForwardDay
from nodes.models.journal import JournalEntry
from tenants.context import enter_tenant
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.provisioning.device import register_device
from tenants.provisioning.lifecycle import delete_dazbox, restore_dazbox, suspend_dazbox
from tenants.provisioning.purge import purge_dazbox
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
from tenants.tokens.access import mint_access_token
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key, make_device_request

WHY = {"actor": "test", "reason": "because"}


def path_of(box: Box) -> str:
    return f"/api/v1/provisioning/devices/{box.dazbox.id}/transfer"


def transfer(api: ApiClient, box: Box, token: str | None = None, **body: Any) -> str:
    """The new claim code."""
    answer = api.post(path_of(box), body, token=token or api.token_of(box))
    assert answer.status == 201, answer.raw
    assert answer.headers["Cache-Control"] == "no-store"
    return str(answer.json["claim"]["code"])


def redeem(box: Box, code: str) -> Box:
    """The buyer's box: the same node, with a key of its own."""
    key = Ed25519PrivateKey.generate()
    return Box(box.name, register_device(make_device_request(box.name, code=code, key=key)).dazbox, key)


def state_of(box: Box) -> str:
    return Dazbox.objects.get(id=box.dazbox.id).state


@pytest.fixture
def operator(db: None) -> str:
    return mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)


def test_nothing_that_opened_the_box_opens_it_any_more(api: ApiClient, charlie: Box) -> None:
    api_key = make_api_key(charlie)
    pair = api.post("/api/v1/auth/device-token", {"assertion": charlie.sign_assertion()}).json
    assert api.get(charlie.path("mode"), token=api_key).status == 200
    transfer(api, charlie, pair["access"])
    assert state_of(charlie) == DazboxState.TRANSFERRING
    for token in (pair["access"], api_key):
        assert_problem(api.get(charlie.path("mode"), token=token), 401)
    assert_problem(api.post("/api/v1/auth/refresh", {"refresh": pair["refresh"]}), 401)
    assert_problem(api.post("/api/v1/auth/device-token", {"assertion": charlie.sign_assertion()}), 401)


def test_the_owners_other_box_is_told_that_it_changes_hands(api: ApiClient, charlie: Box, bob: Box) -> None:
    Dazbox.objects.filter(id=bob.dazbox.id).update(owner_id=charlie.dazbox.owner_id)
    token, path = api.token_of(bob), f"/api/v1/provisioning/devices/{charlie.dazbox.id}"
    transfer(api, charlie, token)
    refused = api.call("PATCH", path, {"alias": "x"}, token=token, **{"If-Match": "*"})
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/device-transferring")


def test_whoever_redeems_the_code_is_its_new_owner_and_finds_its_history(api: ApiClient, alice: Box) -> None:
    seller = alice.dazbox.owner_id
    bought = redeem(alice, transfer(api, alice))
    assert bought.dazbox.id == alice.dazbox.id
    assert (bought.dazbox.state, bought.dazbox.owner_id == seller) == (DazboxState.ACTIVE, False)
    token = api.token_of(bought)
    assert len(api.get(alice.path("channels"), token=token).json["items"]) == 2
    events = api.get(f"/api/v1/provisioning/devices/{alice.dazbox.id}/events", token=token).json["items"]
    changes = [(item["facts"]["before"], item["facts"]["after"]) for item in events if item["kind"] == "lifecycle"]
    assert changes[:2] == [("transferring", "active"), ("active", "transferring")]


def test_a_wiped_history_is_gone_at_once(api: ApiClient, alice: Box) -> None:
    connection.check_constraints()  # a request's end would have; a table with rows to check yet cannot be dropped
    code = transfer(api, alice, wipe_history=True)
    with enter_tenant(alice.tenant):
        assert not ForwardDay.objects.exists()
        assert [entry.kind for entry in JournalEntry.objects.all()] == ["lifecycle"]
    bought = redeem(alice, code)
    assert api.get(alice.path("channels"), token=api.token_of(bought)).json["items"] == []


def test_the_code_is_for_this_node_alone(api: ApiClient, charlie: Box) -> None:
    code = transfer(api, charlie)
    with pytest.raises(Problem) as refused:
        register_device(make_device_request("another", code=code))
    assert refused.value.code == "claim-of-another-node"
    assert redeem(charlie, code).dazbox.state == DazboxState.ACTIVE


def test_the_node_must_sign_again_and_with_a_key_the_seller_never_had(api: ApiClient, charlie: Box) -> None:
    code = transfer(api, charlie)
    request = make_device_request(charlie.name, code=code)
    with pytest.raises(Problem) as refused:
        register_device(dataclasses.replace(request, signature=make_device_request("another").signature))
    assert refused.value.code == "wrong-signature"
    with pytest.raises(Problem) as refused:
        register_device(make_device_request(charlie.name, code=code, key=charlie.key))
    assert (refused.value.status, refused.value.code) == (409, "key-ended")
    assert state_of(charlie) == DazboxState.TRANSFERRING


def test_no_box_is_handed_to_an_owner_who_did_not_ask_for_it(api: ApiClient, charlie: Box, bob: Box) -> None:
    token = api.token_of(charlie)
    assert_problem(api.post(path_of(charlie), {"owner_id": str(bob.dazbox.owner_id)}, token=token), 400)
    assert state_of(charlie) == DazboxState.ACTIVE


def test_a_deletion_that_was_faster_leaves_nothing_to_hand_over(alice: Box) -> None:
    delete_dazbox(alice.dazbox.id, **WHY, at_once=False)
    terms = TransferTerms(expires_in=dt.timedelta(days=1), wipes_history=True)
    with pytest.raises(Problem) as refused:
        transfer_dazbox(alice.dazbox.id, terms, actor="test")
    assert (refused.value.status, refused.value.code) == (409, "wrong-state")
    with enter_tenant(alice.tenant):
        assert ForwardDay.objects.exists()


def test_asking_again_gives_a_new_code_and_ends_the_one_before(api: ApiClient, charlie: Box, operator: str) -> None:
    first = transfer(api, charlie)
    second = transfer(api, charlie, operator)
    with pytest.raises(Problem) as refused:
        redeem(charlie, first)
    assert refused.value.code == "claim-revoked"
    assert redeem(charlie, second).dazbox.state == DazboxState.ACTIVE


def test_the_old_codes_of_the_box_are_good_for_nothing(api: ApiClient, db: None) -> None:
    request = make_device_request("sold")
    box = Box("sold", register_device(request).dazbox, Ed25519PrivateKey.generate())
    token = mint_access_token(subject="box", scopes=["device", "act"], tenant_id=box.dazbox.id)
    redeem(box, transfer(api, box, token))
    with pytest.raises(Problem) as refused:
        register_device(request)
    assert refused.value.code == "claim-used"


def test_an_api_key_hands_nothing_over(api: ApiClient, charlie: Box) -> None:
    assert_problem(api.post(path_of(charlie), {}, token=make_api_key(charlie)), 403)
    assert state_of(charlie) == DazboxState.ACTIVE


def test_a_suspension_cannot_be_evaded_by_a_transfer(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    suspend_dazbox(charlie.dazbox.id, **WHY)
    assert_problem(api.post(path_of(charlie), {}, token=token), 403)


def test_a_box_deleted_on_its_way_and_restored_is_on_its_way_again(api: ApiClient, charlie: Box) -> None:
    code = transfer(api, charlie)
    delete_dazbox(charlie.dazbox.id, **WHY, at_once=True)
    with pytest.raises(Problem) as refused:
        redeem(charlie, code)
    assert (refused.value.status, refused.value.code) == (409, "wrong-state")
    assert restore_dazbox(charlie.dazbox.id, **WHY).state == DazboxState.TRANSFERRING
    assert redeem(charlie, code).dazbox.state == DazboxState.ACTIVE


def test_the_code_of_a_box_that_is_gone_makes_no_box(api: ApiClient, charlie: Box) -> None:
    code = transfer(api, charlie)
    purge_dazbox(delete_dazbox(charlie.dazbox.id, **WHY, at_once=True))
    with pytest.raises(Problem) as refused:
        redeem(charlie, code)
    assert refused.value.code == "claim-revoked"
    assert not Claim.objects.exclude(allowed_pubkey="").exists()
