"""What a served node keeps on disk: certificate, key, macaroon or rune, and the port it had last time."""

import datetime as dt
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

from mcp_saas.kit.private_file import write_private_file
from nodes.simulator.certificate import LOOPBACK, sign_certificate
from nodes.simulator.rune import make_rune

_FOLDER_NAME_DIGITS = 16  # of the public key
_RUNE_SECRET_BYTES = 16


@dataclass(frozen=True)
class NodeHome:
    folder: Path

    @property
    def tls_cert(self) -> Path:
        return self.folder / "tls.cert"

    @property
    def tls_key(self) -> Path:
        return self.folder / "tls.key"

    @property
    def macaroon(self) -> Path:
        return self.folder / "admin.macaroon"

    @property
    def rune_secret(self) -> Path:
        return self.folder / "rune.secret"

    @property
    def rune(self) -> Path:
        return self.folder / "admin.rune"

    @property
    def faults(self) -> Path:
        return self.folder / "faults.json"

    @property
    def port(self) -> Path:
        return self.folder / "port"


def open_home(root: Path, pubkey: str) -> NodeHome:
    """The node's folder below `root`, named by its key's beginning; makes what is missing. Only we may read it."""
    home = NodeHome(root / pubkey[:_FOLDER_NAME_DIGITS])
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (home.tls_cert.exists() and home.tls_key.exists()):
        certificate, key = sign_certificate(dt.datetime.now(dt.UTC))
        write_private_file(home.tls_key, key)
        write_private_file(home.tls_cert, certificate)
    if not home.macaroon.exists():
        write_private_file(home.macaroon, _bake_macaroon())
    return home


def open_runes(home: NodeHome) -> bytes:
    """The secret that this node's runes are derived from; with it a first rune, which may do everything."""
    if not home.rune_secret.exists():
        write_private_file(home.rune_secret, secrets.token_bytes(_RUNE_SECRET_BYTES))
    secret = home.rune_secret.read_bytes()
    if not home.rune.exists():
        write_private_file(home.rune, f"{make_rune(secret, ['=0'])}\n".encode())
    return secret


def open_port(home: NodeHome) -> socket.socket:
    """A bound socket: on the port of last time, or on a free one when somebody else has that now. Remembers it."""
    remembered = home.port.read_text().strip() if home.port.exists() else ""
    try:
        bound = _bind(int(remembered) if remembered.isdecimal() else 0)
    except (OSError, OverflowError):
        bound = _bind(0)
    write_private_file(home.port, str(bound.getsockname()[1]).encode())
    return bound


def _bind(port: int) -> socket.socket:
    # The protocol must be named: asyncio switches Nagle's delay off (40 ms an answer) only where it reads TCP.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
    except (OSError, OverflowError):
        bound.close()
        raise
    return bound


def _bake_macaroon() -> bytes:
    """The layout of LND's admin macaroon (libmacaroons v2: location "lnd", identifier, signature), random secrets."""
    identifier = b"\x03\x0a\x10" + secrets.token_bytes(16) + b"\x12\x010"
    return (
        b"\x02\x01\x03lnd\x02" + bytes([len(identifier)]) + identifier + b"\x00\x00\x06\x20" + secrets.token_bytes(32)
    )
