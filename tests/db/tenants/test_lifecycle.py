"""One table of states, one function that changes them; two sides that suspend; at the end a tombstone."""

import datetime as dt
import hashlib
from functools import partial
from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from nodes.models.journal import JournalEntry
from tenants.context import enter_tenant
from tenants.models.claim import Claim
from tenants.models.dazbox import TRANSITIONS, Dazbox, DazboxState
from tenants.models.refresh_token import RefreshToken
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.lifecycle import (
    change_state,
    delete_dazbox,
    lift_suspension,
    pause_dazbox,
    restore_dazbox,
    suspend_dazbox,
    unpause_dazbox,
)
from tenants.provisioning.purge import purge_dazbox, purge_due_boxes
from tenants.tokens.refresh import issue_tokens
from tests.committed import list_box_schemas, run_together
from tests.conftest import fill_box
from tests.factories import Box, make_box

WHY = {"actor": "test", "reason": "because"}
FIELDS = {
    DazboxState.SUSPENDED: {"owner_pause_reason": "because", "purge_at": None},
    DazboxState.ACTIVE: {"owner_pause_reason": "", "purge_at": None},
    DazboxState.TRANSFERRING: {"purge_at": None},
    DazboxState.PENDING_DELETION: {"purge_at": dt.datetime(2026, 12, 1, tzinfo=dt.UTC)},
    DazboxState.DELETED: {"pubkey": "", "pubkey_digest": b"x" * 32, "purge_at": None},
}
WAY_TO = {
    DazboxState.CLAIMED: [],
    DazboxState.PROVISIONING: [DazboxState.PROVISIONING],
    DazboxState.PROVISIONING_FAILED: [DazboxState.PROVISIONING, DazboxState.PROVISIONING_FAILED],
    DazboxState.ACTIVE: [DazboxState.PROVISIONING, DazboxState.ACTIVE],
    DazboxState.SUSPENDED: [DazboxState.PROVISIONING, DazboxState.ACTIVE, DazboxState.SUSPENDED],
    DazboxState.TRANSFERRING: [DazboxState.PROVISIONING, DazboxState.ACTIVE, DazboxState.TRANSFERRING],
    DazboxState.PENDING_DELETION: [DazboxState.PROVISIONING, DazboxState.ACTIVE, DazboxState.PENDING_DELETION],
}
WAY_TO[DazboxState.DELETING] = [*WAY_TO[DazboxState.PENDING_DELETION], DazboxState.DELETING]
WAY_TO[DazboxState.DELETED] = [*WAY_TO[DazboxState.DELETING], DazboxState.DELETED]


def bring_to(state: DazboxState) -> Dazbox:
    """A box with a schema whose row went all the way by the transition function."""
    dazbox = make_box("traveller").dazbox
    Dazbox.objects.filter(id=dazbox.id).update(state=DazboxState.CLAIMED)
    dazbox.refresh_from_db()
    for step in WAY_TO[state]:
        change_state(dazbox, step, **WHY, **FIELDS.get(step, {}))
    return dazbox


def facts_of(box: Box) -> list[dict[str, object]]:
    with enter_tenant(box.tenant):
        return [row.detail.facts for row in JournalEntry.objects.filter(kind="lifecycle").order_by("id")]


@pytest.mark.parametrize(("before", "to"), list(product(DazboxState, DazboxState)), ids=str)
def test_a_state_changes_as_the_table_says_and_not_otherwise(db: None, before: DazboxState, to: DazboxState) -> None:
    """Every pair."""
    dazbox = bring_to(before)
    if to in TRANSITIONS[before]:
        changed = change_state(dazbox, to, **WHY, **FIELDS.get(to, {}))
        assert changed.state == to
        return
    with pytest.raises(Problem) as refused:
        change_state(dazbox, to, **WHY)
    assert (refused.value.status, refused.value.code) == (409, "wrong-state")
    dazbox.refresh_from_db()
    assert dazbox.state == before


def test_no_state_is_left_out_of_the_table_and_only_a_tombstone_is_final() -> None:
    assert set(TRANSITIONS) == set(DazboxState)
    assert [state for state, targets in TRANSITIONS.items() if not targets] == [DazboxState.DELETED]


@pytest.mark.parametrize(
    "change",
    [
        {"state": "online"},
        {"state": "suspended"},
        {"owner_pause_reason": "because"},
        {"operator_suspension_reason": "because"},
        {"state": "pending_deletion"},
        {"purge_at": dt.datetime(2026, 12, 1, tzinfo=dt.UTC)},
        {"state": "deleted"},
        {"pubkey": ""},
        {"schema_name": "public"},
    ],
    ids=str,
)
def test_the_database_itself_refuses_what_is_no_state(charlie: Box, change: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Dazbox.objects.filter(id=charlie.dazbox.id).update(**change)


def test_of_two_changes_at_once_one_wins(committed_db: None) -> None:
    dazbox = make_box("raced").dazbox
    copies = [Dazbox.objects.get(id=dazbox.id) for _ in range(6)]
    answers = run_together([
        partial(change_state, copy, DazboxState.SUSPENDED, **WHY, owner_pause_reason="because") for copy in copies
    ])
    assert sorted(isinstance(answer, Dazbox) for answer in answers) == [False] * 5 + [True]
    assert {answer.status for answer in answers if isinstance(answer, Problem)} == {409}


def test_a_change_is_in_the_journal_with_actor_and_reason(charlie: Box) -> None:
    pause_dazbox(charlie.dazbox.id, actor="owner:1", reason="holidays")
    assert facts_of(charlie)[-1] == {
        "before": "active",
        "after": "suspended",
        "actor": "owner:1",
        "reason": "holidays",
    }


def test_the_owner_cannot_lift_what_an_operator_did(charlie: Box) -> None:
    suspend_dazbox(charlie.dazbox.id, actor="operator:1", reason="abuse")
    with pytest.raises(Problem) as refused:
        unpause_dazbox(charlie.dazbox.id, **WHY)
    assert (refused.value.status, refused.value.code) == (403, "suspended-by-operator")
    assert "abuse" in refused.value.detail
    assert lift_suspension(charlie.dazbox.id, **WHY).state == DazboxState.ACTIVE


@pytest.mark.parametrize("owner_first", [True, False])
def test_a_box_suspended_by_both_is_back_when_both_have_lifted(charlie: Box, owner_first: bool) -> None:
    box_id = charlie.dazbox.id
    for act in (pause_dazbox, suspend_dazbox) if owner_first else (suspend_dazbox, pause_dazbox):
        assert act(box_id, **WHY).state == DazboxState.SUSPENDED
    assert lift_suspension(box_id, **WHY).state == DazboxState.SUSPENDED
    assert unpause_dazbox(box_id, **WHY).state == DazboxState.ACTIVE


def test_suspending_and_resuming_again_changes_nothing(charlie: Box) -> None:
    box_id = charlie.dazbox.id
    first, second = pause_dazbox(box_id, **WHY), pause_dazbox(box_id, **WHY)
    assert second.state_since == first.state_since
    first, second = unpause_dazbox(box_id, **WHY), unpause_dazbox(box_id, **WHY)
    assert (second.state, second.state_since) == (DazboxState.ACTIVE, first.state_since)
    assert [facts["after"] for facts in facts_of(charlie)] == ["active", "suspended", "active"]


@pytest.mark.parametrize(("at_once", "grace"), [(False, dt.timedelta(days=30)), (True, dt.timedelta(hours=24))])
def test_a_deleted_box_has_its_grace(charlie: Box, at_once: bool, grace: dt.timedelta) -> None:
    dazbox = delete_dazbox(charlie.dazbox.id, **WHY, at_once=at_once)
    assert dazbox.purge_at is not None
    assert abs(dazbox.purge_at - timezone.now() - grace) < dt.timedelta(minutes=1)
    assert purge_due_boxes() == 0


def test_deleting_again_can_only_come_sooner(charlie: Box) -> None:
    box_id = charlie.dazbox.id
    late = delete_dazbox(box_id, **WHY, at_once=False).purge_at
    soon = delete_dazbox(box_id, **WHY, at_once=True).purge_at
    assert late is not None
    assert soon is not None
    assert soon < late
    assert delete_dazbox(box_id, **WHY, at_once=False).purge_at == soon


@pytest.mark.parametrize("was", [DazboxState.ACTIVE, DazboxState.SUSPENDED])
def test_a_restored_box_is_as_it_was(charlie: Box, was: DazboxState) -> None:
    box_id = charlie.dazbox.id
    if was == DazboxState.SUSPENDED:
        suspend_dazbox(box_id, **WHY)
    delete_dazbox(box_id, **WHY, at_once=False)
    restored = restore_dazbox(box_id, **WHY)
    assert (restored.state, restored.purge_at) == (was, None)
    assert restore_dazbox(box_id, **WHY).state_since == restored.state_since


def test_after_its_grace_nothing_of_a_box_is_left_but_a_tombstone(db: None) -> None:
    box = fill_box(make_box("soon-no-more"), forwards=5)
    issue_tokens(subject="soon-no-more", scope="device", dazbox=box.dazbox)
    pubkey = box.pubkey
    delete_dazbox(box.dazbox.id, **WHY, at_once=True)
    Dazbox.objects.filter(id=box.dazbox.id).update(purge_at=timezone.now())
    connection.check_constraints()  # a request's end would have; a table with rows to check yet cannot be dropped
    assert (purge_due_boxes(), purge_due_boxes()) == (1, 0)
    row = Dazbox.objects.get(id=box.dazbox.id)
    assert (row.state, bytes(row.pubkey_digest)) == (DazboxState.DELETED, hashlib.sha256(pubkey.encode()).digest())
    assert box.dazbox.schema_name not in list_box_schemas()
    assert not RefreshToken.objects.filter(dazbox=row).exists()
    assert not CycleSchedule.objects.filter(dazbox=row).exists()
    assert find_in_public_tables(pubkey) == find_in_public_tables("soon-no-more") == []


def find_in_public_tables(text: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'tenants_%%'")
        tables = [name for (name,) in cursor.fetchall()]
        found = []
        for table in tables:
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE position(%s in t::text) > 0", [text])  # noqa: S608
            found += [table] * bool(cursor.fetchone()[0])
    assert "tenants_dazbox" in tables
    return found


def test_the_node_of_a_deleted_box_can_be_claimed_anew(db: None) -> None:
    box = make_box("again")
    delete_dazbox(box.dazbox.id, **WHY, at_once=True)
    purge_dazbox(Dazbox.objects.get(id=box.dazbox.id))
    assert make_box("again").dazbox.state == DazboxState.ACTIVE
    assert Claim.objects.count() == 2


def test_a_purge_that_was_cut_off_is_finished(charlie: Box) -> None:
    dazbox = delete_dazbox(charlie.dazbox.id, **WHY, at_once=True)
    change_state(dazbox, DazboxState.DELETING, **WHY)
    with pytest.raises(Problem):
        restore_dazbox(dazbox.id, **WHY)
    assert purge_due_boxes() == 1
    assert Dazbox.objects.get(id=dazbox.id).state == DazboxState.DELETED
