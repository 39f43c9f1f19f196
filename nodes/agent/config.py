"""What a box knows of itself: which node it reads, as which device it reports, and where to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self, TypeAlias

import httpx

from nodes.agent.errors import HomeError
from nodes.agent.private_file import write_private_file

Implementation: TypeAlias = Literal["lnd", "cln"]

AGENT_VERSION = "0.1.0"
USER_AGENT = f"dazbox-agent/{AGENT_VERSION}"
CONFIG_FILE = "agent.json"
SECRETS: dict[Implementation, str] = {"lnd": "macaroon", "cln": "rune"}  # what opens a node, by what the node is
MAX_PORT = 65_535
LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class NodeAddress:
    """Where the node answers, and the files that open it."""

    implementation: Implementation = "lnd"
    url: str  # base URL of the REST API
    secret: Path  # the file of LND's macaroon or Core Lightning's rune
    tls_cert: Path


@dataclass(frozen=True, kw_only=True)
class AgentConfig:
    """The file `agent.json` of a home. It names the macaroon's file and never holds the macaroon."""

    cloud: str  # base URL, without /api/v1
    device_id: str
    pubkey: str
    node: NodeAddress

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """Raises ValueError when a field is missing, unknown or not text, HomeError when an address is none."""
        fields = json.loads(content)
        kind: Implementation = "cln" if isinstance(fields, dict) and "cln" in fields else "lnd"
        names = {"cloud", "device_id", "pubkey", kind, SECRETS[kind], "tls_cert"}
        if not isinstance(fields, dict) or set(fields) != names:
            raise ValueError(f"needs exactly the fields {', '.join(sorted(names))}")
        if not all(isinstance(value, str) for value in fields.values()):
            raise ValueError("a field is not text")
        secret, tls_cert = Path(fields[SECRETS[kind]]), Path(fields["tls_cert"])
        return cls(
            cloud=normalise_url(fields["cloud"]),
            device_id=fields["device_id"],
            pubkey=fields["pubkey"],
            node=NodeAddress(implementation=kind, url=normalise_url(fields[kind]), secret=secret, tls_cert=tls_cert),
        )

    def to_json(self) -> bytes:
        kind = self.node.implementation
        fields = {
            "cloud": self.cloud,
            "device_id": self.device_id,
            "pubkey": self.pubkey,
            kind: self.node.url,
            SECRETS[kind]: str(self.node.secret),
            "tls_cert": str(self.node.tls_cert),
        }
        return json.dumps(fields, indent=2).encode() + b"\n"


def find_config(home: Path) -> AgentConfig | None:
    """None: this home is not claimed yet. Raises HomeError when the file cannot be used."""
    path = home / CONFIG_FILE
    try:
        return AgentConfig.from_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise HomeError(f"{path} cannot be used: {error}; claim this home again", permanent=True) from error


def read_config(home: Path) -> AgentConfig:
    """Raises HomeError when the home is not claimed or its file cannot be used."""
    config = find_config(home)
    if config is None:
        raise HomeError(f"{home} is not claimed yet: run `claim --home {home}` first", permanent=True)
    return config


def write_config(home: Path, config: AgentConfig) -> None:
    write_private_file(home / CONFIG_FILE, config.to_json())


def normalise_url(url: str) -> str:
    """The base URL without trailing slash and /api/v1. Raises HomeError, also when secrets would travel in clear."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise HomeError(f"{url} is not an address: {error}", permanent=True) from error
    if parts.userinfo:
        raise HomeError("an address with a password in it ends up in logs: leave it out", permanent=True)
    if not is_base(parts):
        raise HomeError(f"{url} is not an address like https://host:port", permanent=True)
    if parts.scheme == "http" and parts.host not in LOOPBACK_HOSTS:
        raise HomeError(f"{url} is not encrypted: use https (http is for this machine alone)", permanent=True)
    return url.rstrip("/").removesuffix("/api/v1")


def is_base(parts: httpx.URL) -> bool:
    is_place = parts.scheme in {"http", "https"} and bool(parts.host) and (parts.port or 0) <= MAX_PORT
    return is_place and not parts.query and not parts.fragment
