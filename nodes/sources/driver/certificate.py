"""TLS that trusts one certificate and no other."""

import hashlib
import re
import ssl
from typing import Any

import httpx

from nodes.sources.driver.errors import Fault, NodeError

DIGEST_MARK = "sha256:"
_DIGEST = re.compile(r"sha256:([0-9a-fA-F]{2}(?::?[0-9a-fA-F]{2}){31})")
_PEM = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class PinnedContext(ssl.SSLContext):
    """Compares the server's certificate before anything is sent: beside it no chain, host name or expiry matters.

    A chain is not followed on purpose: whoever pins an authority's certificate by mistake, as the rest of a file, would
    otherwise trust everybody it ever signed for.
    """

    digests: frozenset[bytes]

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        wrapped = super().wrap_socket(*args, **options)
        shown = hashlib.sha256(wrapped.getpeercert(binary_form=True) or b"").digest()
        if shown not in self.digests:
            wrapped.close()
            raise ssl.SSLCertVerificationError("CERTIFICATE_VERIFY_FAILED: it is not the pinned one")
        return wrapped


def trust_certificate(certificate: str | None) -> ssl.SSLContext:
    """See `DriverConfig.certificate`. Raises NodeError for what is no certificate."""
    if certificate is None:
        return httpx.create_ssl_context(trust_env=False)
    context = PinnedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.digests = read_digests(certificate)
    return context


def read_digests(certificate: str) -> frozenset[bytes]:
    """SHA-256 of the certificates in a PEM text, or the one that is spelled out. Raises NodeError."""
    if certificate.startswith(DIGEST_MARK):
        found = _DIGEST.fullmatch(certificate.strip())
        if found is None:
            raise NodeError(f"a certificate's digest is {DIGEST_MARK} and 64 hex digits", fault=Fault.SETTING)
        return frozenset({bytes.fromhex(found[1].replace(":", ""))})
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cadata=certificate)
        contents = [ssl.PEM_cert_to_DER_cert(block) for block in _PEM.findall(certificate)]
    except (ssl.SSLError, ValueError) as error:
        words = "the node's certificate is not in PEM: -----BEGIN CERTIFICATE-----"
        raise NodeError(words, fault=Fault.SETTING) from error
    return frozenset(hashlib.sha256(content).digest() for content in contents)
