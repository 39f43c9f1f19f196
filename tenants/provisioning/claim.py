"""One-time claim codes: `dzc_<prefix>_<secret>`."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found
from tenants.engine.plan import DEFAULT_PLAN, PlanCode
from tenants.events import record_event
from tenants.models.claim import Claim
from tenants.models.dazbox import SERVED_STATES
from tenants.provisioning.lifecycle import lock_dazbox
from tenants.provisioning.proof import note_replay
from tenants.selectors import refer_to

ClaimStatus = Literal["unused", "used", "expired", "revoked"]
PREFIX_LENGTH = 12  # "dzc_" and eight characters: enough to find a code in a list, useless to redeem it


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTerms:
    """What a code is good for. `is_vouched`: the node of `allowed_pubkey` need not sign."""

    label: str = ""
    expires_in: dt.timedelta = dt.timedelta(days=30)
    plan: PlanCode = DEFAULT_PLAN
    allowed_pubkey: str = ""
    is_vouched: bool = False
    dazbox_id: UUID | None = None  # the box it hands over; None: it makes a new one


@dataclass(frozen=True, slots=True)
class NewClaim:
    claim: Claim
    code: str  # shown once


def create_claims(count: int, terms: ClaimTerms, *, created_by: str) -> list[NewClaim]:
    """`count` codes (1..500), stored as prefix and SHA-256."""
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


@transaction.atomic
def record_replay(code: str) -> None:
    """Somebody tried a code that was used: whoever has the box it made reads of it, at most once in 15 minutes."""
    claim = Claim.objects.filter(digest=digest_code(code)).first()
    dazbox = lock_dazbox(claim.dazbox_id) if claim and claim.dazbox_id else None
    if claim and dazbox and dazbox.state in SERVED_STATES and note_replay(dazbox.pubkey):
        text = "A claim code of this box was tried again, with another key or for another node"
        record_event(refer_to(dazbox), "claim", text=text, prefix=claim.prefix)


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
