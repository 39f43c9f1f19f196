"""A box redeems its claim and becomes a tenant."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

import structlog
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from tenants.context import leave_tenant
from tenants.events import announce_owner_change
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState, new_schema_name
from tenants.models.job import JobLane
from tenants.models.operation import Operation, OperationKind
from tenants.models.owner import Owner
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.claim import digest_code, is_vouched_for
from tenants.provisioning.lifecycle import change_state, lock_dazbox, refuse_transition
from tenants.provisioning.proof import spend_challenge, verify_proof
from tenants.provisioning.schema import activate_dazbox
from tenants.selectors import refer_to
from tenants.tokens.device_key import create_device_key, find_live_keys, kid_of

log = structlog.get_logger(__name__)
CONTACT_GRAIN = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewBox:
    """`device_key` is the x of its Ed25519 JWK."""

    pubkey: str
    alias: str
    device_key: str
    agent_version: str


@dataclass(frozen=True, slots=True)
class NodeProof:
    nonce: str
    signature: str  # zbase32, by the node's identity key, over `proof.claim_message`


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    claim_code: str
    pubkey: str
    alias: str
    device_key: str  # x of the Ed25519 JWK
    agent_version: str
    nonce: str
    signature: str  # zbase32, by the node's identity key, over `proof.claim_message`

    @property
    def device_kid(self) -> str:
        return kid_of(self.device_key)


@dataclass(frozen=True, slots=True)
class Registration:
    dazbox: Dazbox
    is_new: bool


def register_device(request: DeviceRequest) -> Registration:
    """1. the node's signature, or an operator's word  2. spend claim and nonce, write the box
    3. build its schema  4. in service.

    The same request again answers the same box (and finishes what was cut off). A schema that cannot be built now is
    tried again later: the box is not in service then. Raises Problem 409 or 422.
    """
    if not is_vouched_for(request.claim_code, request.pubkey):
        verify_proof(
            pubkey=request.pubkey, nonce=request.nonce, signature=request.signature, device_kid=request.device_kid
        )
    registration = _redeem_claim(request)
    return Registration(bring_into_service(registration.dazbox), registration.is_new)


def bring_into_service(dazbox: Dazbox) -> Dazbox:
    """At once if it can be; what fails is noted on the box and tried again every minute."""
    try:
        return activate_dazbox(dazbox)
    except DatabaseError:
        log.exception("provisioning_failed", dazbox=str(dazbox.id))
        dazbox.refresh_from_db()
        return dazbox


def _redeem_claim(request: DeviceRequest) -> Registration:
    try:
        with transaction.atomic():
            claim = _lock_claim(request.claim_code)
            if claim.used_at is not None:
                return _repeat(claim.dazbox, request)
            if claim.allowed_pubkey not in {"", request.pubkey}:
                raise Problem(
                    422, "claim-of-another-node", "The claim is for another node", detail="Ask for a new one."
                )
            spend_challenge(request.nonce)
            if claim.dazbox_id is not None:
                return _take_over(claim.dazbox_id, claim, request=request)
            return _spend_claim(claim, request)
    except IntegrityError:
        raise refuse_taken_node() from None


def refuse_taken_node() -> Problem:
    return Problem(
        409, "pubkey-taken", "This node is claimed already", detail="One node is one Dazbox; a claim is still good."
    )


def _lock_claim(code: str) -> Claim:
    """The claim's row until the transaction ends: requests with one code go in one after the other."""
    claim = Claim.objects.select_for_update().filter(digest=digest_code(code)).first()
    if claim is None:
        raise Problem(
            422, "claim-unknown", "The claim code is not known", detail="Check the code printed with the box."
        )
    if claim.revoked_at is not None:
        raise Problem(422, "claim-revoked", "The claim code was revoked", detail="Ask the shop for a new one.")
    if claim.used_at is None and claim.expires_at <= timezone.now():
        raise Problem(422, "claim-expired", "The claim code has expired", detail="Ask the shop for a new one.")
    return claim


def _repeat(dazbox: Dazbox | None, request: DeviceRequest) -> Registration:
    if (
        dazbox is not None
        and dazbox.pubkey == request.pubkey
        and request.device_kid in {key.kid for key in find_live_keys(dazbox.id)}
    ):
        return Registration(dazbox, is_new=False)
    raise Problem(409, "claim-used", "The claim code was used", detail="By another box: a claim code is good for one.")


def _spend_claim(claim: Claim, request: DeviceRequest) -> Registration:
    box = NewBox(request.pubkey, request.alias, device_key=request.device_key, agent_version=request.agent_version)
    dazbox = create_box(box, Owner.objects.create(), plan=claim.plan)
    claim.used_at, claim.dazbox = timezone.now(), dazbox
    claim.save(update_fields=["used_at", "dazbox"])
    return Registration(dazbox, is_new=True)


def create_box(box: NewBox, owner: Owner, *, plan: str) -> Dazbox:
    """All its rows, in the transaction we are in; no schema yet. Raises IntegrityError for a node that has a box."""
    dazbox: Dazbox = Dazbox.objects.create(
        owner=owner,
        schema_name=new_schema_name(),
        pubkey=box.pubkey,
        alias=box.alias,
        plan=plan,
        agent_version=box.agent_version,
    )
    create_device_key(dazbox, box.device_key)
    Operation.objects.create(dazbox=dazbox, kind=OperationKind.PROVISION)
    JobLane.objects.create(dazbox=dazbox)
    schedule = CycleSchedule(dazbox=dazbox)
    schedule.next_run_at = schedule.find_next_turn(timezone.now())
    schedule.save()
    return dazbox


def _take_over(box_id: UUID, claim: Claim, *, request: DeviceRequest) -> Registration:
    """A box that changes hands: its new owner's, with a new key. Raises Problem 409 where it is not on its way."""
    dazbox = lock_dazbox(box_id)
    if dazbox.state != DazboxState.TRANSFERRING:
        raise refuse_transition(DazboxState(dazbox.state), DazboxState.ACTIVE)
    create_device_key(dazbox, request.device_key)
    change_state(
        dazbox,
        DazboxState.ACTIVE,
        actor=f"claim:{claim.id}",
        reason="its new claim code was redeemed",
        owner=Owner.objects.create(),
        alias=request.alias,
        agent_version=request.agent_version,
    )
    announce_owner_change(refer_to(dazbox))  # again: an older backup may have been restored meanwhile
    claim.used_at = timezone.now()
    claim.save(update_fields=["used_at"])
    return Registration(dazbox, is_new=True)


def record_contact(dazbox_id: UUID, now: dt.datetime) -> None:
    """The box was heard of; written at most once a minute."""
    stale = Q(last_seen_at=None) | Q(last_seen_at__lt=now - CONTACT_GRAIN)
    with leave_tenant():
        Dazbox.objects.filter(stale, id=dazbox_id).update(last_seen_at=now)
