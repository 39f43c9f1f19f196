"""Every operation of the provisioning API, for every kind of caller, with the exact status. Generated from OpenAPI."""

import uuid
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from nodes.pipeline.export.order import request_export
from tenants.models.dazbox import Dazbox
from tenants.models.export import Export
from tenants.models.operation import Operation
from tenants.provisioning.lifecycle import delete_dazbox, suspend_dazbox
from tenants.provisioning.purge import purge_due_boxes
from tenants.tokens.access import mint_access_token
from tests.api import lasting
from tests.api.openapi_document import Operation as Endpoint
from tests.api.openapi_document import list_operations
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, encode_key

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db
PREFIX = "/api/v1/provisioning/"
OPERATIONS = {str(operation): operation for operation in list_operations(PREFIX)}
REASON = {"reason": "because"}
BODIES: dict[str, Any] = {
    "create_claims": {},
    "suspend_device": REASON,
    "resume_device": REASON,
    "restore_device": REASON,
    "break_glass": {"reason": "because we must"},
    "change_device": {"alias": "x"},
    "transfer_device": {},
    "set_device_plan": {"plan": "home"},
    "add_device_key": {"device_key": {"kty": "OKP", "crv": "Ed25519", "x": encode_key(Ed25519PrivateKey.generate())}},
}
CALLERS = ("own", "another tenant", "nobody", "suspended", "to be deleted", "deleted", "operator", "shop")
# What each caller is answered, in the order of CALLERS. The box in the address is charlie's; `suspended`, `to be
# deleted` and `deleted` are its own token while it is that (by an operator; in its grace; after the purge).
STATUS = {
    "create_claims": (403, 403, 401, 403, 403, 403, 201, 201),
    "list_claims": (403, 403, 401, 403, 403, 403, 200, 200),
    "get_claim": (403, 403, 401, 403, 403, 403, 404, 404),
    "revoke_claim": (403, 403, 401, 403, 403, 403, 404, 404),
    "list_devices": (200, 200, 401, 200, 200, 410, 200, 200),
    "get_device": (200, 404, 401, 200, 200, 410, 200, 200),
    "change_device": (200, 404, 401, 403, 403, 410, 403, 403),
    "add_device_key": (201, 404, 401, 403, 403, 410, 403, 403),
    "list_device_keys": (200, 404, 401, 200, 200, 410, 200, 200),
    "revoke_device_key": (409, 404, 401, 409, 409, 410, 403, 403),  # its last one
    "delete_device": (202, 404, 401, 202, 202, 410, 403, 403),
    "suspend_device": (200, 404, 401, 200, 409, 410, 200, 403),
    "resume_device": (200, 404, 401, 403, 409, 410, 200, 403),
    "list_events": (200, 404, 401, 200, 200, 410, 403, 403),
    "verify_audit": (200, 200, 401, 200, 200, 410, 403, 403),
    "create_export": (202, 404, 401, 202, 202, 410, 403, 403),
    "get_export": (200, 404, 401, 200, 200, 410, 403, 403),
    "get_operation": (200, 404, 401, 200, 200, 410, 200, 200),
    "get_device_authorization": (404, 404, 401, 404, 404, 410, 403, 403),
    "approve_device_authorization": (404, 404, 401, 404, 404, 410, 403, 403),
    "deny_device_authorization": (404, 404, 401, 404, 404, 410, 403, 403),
    "get_quota": (200, 404, 401, 200, 200, 410, 200, 200),
    "get_device_plan": (200, 404, 401, 200, 200, 410, 200, 200),
    "set_device_plan": (200, 404, 401, 403, 403, 410, 200, 200),
    "transfer_device": (201, 404, 401, 403, 403, 410, 201, 403),
    "break_glass": (403, 403, 401, 403, 403, 403, 201, 403),
    "close_glass": (403, 403, 401, 403, 403, 403, 204, 403),
    "restore_device": (200, 404, 401, 200, 200, 410, 403, 403),
}
OPEN = {
    "begin_device_authorization",
    "poll_device_authorization",
    "list_plans",
    "register_device",
    "create_challenge",
    "download_export",
}


def test_every_operation_is_in_the_matrix() -> None:
    assert set(OPERATIONS) == set(STATUS) | OPEN


def knock(api: ApiClient, operation: Endpoint, box: Box, token: str | None) -> Any:
    known = Operation.objects.filter(dazbox=box.dazbox).first()
    path = operation.path.format(
        device_id=box.dazbox.id,
        claim_id=box.dazbox.id,
        export_id=box.dazbox.id,
        user_code="BCDFGHJK",
        kid=box.kid,
        operation_id=known.id if known else uuid.uuid4(),
    )
    return api.call(operation.method, path, BODIES.get(str(operation)), token=token, **headers())


def headers() -> dict[str, str]:
    return {"If-Match": "*", "Idempotency-Key": str(uuid.uuid4())}


def make_own_export(box: Box) -> None:
    """Under the box's own id, which `knock` writes into every address."""
    request_export(box.dazbox.id, actor="test")
    Export.objects.update(id=box.dazbox.id)


def token_for(caller: str, api: ApiClient, alice: Box, bob: Box) -> str | None:
    if caller in {"operator", "shop"}:
        scope: Any = {"operator": "operator", "shop": "provisioning"}[caller]
        return mint_access_token(subject=f"{caller}:1", scopes=[scope], tenant_id=None)
    if caller == "nobody":
        return None
    token = api.token_of(bob if caller == "another tenant" else alice)
    if caller == "suspended":
        suspend_dazbox(alice.dazbox.id, actor="test", reason="because")
    if caller in {"to be deleted", "deleted"}:
        delete_dazbox(alice.dazbox.id, actor="test", reason="because", at_once=True)
    if caller == "deleted":
        Dazbox.objects.filter(id=alice.dazbox.id).update(purge_at=timezone.now())
        assert purge_due_boxes() == 1
    return token


@pytest.mark.parametrize("caller", CALLERS)
@pytest.mark.parametrize("name", STATUS)
def test_each_caller_gets_what_is_theirs(api: ApiClient, charlie: Box, bob: Box, name: str, caller: str) -> None:
    if "export_id" in OPERATIONS[name].path:
        make_own_export(charlie)
    token = token_for(caller, api, charlie, bob)
    before = Dazbox.objects.values().get(id=charlie.dazbox.id)
    answer = knock(api, OPERATIONS[name], charlie, token)
    expected = STATUS[name][CALLERS.index(caller)]
    assert answer.status == expected, answer.raw
    if expected >= 400:
        assert_problem(answer, expected)
        assert Dazbox.objects.values().get(id=charlie.dazbox.id) == before
        assert charlie.pubkey.encode() not in answer.raw
    if caller == "another tenant":
        assert str(charlie.dazbox.id).encode() not in answer.raw


@pytest.mark.parametrize("name", [name for name in STATUS if "device_id" in OPERATIONS[name].path])
def test_a_box_of_others_and_a_box_of_nobody_look_the_same(api: ApiClient, charlie: Box, bob: Box, name: str) -> None:
    token, operation = api.token_of(bob), OPERATIONS[name]
    foreign = knock(api, operation, charlie, token)
    path = operation.path.format(device_id=uuid.uuid4(), kid=charlie.kid)
    nobodys = api.call(operation.method, path, BODIES.get(name), token=token, **headers())
    assert foreign.json | {"instance": ""} == nobodys.json | {"instance": ""}
