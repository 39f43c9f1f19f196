"""The node beside which the box stands."""

from pathlib import Path

from nodes.agent.config import USER_AGENT, NodeAddress
from nodes.sources.driver.certificate import DIGEST_MARK
from nodes.sources.driver.config import DriverConfig
from nodes.sources.driver.driver import Driver
from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.node import open_driver

NEW_CERTIFICATE = "{} is not its certificate (a node makes a new one when the old one expires)"


def open_node(address: NodeAddress, *, pubkey: str | None = None) -> Driver:
    """Reads both files anew, so that a renewed certificate or macaroon is taken up. `pubkey`: whom the box stands for.

    Raises NodeError.
    """
    config = DriverConfig(
        implementation=address.implementation,
        url=address.url,
        secret=read_secret(address),
        certificate=read_certificate(address.tls_cert),
        certificate_hint=NEW_CERTIFICATE.format(address.tls_cert),
        pubkey=pubkey,
        user_agent=USER_AGENT,
    )
    return open_driver(config)


def read_secret(address: NodeAddress) -> str:
    """A macaroon's file holds bytes, a rune's text. Raises NodeError."""
    name = "macaroon" if address.implementation == "lnd" else "rune"
    content = read_file(address.secret, name)
    try:
        secret = content.hex() if address.implementation == "lnd" else content.decode("ascii").strip()
    except UnicodeDecodeError:
        raise NodeError(f"the {name} {address.secret} is not text", fault=Fault.SETTING) from None
    if not secret:
        raise NodeError(f"the {name} {address.secret} is empty", fault=Fault.SETTING)
    return secret


def read_certificate(path: Path) -> str:
    """The file holds the certificate in PEM, or its SHA-256 (`sha256:` and 64 hex digits). Raises NodeError."""
    content = read_file(path, "certificate")
    is_certificate = b"-----BEGIN CERTIFICATE-----" in content or content.startswith(DIGEST_MARK.encode())
    if not is_certificate or not content.isascii():
        raise NodeError(f"{path} is neither a PEM certificate nor {DIGEST_MARK}...", fault=Fault.SETTING)
    return content.decode("ascii").strip()


def read_file(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NodeError(f"the {name} {path} cannot be read: {error.strerror}", fault=Fault.SETTING) from error
