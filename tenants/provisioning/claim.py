"""One-time claim codes: `dzc_<prefix>_<secret>`."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found, refuse_value
from tenants.engine.plan import DEFAULT_PLAN, PlanCode
from tenants.models.claim import Claim
from tenants.models.owner import Owner

ClaimStatus = Literal["unused", "used", "expired", "revoked"]
PREFIX_LENGTH = 12  # "dzc_" and eight characters: enough to find a code in a list, useless to redeem it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTerms:
    """What a code is good for. `is_vouched`: the node of `allowed_pubkey` need not sign."""

    label: str = ""
    expires_in: dt.timedelta = dt.timedelta(days=30)
    plan: PlanCode = DEFAULT_PLAN
    owner_id: UUID | None = None
    allowed_pubkey: str = ""
    is_vouched: bool = False
    dazbox_id: UUID | None = None  # the box it hands over; None: it makes a new one


@dataclass(frozen=True, slots=True)
class NewClaim:
    claim: Claim
    code: str  # shown once


def create_claims(count: int, terms: ClaimTerms, *, created_by: str) -> list[NewClaim]:
    """`count` codes (1..500), stored as prefix and SHA-256. Raises Problem 422 for an owner that is none."""
    if terms.owner_id is not None and not Owner.objects.filter(id=terms.owner_id).exists():
        raise refuse_value(
            "/owner_id", "there is no such owner", status=422, code="owner-unknown", title="The owner is not known"
        )
    made = [_make_claim(terms, created_by=created_by) for _ in range(count)]
    Claim.objects.bulk_create([new.claim for new in made])
    return made


def _make_claim(terms: ClaimTerms, *, created_by: str) -> NewClaim:
    code = f"dzc_{secrets.token_hex(4)}_{secrets.token_urlsafe(24)}"
    claim = Claim(
        prefix=code[:PREFIX_LENGTH],
        digest=digest_code(code),
        label=terms.label,
        plan=terms.plan,
        created_by=created_by,
        expires_at=timezone.now() + terms.expires_in,
        owner_id=terms.owner_id,
        allowed_pubkey=terms.allowed_pubkey,
        is_vouched=terms.is_vouched,
        dazbox_id=terms.dazbox_id,
    )
    return NewClaim(claim, code)


def revoke_claim(claim_id: UUID) -> None:
    """Nobody redeems it any more; again is no error. Raises Problem 404, or 409 for a claim that was used."""
    unused = Claim.objects.filter(id=claim_id, used_at=None, revoked_at=None)
    if unused.update(revoked_at=timezone.now()):
        return
    claim = Claim.objects.filter(id=claim_id).first()
    if claim is None:
        raise not_found("There is no such claim.")
    if claim.used_at is not None:
        raise Problem(409, "claim-used", "The claim code was used", detail="Delete the Dazbox it made instead.")


def status_of(claim: Claim, now: dt.datetime) -> ClaimStatus:
    if claim.used_at is not None:
        return "used"
    if claim.revoked_at is not None:
        return "revoked"
    return "expired" if claim.expires_at <= now else "unused"


def digest_code(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()


def is_vouched_for(code: str, pubkey: str) -> bool:
    """Whether the claim was made for this very node by an operator who had checked it by other means."""
    return Claim.objects.filter(digest=digest_code(code), allowed_pubkey=pubkey, is_vouched=True).exists()
