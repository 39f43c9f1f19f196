"""Credentials of other systems come and go. What they hold is checked here, and is nowhere in journal or log."""

import re
from collections.abc import Mapping
from typing import Any, get_args

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_pem_x509_certificates
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver
from django.utils import timezone

from mcp_saas.kit.errors import Problem, refuse_value
from mcp_saas.kit.http import UnsafeTargetError
from nodes.engine.credential import NODE_SERVICES, Access, CredentialOffer, KeyAccess, Server, ServerAccess, Service
from nodes.models.credential import Credential
from nodes.pipeline.connect import trust_nodes
from nodes.pipeline.journal import note
from nodes.selectors.node import lock_own_node
from nodes.sources.driver.certificate import DIGEST_MARK, read_digests
from nodes.sources.driver.errors import NodeError
from tenants.context import TenantRef, enter_tenant
from tenants.events import owner_changes

_BASE64 = r"(?:[\w+/-]{4})*(?:[\w+/-]{2}(?:==)?|[\w+/-]{3}=?)?"
# What a secret looks like, where its maker says so. Others are any text without blanks.
FORMS: Mapping[Service, tuple[str, str]] = {
    Service.LND: (rf"(?:[0-9a-fA-F]{{2}})+|{_BASE64}", "a macaroon is hex or base64"),
    Service.CLN: (_BASE64, "a rune is base64"),
    Service.TELEGRAM: (r"[0-9]+:[\w-]+", "a bot's token is a number, a colon, and letters"),
}


@transaction.atomic
def set_credential(service: Service, offer: CredentialOffer, *, actor: str) -> Credential:
    """In place of the one before. Raises Problem 422 for an offer that cannot be one of this service."""
    access = _read_access(service, offer)
    Credential.objects.filter(service=service).delete()
    credential = Credential.objects.create(service=service, set_at=timezone.now(), access=access)
    if service in NODE_SERVICES:
        _forget_failures()
    note("credential", f"The credential of {service} was set", service=service.value, actor=actor)
    return credential


@transaction.atomic
def delete_credential(service: Service, *, actor: str) -> None:
    """Again is no error."""
    if Credential.objects.filter(service=service).delete()[0]:
        note("credential", f"The credential of {service} was deleted", service=service.value, actor=actor)


@receiver(owner_changes, dispatch_uid="credentials")
def forget_credentials(*, tenant: TenantRef, **_: Any) -> None:
    """They are the owner's, not the box's: whoever has the box next gets none."""
    with enter_tenant(tenant):
        if count := Credential.objects.all().delete()[0]:
            note("credential", "The credentials of the owner before were deleted", count=count)


def _forget_failures() -> None:
    """They were those of the credential before: the node is tried at its next turn."""
    node = lock_own_node()
    node.connection = None
    node.save(update_fields=["connection"])


def _read_access(service: Service, offer: CredentialOffer) -> Access:
    form, words = FORMS.get(service, (".+", ""))
    if not re.fullmatch(form, offer.secret, re.ASCII):
        raise _refuse("/secret", words)
    if service in get_args(Server):
        return ServerAccess(_read_address(offer.url), offer.secret, _read_certificate(offer.tls_certificate))
    is_named = service == Service.OPENAI and offer.url == settings.ENV.openai_base_url
    for field in ("tls_certificate",) if is_named else ("url", "tls_certificate"):
        if getattr(offer, field) is not None:
            raise _refuse(f"/{field}", f"the address of {service} is known: leave it out")
    if offer.chat_id is not None and service != Service.TELEGRAM:
        raise _refuse("/chat_id", "only telegram has a chat")
    if offer.chat_id is None and service == Service.TELEGRAM:
        raise _refuse("/chat_id", "say where the bot writes to: the chat's number, or @name of a channel")
    return KeyAccess(offer.secret, offer.chat_id, offer.url)


def _read_address(url: str | None) -> str:
    if url is None:
        raise _refuse("/url", "say where it answers: https://...")
    try:
        trust_nodes().check_address(url)
    except UnsafeTargetError as error:
        raise _refuse("/url", str(error)) from None
    return url


def _read_certificate(text: str | None) -> str | None:
    """The certificates in it, and nothing else that stood there, such as a private key; or a certificate's digest."""
    if text is not None and text.startswith(DIGEST_MARK):
        return _read_digest(text)
    try:
        found = load_pem_x509_certificates(text.encode()) if text is not None else []
    except ValueError:
        raise _refuse("/tls_certificate", "give a certificate in PEM: -----BEGIN CERTIFICATE-----") from None
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in found).decode() or None


def _read_digest(text: str) -> str:
    try:
        [digest] = read_digests(text)
    except NodeError as error:
        raise _refuse("/tls_certificate", str(error)) from None
    return f"{DIGEST_MARK}{digest.hex()}"


def _refuse(pointer: str, words: str) -> Problem:
    return refuse_value(pointer, words, status=422, code="credential-unfit", title="This opens no such service")
