"""Redeeming a claim: one code makes one box, whatever is repeated, refused or tried at once."""

import datetime as dt
from functools import partial

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import connection
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.claim import ClaimTerms, create_claims
from tenants.provisioning.device import DeviceRequest, Registration, register_device
from tests.committed import list_box_schemas, run_together
from tests.factories import make_device_request

CROWD = 8


def make_code(*, expires_in: dt.timedelta = dt.timedelta(days=1)) -> str:
    [new] = create_claims(1, ClaimTerms(label="test", expires_in=expires_in), created_by="test")
    return new.code


def make_request(code: str, name: str = "node", *, key: Ed25519PrivateKey | None = None) -> DeviceRequest:
    return make_device_request(name, code=code, key=key)


def refusal(request: DeviceRequest) -> tuple[int, str]:
    with pytest.raises(Problem) as refused:
        register_device(request)
    return refused.value.status, refused.value.code


def assert_one_box(dazbox: Dazbox) -> None:
    """One row, in service, with one schema, one schedule, and no schema without a row."""
    [row] = Dazbox.objects.all()
    assert (row.id, row.state) == (dazbox.id, DazboxState.ACTIVE)
    assert list_box_schemas() == [row.schema_name]
    assert CycleSchedule.objects.filter(dazbox=row).count() == 1


def test_a_code_makes_a_box_in_service_with_its_schema_and_its_turn(db: None) -> None:
    before = timezone.now()
    registration = register_device(make_request(make_code()))
    assert registration.is_new
    assert_one_box(registration.dazbox)
    claim = Claim.objects.get()
    assert claim.dazbox_id == registration.dazbox.id
    assert claim.used_at is not None
    assert before < CycleSchedule.objects.get().next_run_at <= before + dt.timedelta(hours=1, seconds=5)


def test_the_same_request_again_answers_the_same_box(db: None) -> None:
    request = make_request(make_code())
    first, again = register_device(request), register_device(request)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.dazbox.id == first.dazbox.id
    assert_one_box(first.dazbox)


def test_the_same_request_is_answered_even_after_the_code_has_expired(db: None) -> None:
    request = make_request(make_code())
    first = register_device(request)
    Claim.objects.update(expires_at=timezone.now() - dt.timedelta(days=1))
    assert register_device(request).dazbox.id == first.dazbox.id


def test_a_used_code_is_good_for_no_other_node_and_no_other_device_key(db: None) -> None:
    key = Ed25519PrivateKey.generate()
    request = make_request(make_code(), key=key)
    dazbox = register_device(request).dazbox
    assert refusal(make_request(request.claim_code, "another", key=key)) == (409, "claim-used")
    assert refusal(make_request(request.claim_code)) == (409, "claim-used")
    assert_one_box(dazbox)


@pytest.mark.parametrize("code", ["dzc_00000000_unknown", "", "dzc_", "'; DROP TABLE tenants_claim; --", "ü" * 200])
def test_an_unknown_code_is_refused(db: None, code: str) -> None:
    make_code()
    assert refusal(make_request(code)) == (422, "claim-unknown")
    assert (Dazbox.objects.count(), list_box_schemas()) == (0, [])


def test_an_expired_code_is_refused_and_stays_unused(db: None) -> None:
    code = make_code(expires_in=dt.timedelta(seconds=-1))
    assert refusal(make_request(code)) == (422, "claim-expired")
    assert Claim.objects.get().used_at is None
    assert list_box_schemas() == []


def test_a_node_that_is_taken_leaves_the_code_good_for_another(db: None) -> None:
    register_device(make_request(make_code(), "taken"))
    code = make_code()
    assert refusal(make_request(code, "taken")) == (409, "pubkey-taken")
    assert register_device(make_request(code, "free")).is_new


def test_equal_requests_at_once_get_one_box(committed_db: None) -> None:
    request = make_request(make_code())
    answers = run_together([partial(register_device, request)] * CROWD)
    registrations = [answer for answer in answers if isinstance(answer, Registration)]
    assert len(registrations) == CROWD, answers
    assert [answer.is_new for answer in registrations].count(True) == 1
    assert {answer.dazbox.id for answer in registrations} == {registrations[0].dazbox.id}
    assert_one_box(registrations[0].dazbox)


def test_of_many_boxes_with_one_code_at_once_exactly_one_gets_it(committed_db: None) -> None:
    code = make_code()
    requests = [make_request(code, f"node {number}") for number in range(CROWD)]
    answers = run_together([partial(register_device, request) for request in requests])
    [registration] = [answer for answer in answers if isinstance(answer, Registration)]
    refusals = [answer.code for answer in answers if isinstance(answer, Problem)]
    assert refusals == ["claim-used"] * (CROWD - 1)
    assert_one_box(registration.dazbox)


def test_of_many_codes_for_one_node_at_once_exactly_one_is_spent(committed_db: None) -> None:
    requests = [make_request(make_code()) for _ in range(CROWD)]
    answers = run_together([partial(register_device, request) for request in requests])
    [registration] = [answer for answer in answers if isinstance(answer, Registration)]
    refusals = [answer.code for answer in answers if isinstance(answer, Problem)]
    assert refusals == ["pubkey-taken"] * (CROWD - 1)
    assert Claim.objects.filter(used_at=None).count() == CROWD - 1
    assert_one_box(registration.dazbox)


def test_no_code_is_stored(db: None) -> None:
    codes = [make_code() for _ in range(20)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenants_claim::text FROM tenants_claim")
        rows = " ".join(row for (row,) in cursor.fetchall())
    assert len(set(codes)) == 20
    assert not [code for code in codes if code in rows or code.removeprefix(code[:13]) in rows]
