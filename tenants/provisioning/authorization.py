"""Linking a box without a claim code (RFC 8628): it shows a code, an owner who is signed in approves it."""

import datetime as dt
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.encoding import force_bytes

from mcp_saas.kit.errors import Problem
from tenants.engine.plan import DEFAULT_PLAN
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.device_authorization import AuthorizationState, DeviceAuthorization
from tenants.models.device_key import DeviceKey
from tenants.models.owner import Owner
from tenants.provisioning.device import (
    NewBox,
    NodeProof,
    bring_into_service,
    create_box,
    refuse_taken_node,
)
from tenants.provisioning.proof import spend_challenge, verify_proof
from tenants.tokens.device_key import find_live_keys, kid_of

LIFETIME = dt.timedelta(seconds=900)
INTERVAL_S, SLOWER_S = 5, 5
USER_CODE = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{8}")  # twenty letters that spell no words (RFC 8628, section 6.1)
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
REFUSALS = {
    "authorization_pending": "Nobody has approved the code yet: ask again after the interval.",
    "slow_down": "Asked too soon: the interval is five seconds longer from now on.",
    "access_denied": "The owner has refused this box.",
    "expired_token": "The code has expired: ask for a new one.",
    "invalid_grant": "There is no such device code.",
}


@dataclass(frozen=True, slots=True)
class NewAuthorization:
    device_code: str  # both are shown once
    user_code: str


@dataclass(frozen=True, slots=True)
class LinkedBox:
    dazbox: Dazbox
    key: DeviceKey


def begin_authorization(box: NewBox, proof: NodeProof, *, address: str) -> NewAuthorization:
    """1. the node's signature  2. spend the nonce, note the request. Raises Problem 409 or 422."""
    verify_proof(pubkey=box.pubkey, nonce=proof.nonce, signature=proof.signature, device_kid=kid_of(box.device_key))
    device_code = secrets.token_urlsafe(32)
    user_code = "".join(secrets.choice(_LETTERS) for _ in range(8))
    with transaction.atomic():
        if Dazbox.objects.filter(pubkey=box.pubkey).exclude(state=DazboxState.DELETED).exists():
            raise refuse_taken_node()
        spend_challenge(proof.nonce)
        DeviceAuthorization.objects.create(
            device_code_digest=_digest(device_code),
            user_code_digest=_digest_user_code(user_code, settings.SECRET_KEY),
            pubkey=box.pubkey,
            alias=box.alias,
            device_key=box.device_key,
            agent_version=box.agent_version,
            address=address,
            interval_s=INTERVAL_S,
            expires_at=timezone.now() + LIFETIME,
        )
    return NewAuthorization(device_code, user_code)


def poll_authorization(device_code: str) -> LinkedBox:
    """The box, once an owner has approved it; asked again within its 15 minutes, the same box.

    Raises Problem 400 with the `error` of RFC 8628 until then, and 409 when the node was claimed meanwhile. Each look
    is noted at once, so that not even a refused one is forgotten.
    """
    digest, now = _digest(device_code), timezone.now()
    row = DeviceAuthorization.objects.filter(device_code_digest=digest).first()
    if row is None:
        raise refuse_grant("invalid_grant")
    if row.expires_at <= now:
        raise refuse_grant("expired_token")
    _keep_pace(row, now)
    if row.state != AuthorizationState.APPROVED:
        raise refuse_grant("access_denied" if row.state == AuthorizationState.DENIED else "authorization_pending")
    dazbox = bring_into_service(_link_box(digest))
    key = next((key for key in find_live_keys(dazbox.id) if key.x == row.device_key), None)
    if key is None:
        raise refuse_grant("invalid_grant")  # the box has changed its key or its owner since
    return LinkedBox(dazbox, key)


def find_authorization(user_code: str, owner_id: UUID) -> DeviceAuthorization:
    """One that still waits, or that this owner has decided. Raises Problem 404."""
    text = user_code.upper().replace("-", "")
    secrets_known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    digests = [_digest_user_code(text, secret) for secret in secrets_known] if USER_CODE.fullmatch(text) else []
    rows = DeviceAuthorization.objects.filter(user_code_digest__in=digests, expires_at__gt=timezone.now())
    row: DeviceAuthorization | None = rows.first()
    if row is None or row.owner_id not in {None, owner_id}:
        raise Problem(
            404, "user-code-unknown", "No box shows this code", detail="Look at the box again: codes last 15 minutes."
        )
    return row


def decide_authorization(user_code: str, owner_id: UUID, *, approves: bool) -> DeviceAuthorization:
    """The owner's word, which stays. The same again changes nothing; Raises Problem 404, or 409 for the contrary."""
    state = AuthorizationState.APPROVED if approves else AuthorizationState.DENIED
    row = find_authorization(user_code, owner_id)
    pending = DeviceAuthorization.objects.filter(pk=row.pk, state=AuthorizationState.PENDING)
    pending.update(state=state, owner_id=owner_id)
    row = find_authorization(user_code, owner_id)  # another owner may have been faster
    if row.state != state:
        raise Problem(409, "already-decided", "It is decided already", detail=f"This box was {row.state} before.")
    return row


def refuse_grant(error: str) -> Problem:
    """As RFC 8628, section 3.5, says it, within a problem."""
    problem = Problem(400, error.replace("_", "-"), "No tokens for this device code", detail=REFUSALS[error])
    problem.error = error
    return problem


def _keep_pace(row: DeviceAuthorization, now: dt.datetime) -> None:
    is_early = row.polled_at is not None and now - row.polled_at < dt.timedelta(seconds=row.interval_s)
    slower = {"interval_s": F("interval_s") + SLOWER_S} if is_early else {}
    DeviceAuthorization.objects.filter(pk=row.pk).update(polled_at=now, **slower)
    if is_early:
        raise refuse_grant("slow_down")


def _link_box(digest: bytes) -> Dazbox:
    try:
        with transaction.atomic():
            row = DeviceAuthorization.objects.select_for_update().get(device_code_digest=digest)
            if row.dazbox is None:
                box = NewBox(row.pubkey, row.alias, device_key=row.device_key, agent_version=row.agent_version)
                row.dazbox = create_box(box, Owner.objects.get(approvals=row), plan=DEFAULT_PLAN)
                row.save(update_fields=["dazbox"])
            return row.dazbox
    except IntegrityError:
        raise refuse_taken_node() from None


def _digest(device_code: str) -> bytes:
    return hashlib.sha256(device_code.encode()).digest()


def _digest_user_code(user_code: str, secret: str | bytes) -> bytes:
    return hmac.digest(force_bytes(secret), b"user-code:" + user_code.encode(), "sha256")
