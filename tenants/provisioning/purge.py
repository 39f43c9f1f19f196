"""The end of a box: its schema and everything about it go, a tombstone stays."""

import hashlib

import structlog
from django.contrib.admin.models import LogEntry
from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from mcp_saas.api.models import StoredAnswer
from tenants.events import announce_rows_end
from tenants.models.api_key import ApiKey
from tenants.models.challenge import Challenge, RedeemFailure
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.device_authorization import DeviceAuthorization
from tenants.models.device_key import DeviceKey
from tenants.models.export import Export
from tenants.models.job import Job, JobLane
from tenants.models.operation import Operation
from tenants.models.refresh_token import RefreshToken
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.lifecycle import change_state
from tenants.provisioning.schema import drop_schema
from tenants.sealing.tenant import destroy_keys

log = structlog.get_logger(__name__)
ACTOR = "purge"


def purge_due_boxes() -> int:
    """Destroys boxes whose grace is over, and finishes those that were cut off. Returns how many."""
    is_due = Q(state=DazboxState.PENDING_DELETION, purge_at__lte=timezone.now())
    due = Dazbox.objects.filter(is_due | Q(state=DazboxState.DELETING))
    return sum(_try_purge(dazbox) for dazbox in list(due))


def purge_dazbox(dazbox: Dazbox) -> Dazbox:
    """1. deleting: from now on nobody can restore it  2. schema, keys, tokens, claims and the tombstone in one
    transaction.

    Killed at any point, the box is whole or gone, and calling again goes on from there.
    """
    if dazbox.state == DazboxState.PENDING_DELETION:
        change_state(dazbox, DazboxState.DELETING, actor=ACTOR, reason="its grace is over")
    with transaction.atomic():
        row: Dazbox = Dazbox.objects.select_for_update().get(id=dazbox.id)
        if row.state == DazboxState.DELETED:
            return row
        drop_schema(row.schema_name)
        announce_rows_end(row.id)
        destroy_keys(row.id)  # what backups hold of it is unreadable from here on
        RefreshToken.objects.filter(dazbox=row).delete()
        ApiKey.objects.filter(dazbox=row).delete()
        DeviceKey.objects.filter(dazbox=row).delete()
        Operation.objects.filter(dazbox=row).delete()
        CycleSchedule.objects.filter(dazbox=row).delete()
        Export.objects.filter(dazbox=row).delete()
        DeviceAuthorization.objects.filter(Q(dazbox=row) | Q(pubkey=row.pubkey)).delete()
        Job.objects.filter(dazbox=row).delete()
        JobLane.objects.filter(dazbox=row).delete()
        Challenge.objects.filter(pubkey=row.pubkey).delete()
        RedeemFailure.objects.filter(source__endswith=f" {row.pubkey}").delete()
        StoredAnswer.objects.filter(concerns=row.id).delete()
        LogEntry.objects.filter(content_type__app_label="tenants", object_id=str(row.id)).update(
            object_repr=str(row.id)
        )
        _forget_claims(row)
        return _bury(row)


def _forget_claims(dazbox: Dazbox) -> None:
    """A claim that waits for this very node, or for this box to change hands, would tell of it as well: it ends."""
    claims = Claim.objects.filter(Q(dazbox=dazbox) | Q(allowed_pubkey=dazbox.pubkey))
    claims.filter(used_at=None, revoked_at=None).update(revoked_at=timezone.now())
    claims.update(label="", allowed_pubkey="", is_vouched=False)


def _bury(dazbox: Dazbox) -> Dazbox:
    return change_state(
        dazbox,
        DazboxState.DELETED,
        actor=ACTOR,
        reason="its grace is over",
        pubkey="",
        pubkey_digest=hashlib.sha256(dazbox.pubkey.encode()).digest(),
        purge_at=None,
        owner=None,
        alias="",
        agent_version="",
        owner_pause_reason="",
        operator_suspension_reason="",
        last_seen_at=None,
    )


def _try_purge(dazbox: Dazbox) -> bool:
    try:
        purge_dazbox(dazbox)
    except DatabaseError:
        log.exception("purge_failed", dazbox=str(dazbox.id))
        return False
    return True
