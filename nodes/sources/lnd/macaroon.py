"""LND's key, as its REST interface wants it in a header."""

import base64
import binascii
import re

from nodes.sources.driver.errors import Fault, NodeError

MACAROON_HEADER = "Grpc-Metadata-macaroon"
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


def read_macaroon(secret: str) -> str:
    """In hex, from hex or base64 (either alphabet, padded or not). Raises NodeError, which does not show it."""
    if _HEX.fullmatch(secret):
        return secret.lower()
    try:
        raw = base64.b64decode(secret.translate(str.maketrans("-_", "+/")) + "=" * (-len(secret) % 4), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw:
        raise NodeError("the macaroon is empty, or neither hex nor base64", fault=Fault.SETTING) from None
    return raw.hex()
