"""The lifecycle of a box: its states change here and nowhere else."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found
from tenants.events import announce_standing_change, record_event
from tenants.models.dazbox import SERVED_STATES, TRANSITIONS, Dazbox, DazboxState
from tenants.selectors import forget_standing, refer_to
from tenants.tokens.device_key import find_live_keys

GRACE = dt.timedelta(days=30)
SHORT_GRACE = dt.timedelta(hours=24)
RESTORABLE = (DazboxState.ACTIVE, DazboxState.SUSPENDED, DazboxState.TRANSFERRING)


def change_state(dazbox: Dazbox, to: DazboxState, *, actor: str, reason: str, **fields: Any) -> Dazbox:
    """The one way from state to state: a conditional update, noted in the box's journal with actor and reason.

    `fields` change with it. Raises Problem 409 for a transition that TRANSITIONS does not list, and when another
    request was faster.
    """
    before = DazboxState(dazbox.state)
    if to not in TRANSITIONS[before]:
        raise refuse_transition(before, to)
    fields |= {"state": to, "state_since": timezone.now()}
    with transaction.atomic():
        if not Dazbox.objects.filter(id=dazbox.id, state=before).update(**fields):
            raise refuse_transition(before, to)
        if to in SERVED_STATES:
            text = f"{before.label} became {to.label}: {reason}"
            record_event(refer_to(dazbox), "lifecycle", text=text, before=before, after=to, actor=actor, reason=reason)
    _forget(dazbox.id)
    dazbox.refresh_from_db()
    return dazbox


def lock_dazbox(dazbox_id: UUID) -> Dazbox:
    """The box's row until the transaction ends; rows that refer to it may still come. Raises Problem 404."""
    row: Dazbox | None = Dazbox.objects.select_for_update(no_key=True).filter(id=dazbox_id).first()
    if row is None:
        raise not_found("There is no such Dazbox.")
    return row


@transaction.atomic
def pause_dazbox(dazbox_id: UUID, *, actor: str, reason: str) -> Dazbox:
    """Its owner takes it out of service. Again changes nothing but the reason."""
    return _suspend(dazbox_id, "owner_pause_reason", actor=actor, reason=reason)


@transaction.atomic
def suspend_dazbox(dazbox_id: UUID, *, actor: str, reason: str) -> Dazbox:
    """An operator takes it out of service; its owner cannot lift this."""
    return _suspend(dazbox_id, "operator_suspension_reason", actor=actor, reason=reason)


@transaction.atomic
def unpause_dazbox(dazbox_id: UUID, *, actor: str, reason: str) -> Dazbox:
    """Its owner puts it back. Raises Problem 403 while an operator's suspension holds: nothing is changed then."""
    dazbox = lock_dazbox(dazbox_id)
    if dazbox.operator_suspension_reason:
        raise Problem(
            403,
            "suspended-by-operator",
            "Suspended by an operator",
            detail=f"Only an operator can lift this suspension: {dazbox.operator_suspension_reason}",
        )
    return _lift(dazbox, "owner_pause_reason", actor=actor, reason=reason)


@transaction.atomic
def lift_suspension(dazbox_id: UUID, *, actor: str, reason: str) -> Dazbox:
    """An operator lifts their suspension. What the owner paused stays paused."""
    return _lift(lock_dazbox(dazbox_id), "operator_suspension_reason", actor=actor, reason=reason)


@transaction.atomic
def delete_dazbox(dazbox_id: UUID, *, actor: str, reason: str, at_once: bool) -> Dazbox:
    """Out of service, and destroyed after 30 days (`at_once`: 24 hours). Again it can only come sooner."""
    dazbox = lock_dazbox(dazbox_id)
    purge_at = timezone.now() + (SHORT_GRACE if at_once else GRACE)
    if dazbox.state != DazboxState.PENDING_DELETION:
        return change_state(dazbox, DazboxState.PENDING_DELETION, actor=actor, reason=reason, purge_at=purge_at)
    if dazbox.purge_at is not None and purge_at < dazbox.purge_at:
        _update(dazbox, purge_at=purge_at)
        record_event(refer_to(dazbox), "lifecycle", text=f"Deleted sooner: {reason}", actor=actor, reason=reason)
    return dazbox


@transaction.atomic
def restore_dazbox(dazbox_id: UUID, *, actor: str, reason: str) -> Dazbox:
    """As it was before its deletion was asked for. A box that is not to be deleted stays so."""
    dazbox = lock_dazbox(dazbox_id)
    if dazbox.state in RESTORABLE:
        return dazbox
    to = _state_before_deletion(dazbox)
    if dazbox.state != DazboxState.PENDING_DELETION:
        raise refuse_transition(DazboxState(dazbox.state), to)
    return change_state(dazbox, to, actor=actor, reason=reason, purge_at=None)


def _state_before_deletion(dazbox: Dazbox) -> DazboxState:
    if dazbox.owner_pause_reason or dazbox.operator_suspension_reason:
        return DazboxState.SUSPENDED
    return DazboxState.ACTIVE if find_live_keys(dazbox.id) else DazboxState.TRANSFERRING


@transaction.atomic
def rename_dazbox(dazbox: Dazbox, alias: str, *, actor: str) -> Dazbox:
    _update(dazbox, alias=alias)
    if dazbox.state in SERVED_STATES:
        record_event(refer_to(dazbox), "device", text="Renamed", actor=actor)
    return dazbox


def _suspend(dazbox_id: UUID, flag: str, *, actor: str, reason: str) -> Dazbox:
    dazbox = lock_dazbox(dazbox_id)
    if dazbox.state == DazboxState.ACTIVE:
        return change_state(dazbox, DazboxState.SUSPENDED, actor=actor, reason=reason, **{flag: reason})
    if dazbox.state != DazboxState.SUSPENDED:
        raise refuse_transition(DazboxState(dazbox.state), DazboxState.SUSPENDED)
    if getattr(dazbox, flag) != reason:
        _update(dazbox, **{flag: reason})
        record_event(refer_to(dazbox), "lifecycle", text=f"Suspended as well: {reason}", actor=actor, reason=reason)
    return dazbox


def _lift(dazbox: Dazbox, flag: str, *, actor: str, reason: str) -> Dazbox:
    """Back in service when nothing holds it any more."""
    if dazbox.state == DazboxState.ACTIVE:
        return dazbox
    if dazbox.state != DazboxState.SUSPENDED:
        raise refuse_transition(DazboxState(dazbox.state), DazboxState.ACTIVE)
    others = {"owner_pause_reason", "operator_suspension_reason"} - {flag}
    if not any(getattr(dazbox, other) for other in others):
        return change_state(dazbox, DazboxState.ACTIVE, actor=actor, reason=reason, **{flag: ""})
    if getattr(dazbox, flag):
        _update(dazbox, **{flag: ""})
        record_event(refer_to(dazbox), "lifecycle", text=f"One suspension lifted: {reason}", actor=actor, reason=reason)
    return dazbox


def _forget(dazbox_id: UUID) -> None:
    """At once for what follows in this transaction, and after it for what another request has read meanwhile."""
    forget_standing(dazbox_id)
    transaction.on_commit(lambda: forget_standing(dazbox_id))
    announce_standing_change(dazbox_id)


def _update(dazbox: Dazbox, **fields: Any) -> None:
    Dazbox.objects.filter(id=dazbox.id).update(**fields)
    dazbox.refresh_from_db()


def refuse_transition(before: DazboxState, to: DazboxState) -> Problem:
    return Problem(
        409,
        "wrong-state",
        "Not possible in this state",
        detail=f"A Dazbox that is {before.label.lower()} cannot become {to.label.lower()}.",
    )
