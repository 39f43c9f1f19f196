"""TLS that trusts one certificate and no other."""

import hashlib
import hmac
import re
import ssl
from typing import Any

import httpx

from nodes.sources.driver.errors import Fault, NodeError

_DIGEST = re.compile(r"sha256:([0-9a-fA-F]{2}(?::?[0-9a-fA-F]{2}){31})")


class DigestContext(ssl.SSLContext):
    """Compares the certificate's SHA-256 before anything is sent: beside it no chain, host name or expiry matters."""

    digest: bytes

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(*args, **options)
        shown = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").digest()
        if not hmac.compare_digest(shown, self.digest):
            wrapped.close()
            raise ssl.SSLCertVerificationError("CERTIFICATE_VERIFY_FAILED: its SHA-256 is not the pinned one")
        return wrapped


def trust_certificate(certificate: str | None) -> ssl.SSLContext:
    """See `DriverConfig.certificate`. Raises NodeError for what is no certificate."""
    if certificate is None:
        return httpx.create_ssl_context(trust_env=False)
    if certificate.startswith("sha256:"):
        return pin_digest(certificate)
    return pin_certificate(certificate)


def pin_certificate(pem: str) -> ssl.SSLContext:
    """Trusts this certificate and no other, whatever host name it was made for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a certificate that another one signed can be pinned as well
    try:
        context.load_verify_locations(cadata=pem)
    except (ssl.SSLError, ValueError) as error:
        raise NodeError(
            "the node's certificate is not in PEM: -----BEGIN CERTIFICATE-----", fault=Fault.SETTING
        ) from error
    return context


def pin_digest(text: str) -> ssl.SSLContext:
    found = _DIGEST.fullmatch(text)
    if found is None:
        raise NodeError("a certificate's digest is sha256: and 64 hex digits", fault=Fault.SETTING)
    context = DigestContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.digest = bytes.fromhex(found[1].replace(":", ""))
    return context
