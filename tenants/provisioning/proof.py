"""Proof of node ownership: the node's identity key signs a message with our nonce and the box's key in it."""

import datetime as dt
import secrets
from uuid import UUID

from django.conf import settings
from django.utils import timezone

from mcp_saas.kit.errors import Problem, refuse_value
from mcp_saas.kit.node_message import recover_signer
from tenants.models.challenge import Challenge, RedeemFailure

LIFETIME = dt.timedelta(seconds=300)
WINDOW = dt.timedelta(minutes=15)
MAX_FAILURES = 5  # of one address for one node
MAX_FAILURES_OF_ADDRESS = 50
MAX_OPEN = 10  # challenges of one node
COUNTED = frozenset({"wrong-signature", "challenge-unknown", "claim-unknown", "claim-used"})


def create_challenge(pubkey: str) -> Challenge:
    """A nonce for this node, good once and for 300 s. Raises Problem 429 while too many are open."""
    now = timezone.now()
    Challenge.objects.filter(expires_at__lt=now - WINDOW).delete()
    if Challenge.objects.filter(pubkey=pubkey, used_at=None, expires_at__gt=now).count() >= MAX_OPEN:
        raise _refuse_for(LIFETIME, "Too many challenges of this node are open.")
    row: Challenge = Challenge.objects.create(nonce=secrets.token_urlsafe(32), pubkey=pubkey, expires_at=now + LIFETIME)
    return row


def claim_message(nonce: str, device_kid: str) -> str:
    """What the node signs: for this cloud, this once, for this device key (its RFC 7638 thumbprint)."""
    return f"dazno-claim:v1:{settings.ENV.jwt_audience}:{nonce}:{device_kid}"


def verify_proof(*, pubkey: str, nonce: str, signature: str, device_kid: str) -> None:
    """Raises Problem 422 when the node's key did not sign the message, or the nonce was not given to this node."""
    if not Challenge.objects.filter(nonce=nonce, pubkey=pubkey).exists():
        raise Problem(422, "challenge-unknown", "The challenge is not known", detail="Ask for a new one for this node.")
    try:
        signer = recover_signer(claim_message(nonce, device_kid).encode(), signature)
    except ValueError as error:
        signer = str(error)
    if signer != pubkey:
        raise refuse_value(
            "/signature",
            "the node did not sign this message",
            status=422,
            code="wrong-signature",
            title="The signature is not the node's",
        )


def spend_challenge(nonce: str) -> None:
    """Raises Problem 422 when it was used before or is too old. Part of the transaction that spends the claim."""
    now = timezone.now()
    if not Challenge.objects.filter(nonce=nonce, used_at=None, expires_at__gt=now).update(used_at=now):
        raise Problem(422, "challenge-spent", "The challenge is spent or too old", detail="Ask for a new one.")


def refuse_guessing(address: str, pubkey: str) -> None:
    """Raises Problem 429 after 5 failures within 15 minutes, counted for this address and node."""
    limits = {f"{address} {pubkey}": MAX_FAILURES, address: MAX_FAILURES_OF_ADDRESS}
    if any(_count_failures(source) >= limit for source, limit in limits.items()):
        raise _refuse_for(WINDOW, "Too many redemptions failed.")


def note_failure(address: str, pubkey: str) -> None:
    _note_failures(f"{address} {pubkey}", address)


def note_replay(pubkey: str) -> bool:
    """Whether it is the first for this node in 15 minutes."""
    source = f"used claim code of {pubkey}"
    if _count_failures(source):
        return False
    _note_failures(source)
    return True


def refuse_code_guessing(owner_id: UUID) -> None:
    """Raises Problem 429 for an owner who typed five codes that no box shows."""
    if _count_failures(f"user codes of {owner_id}") >= MAX_FAILURES:
        raise _refuse_for(WINDOW, "Too many codes were wrong.")


def note_wrong_code(owner_id: UUID) -> None:
    _note_failures(f"user codes of {owner_id}")


def _count_failures(source: str) -> int:
    return RedeemFailure.objects.filter(source=source, at__gt=timezone.now() - WINDOW).count()


def _note_failures(*sources: str) -> None:
    now = timezone.now()
    RedeemFailure.objects.filter(at__lt=now - WINDOW).delete()
    RedeemFailure.objects.bulk_create([RedeemFailure(source=source, at=now) for source in sources])


def _refuse_for(wait: dt.timedelta, detail: str) -> Problem:
    problem = Problem(429, "too-many-attempts", "Too many attempts", detail=detail)
    problem.headers["Retry-After"] = str(int(wait.total_seconds()))
    return problem
