"""What stands in Redis between control plane and gateways: names of keys and channels, and the forms of what is there.

dazbox:mcp:catalogue       all servers as they should be, sealed with MCP_STATE_KEY     control plane writes
dazbox:mcp:secrets         hash: a box's own secrets each (bridge.engine.own_secrets)   control plane writes
dazbox:mcp:changed         told when one of these changed                               control plane tells
dazbox:mcp:command:NUMBER  a Command, to gateways of this database of Redis             control plane tells
dazbox:mcp:seen:INSTANCE   a GatewaySeen, gone after SEEN_LIFE_S                        each gateway writes
dazbox:mcp:log:SERVER      stream of log lines                                          gateways write
dazbox:mcp:audit           stream of calls: bridge.engine.audited                       gateways write
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Literal

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from bridge.engine.server import Catalogue
from mcp_saas.kit.crypto import KEY_BYTES, SealBrokenError, name_place, open_sealed, seal

CATALOGUE = "dazbox:mcp:catalogue"
CHANGED = "dazbox:mcp:changed"
SEEN = "dazbox:mcp:seen:"
LOG = "dazbox:mcp:log:"
SEEN_LIFE_S = 10
LOG_LINES = 10_000  # kept of one server, about
LINE_BYTES = 8 << 10
_PLACE = name_place(CATALOGUE)


class Command(Struct, frozen=True):
    """What an operator wants done now; what shall stay so is in the catalogue. `key`: of one connection alone."""

    kind: Literal["restart"]
    server: str
    key: str | None = None


def name_command_channel(connection: Mapping[str, Any]) -> str:
    """By the keyword arguments of a client's connections: channels, unlike keys, are of no database of Redis, and two
    installations on one server must not restart each other's servers.
    """
    return f"dazbox:mcp:command:{connection.get('db') or 0}"


def read_state_key(text: str) -> bytes:
    """MCP_STATE_KEY as it is written: 32 bytes in base64. Raises ValueError with words for whoever set it."""
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"give {KEY_BYTES} random bytes in base64 (openssl rand -base64 {KEY_BYTES})")
    return key


def seal_catalogue(catalogue: Catalogue, key: bytes) -> bytes:
    return seal(AESGCM(key), msgspec.json.encode(catalogue), place=_PLACE)


def open_catalogue(sealed: bytes, key: bytes) -> Catalogue:
    """Raises SealBrokenError for another key or a changed value."""
    try:
        return msgspec.json.decode(open_sealed(AESGCM(key), sealed, place=_PLACE), type=Catalogue)
    except msgspec.DecodeError:
        raise SealBrokenError("the catalogue is of another release: restart this process with the newer one") from None
