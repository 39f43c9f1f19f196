"""One-time claim codes: `dzc_<prefix>_<secret>`."""

import datetime as dt
import hashlib
import secrets
from dataclasses import dataclass

from django.utils import timezone

from tenants.models.claim import Claim

PREFIX_LENGTH = 12  # "dzc_" and eight characters: enough to find a code in a list, useless to redeem it


@dataclass(frozen=True, slots=True)
class NewClaim:
    claim: Claim
    code: str  # shown once


def create_claims(count: int, *, label: str, expires_in: dt.timedelta, created_by: str) -> list[NewClaim]:
    """`count` codes (1..500), stored as prefix and SHA-256."""
    expires_at = timezone.now() + expires_in
    made = []
    for _ in range(count):
        code = f"dzc_{secrets.token_hex(4)}_{secrets.token_urlsafe(24)}"
        claim = Claim(
            prefix=code[:PREFIX_LENGTH],
            digest=digest_code(code),
            label=label,
            created_by=created_by,
            expires_at=expires_at,
        )
        made.append(NewClaim(claim, code))
    Claim.objects.bulk_create([new.claim for new in made])
    return made


def digest_code(code: str) -> bytes:
    return hashlib.sha256(code.encode()).digest()
