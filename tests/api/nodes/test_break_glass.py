"""An operator reads a box only by breaking the glass: for a reason, for a while, and before its owner's eyes."""

import datetime as dt
import uuid
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from nodes.models.journal import JournalEntry
from nodes.selectors.chain import verify_chain
from tenants.context import enter_tenant, use_schema
from tenants.models.break_glass import BreakGlass
from tenants.provisioning.lifecycle import delete_dazbox, suspend_dazbox
from tenants.tokens.access import mint_access_token
from tests.api import lasting
from tests.api.openapi_document import Operation, list_operations
from tests.api.problem import assert_problem
from tests.api.residents import write_recommendation
from tests.conftest import ApiClient
from tests.factories import Box

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db

REASON = "Its owner asked why channel two is so dear"
OPERATIONS = list_operations("/api/v1/node/{pubkey}/")
KEPT_FROM_OPERATORS = {"list_api_keys", "list_credentials", "get_credential"}
READS = [
    operation for operation in OPERATIONS if operation.method == "GET" and str(operation) not in KEPT_FROM_OPERATORS
]


@pytest.fixture
def olga(db: None) -> str:
    return make_token()


def make_token() -> str:
    return mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)


def take_leave(api: ApiClient, box: Box, token: str, **body: Any) -> Any:
    path = f"/api/v1/provisioning/devices/{box.dazbox.id}/break-glass"
    return api.post(path, {"reason": REASON} | body, token=token)


def give_back(api: ApiClient, box: Box, token: str) -> Any:
    return api.call("DELETE", f"/api/v1/provisioning/devices/{box.dazbox.id}/break-glass", token=token)


def knock(api: ApiClient, operation: Operation, box: Box, token: str) -> Any:
    ids = (
        {"recommendation_id": str(write_recommendation(box, "word"))} if "recommendation_id" in operation.places else {}
    )
    path = operation.address(pubkey=box.pubkey, short_channel_id="800000x1x0", **ids)
    body = {} if "requestBody" in operation.detail else None
    return api.call(
        operation.method, path, body, token=token, **{"If-Match": "*", "Idempotency-Key": str(uuid.uuid4())}
    )


def read_audit(api: ApiClient, box: Box) -> list[Any]:
    """What the owner sees of it, newest first."""
    answer = api.get(f"/api/v1/provisioning/devices/{box.dazbox.id}/events", token=api.token_of(box))
    return [item for item in answer.json["items"] if item["kind"] == "break-glass"]


@pytest.mark.parametrize("operation", READS, ids=str)
def test_with_leave_an_operator_reads_what_the_owner_reads_and_each_reading_is_in_the_journal(
    api: ApiClient, alice: Box, olga: str, operation: Operation
) -> None:
    assert_problem(knock(api, operation, alice, olga), 403)
    taken = take_leave(api, alice, olga, minutes=10)
    assert taken.status == 201
    assert knock(api, operation, alice, olga).status == 200
    reading, opening = read_audit(api, alice)
    assert reading["facts"]["actor"] == opening["facts"]["actor"] == "operator:1"
    assert alice.pubkey in reading["text"]
    assert opening["facts"]["reason"] == REASON
    assert (reading["seq"], opening["seq"]) != (None, None)
    with enter_tenant(alice.tenant):
        assert verify_chain().fault is None


def test_leave_is_bound_to_the_sign_in_and_to_the_box(api: ApiClient, alice: Box, bob: Box, olga: str) -> None:
    take_leave(api, alice, olga)
    assert api.get(alice.path("channels"), token=olga).status == 200
    assert_problem(api.get(alice.path("channels"), token=make_token()), 403)
    assert_problem(api.get(bob.path("channels"), token=olga), 403)
    for odd in ("%00", "nobody", alice.pubkey.upper()):
        assert_problem(api.get(f"/api/v1/node/{odd}/channels", token=olga), 403)


def test_leave_ends_by_time_and_by_giving_it_back(api: ApiClient, alice: Box, olga: str) -> None:
    take_leave(api, alice, olga, minutes=5)
    leave = BreakGlass.objects.get()
    assert leave.expires_at - leave.opened_at == dt.timedelta(minutes=5)
    BreakGlass.objects.update(expires_at=timezone.now())
    assert_problem(api.get(alice.path("channels"), token=olga), 403)
    take_leave(api, alice, olga)
    assert api.get(alice.path("channels"), token=olga).status == 200
    assert [give_back(api, alice, olga).status for _ in range(2)] == [204, 204]
    assert_problem(api.get(alice.path("channels"), token=olga), 403)
    assert read_audit(api, alice)[0]["text"] == "The operator is done reading"


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": "short"},
        {"reason": " " * 10},
        {"reason": "short     "},
        {"reason": "     short"},
        {"minutes": 0},
        {"minutes": 61},
        {"minutes": "9"},
    ],
)
def test_leave_needs_a_reason_and_an_end(api: ApiClient, alice: Box, olga: str, wrong: dict[str, Any]) -> None:
    assert_problem(take_leave(api, alice, olga, **wrong), 400)
    assert not BreakGlass.objects.exists()


def test_a_suspended_box_can_be_looked_into_and_one_in_its_grace_too(api: ApiClient, alice: Box, olga: str) -> None:
    suspend_dazbox(alice.dazbox.id, actor="test", reason="test")
    assert take_leave(api, alice, olga).status == 201
    delete_dazbox(alice.dazbox.id, actor="test", reason="test", at_once=True)
    assert api.get(alice.path("channels"), token=olga).status == 200


def test_a_reading_that_cannot_be_noted_is_not_answered(api: ApiClient, alice: Box, olga: str) -> None:
    take_leave(api, alice, olga)
    with use_schema(alice.tenant.schema_name), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE nodes_journalentry ADD CHECK (kind <> 'break-glass') NOT VALID")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    api.client.raise_request_exception = False
    answer = api.get(alice.path("channels"), token=olga)
    assert answer.status == 500
    assert b"800000x1x0" not in answer.raw


def test_the_public_schema_knows_ids_and_instants_only(api: ApiClient, alice: Box, olga: str) -> None:
    take_leave(api, alice, olga)
    with connection.cursor() as cursor:
        cursor.execute("SELECT t::text FROM tenants_breakglass t")
        [[row]] = cursor.fetchall()
    assert REASON not in row
    assert alice.pubkey not in row
    with enter_tenant(alice.tenant):
        assert JournalEntry.objects.filter(kind="break-glass").count() == 1
