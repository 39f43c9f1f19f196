"""Stored answers go after 72 hours also where nobody asks any more."""

import datetime as dt

import pytest
from django.utils import timezone

from mcp_saas.api.idempotency import RETENTION
from mcp_saas.api.models import StoredAnswer
from tenants.context import enter_tenant
from tenants.provisioning.lifecycle import suspend_dazbox
from tenants.selectors import list_share
from tenants.tasks import SHARES, purge_answers
from tests.factories import Box

MOMENT = dt.timedelta(minutes=1)


def store(number: int, *, age: dt.timedelta) -> None:
    StoredAnswer.objects.create(id=number.to_bytes(32), fingerprint=b"x", sealed=b"x", created_at=timezone.now() - age)


def count(box: Box) -> int:
    with enter_tenant(box.tenant):
        return StoredAnswer.objects.count()


def test_each_box_is_in_one_share(alice: Box, bob: Box, charlie: Box) -> None:
    shares = [list_share(number, of=SHARES) for number in range(SHARES)]
    assert sorted(tenant.id for share in shares for tenant in share) == sorted(
        box.dazbox.id for box in (alice, bob, charlie)
    )


def test_old_answers_of_a_silent_and_suspended_box_go_and_young_ones_stay(
    charlie: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(1, age=RETENTION + MOMENT)
    with enter_tenant(charlie.tenant):
        store(2, age=RETENTION + MOMENT)
        store(3, age=RETENTION - MOMENT)
    suspend_dazbox(charlie.dazbox.id, actor="test", reason="because")
    monkeypatch.setattr("tenants.tasks.SHARES", 1)
    purge_answers()
    assert (count(charlie), StoredAnswer.objects.count()) == (1, 0)
