"""A box redeems its claim and becomes a tenant."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from tenants.keys import thumbprint
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, new_schema_name
from tenants.models.schedule import CycleSchedule
from tenants.provisioning.claim import digest_code
from tenants.provisioning.schema import activate_dazbox


@dataclass(frozen=True, slots=True)
class DeviceRequest:
    claim_code: str
    pubkey: str
    alias: str
    device_key: str  # x of the Ed25519 JWK
    agent_version: str


@dataclass(frozen=True, slots=True)
class Registration:
    dazbox: Dazbox
    is_new: bool


def register_device(request: DeviceRequest) -> Registration:
    """1. spend the claim and write the box  2. build its schema  3. in service.

    The same request again answers the same box (and finishes what was cut off). Raises Problem 409 or 422.
    """
    registration = _redeem_claim(request)
    dazbox = activate_dazbox(registration.dazbox)
    return Registration(dazbox, registration.is_new)


def _redeem_claim(request: DeviceRequest) -> Registration:
    claim = Claim.objects.select_related("dazbox").filter(digest=digest_code(request.claim_code)).first()
    if claim is None:
        raise Problem(
            422, "claim-unknown", "The claim code is not known", detail="Check the code printed with the box."
        )
    if claim.dazbox is not None:
        return _repeat(claim.dazbox, request)
    if claim.expires_at <= timezone.now():
        raise Problem(422, "claim-expired", "The claim code has expired", detail="Ask the shop for a new one.")
    try:
        with transaction.atomic():
            return _spend_claim(claim, request)
    except IntegrityError:
        raise Problem(
            409,
            "pubkey-taken",
            "This node is claimed already",
            detail="One node is one Dazbox; the claim is still good.",
        ) from None


def _repeat(dazbox: Dazbox, request: DeviceRequest) -> Registration:
    if dazbox.pubkey == request.pubkey and dazbox.device_key == request.device_key:
        return Registration(dazbox, is_new=False)
    raise Problem(
        409, "claim-used", "The claim code was used by another box", detail="A claim code is good for one box."
    )


def _spend_claim(claim: Claim, request: DeviceRequest) -> Registration:
    dazbox = Dazbox.objects.create(
        schema_name=new_schema_name(),
        pubkey=request.pubkey,
        alias=request.alias,
        device_key=request.device_key,
        device_kid=thumbprint({"kty": "OKP", "crv": "Ed25519", "x": request.device_key}),
        agent_version=request.agent_version,
    )
    spent = Claim.objects.filter(id=claim.id, used_at=None).update(used_at=timezone.now(), dazbox=dazbox)
    if spent != 1:  # somebody was faster with the same code
        raise Problem(
            409, "claim-used", "The claim code was used by another box", detail="A claim code is good for one box."
        )
    CycleSchedule.objects.create(dazbox=dazbox, next_run_at=timezone.now() + phase_of(dazbox))
    return Registration(dazbox, is_new=True)


def phase_of(dazbox: Dazbox) -> dt.timedelta:
    """Where in the period this box's turn is: spread evenly by its id, the same for ever."""
    number = int.from_bytes(hashlib.sha256(dazbox.id.bytes).digest()[:8])
    return dt.timedelta(seconds=number % settings.ENV.cycle_period_s)
