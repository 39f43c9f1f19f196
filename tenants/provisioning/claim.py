"""One-time claim codes: `dzc_<prefix>_<secret>`."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from django.utils import timezone

from mcp_saas.kit.errors import Problem, not_found
from tenants.models.claim import Claim

ClaimStatus = Literal["unused", "used", "expired", "revoked"]
PREFIX_LENGTH = 12  # "dzc_" and eight characters: enough to find a code in a list, useless to redeem it


@dataclass(frozen=True, slots=True)
class NewClaim:
    claim: Claim
    code: str  # shown once


def create_claims(
    count: int, *, label: str, expires_in: dt.timedelta, created_by: str, vouched_pubkey: str = ""
) -> list[NewClaim]:
    """`count` codes (1..500), stored as prefix and SHA-256. A node that is vouched for need not sign."""
    expires_at = timezone.now() + expires_in
    made = []
    for _ in range(count):
        code = f"dzc_{secrets.token_hex(4)}_{secrets.token_urlsafe(24)}"
        claim = Claim(
            prefix=code[:PREFIX_LENGTH],
            digest=digest_code(code),
            label=label,
            created_by=created_by,
            vouched_pubkey=vouched_pubkey,
            expires_at=expires_at,
        )
        made.append(NewClaim(claim, code))
    Claim.objects.bulk_create([new.claim for new in made])
    return made


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
    return Claim.objects.filter(digest=digest_code(code), vouched_pubkey=pubkey).exists()
