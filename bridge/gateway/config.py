"""What the gateway process is told by its environment: read once, typed; what is wrong stops the start with a hint."""

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from msgspec import Struct

DEFAULT_HOST, DEFAULT_PORT = "127.0.0.1", 8001
KEY_BYTES = 32
V = TypeVar("V")


class ConfigError(Exception):
    """The message names the setting and says what to write there."""


class Config(Struct, frozen=True):
    """`servers_file` stands in for the catalogue in Redis; `anonymous` is the tenant of callers without a token."""

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    socket_fd: int | None = None
    redis_url: str | None = None
    jwks_url: str | None = None
    jwt_issuer: str = "https://dazbox.cloud"
    jwt_audience: str = "dazbox-cloud"
    api_url: str | None = None
    state_key: bytes | None = None
    servers_file: Path | None = None
    anonymous: UUID | None = None
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    metrics_token: str | None = None
    rate_scale: float = 1.0

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.host)


def read_config(environ: Mapping[str, str]) -> Config:
    """Raises ConfigError."""
    config = Config(
        host=environ.get("MCP_HOST") or DEFAULT_HOST,
        port=_read(environ, "MCP_PORT", convert=to_port) or DEFAULT_PORT,
        socket_fd=_read(environ, "MCP_SOCKET_FD", convert=to_descriptor),
        redis_url=_read(environ, "REDIS_URL", convert=to_redis_url),
        jwks_url=_read(environ, "JWKS_URL", convert=to_url),
        jwt_issuer=environ.get("JWT_ISSUER") or "https://dazbox.cloud",
        jwt_audience=environ.get("JWT_AUDIENCE") or "dazbox-cloud",
        api_url=_read(environ, "API_URL", convert=to_url),
        state_key=_read(environ, "MCP_STATE_KEY", convert=to_key),
        servers_file=_read(environ, "MCP_SERVERS_FILE", convert=to_file),
        anonymous=_read(environ, "MCP_ANONYMOUS", convert=to_tenant),
        allowed_hosts=_read(environ, "MCP_ALLOWED_HOSTS", convert=to_hosts) or (),
        allowed_origins=_read(environ, "MCP_ALLOWED_ORIGINS", convert=to_origins) or (),
        metrics_token=environ.get("METRICS_TOKEN") or None,
        rate_scale=_read(environ, "MCP_RATE_SCALE", convert=to_scale) or 1.0,
    )
    check_together(config)
    return config


def check_together(config: Config) -> None:
    """Raises ConfigError for settings that do not go together."""
    if config.anonymous and not config.is_loopback:
        raise ConfigError("MCP_ANONYMOUS lets anybody in: it is for a loopback MCP_HOST (127.0.0.1) alone")
    if not config.anonymous and not config.jwks_url:
        raise ConfigError("JWKS_URL is needed to verify tokens, as in http://127.0.0.1:8000/.well-known/jwks.json")
    if not config.servers_file and not config.redis_url:
        raise ConfigError("REDIS_URL (where the catalogue is) or MCP_SERVERS_FILE (an mcp.json) is needed")
    if not config.servers_file and not config.state_key:
        raise ConfigError("MCP_STATE_KEY is needed to open the catalogue: the same 32 bytes, base64, as Django has")
    if not config.is_loopback and not config.allowed_hosts:
        raise ConfigError("MCP_ALLOWED_HOSTS is needed beside an MCP_HOST that others reach: the names it is called by")


def _read(environ: Mapping[str, str], name: str, *, convert: Callable[[str], V]) -> V | None:
    """None where it is not set. Raises ConfigError with the converter's words."""
    text = environ.get(name, "").strip()
    if not text:
        return None
    try:
        return convert(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error


def to_port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise ValueError("a number from 1 to 65535 is needed")
    return int(text)


def to_descriptor(text: str) -> int:
    if not text.isdecimal():
        raise ValueError("the number of an open, listening socket is needed")
    return int(text)


def to_scale(text: str) -> float:
    scale = float(text) if re.fullmatch(r"[0-9.]+(e[0-9]+)?", text) else 0.0
    if not 0 < scale < 1e6:
        raise ValueError("a factor above 0 is needed: 1 is the rates of the plans")
    return scale


def to_url(text: str) -> str:
    if not re.match(r"https?://[^\s/]+", text):
        raise ValueError("a URL with http:// or https:// is needed")
    return text


def to_redis_url(text: str) -> str:
    if not re.match(r"(redis|rediss|unix)://", text):
        raise ValueError("a URL with redis://, rediss:// or unix:// is needed")
    return text


def to_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(f"{KEY_BYTES} bytes in base64 are needed; this is no base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError(f"{KEY_BYTES} bytes in base64 are needed; these are {len(key)}")
    return key


def to_file(text: str) -> Path:
    path = Path(text)
    if not path.is_file():
        raise ValueError(f"there is no file {text}")
    return path


def to_tenant(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ValueError("the id of a tenant (a UUID) is needed") from None


def to_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def to_hosts(text: str) -> tuple[str, ...]:
    names = to_names(text)
    for name in names:
        if "/" in name or " " in name:
            raise ValueError(f"{name} is no name of a host: as in mcp.example.com, localhost:8001")
    return names


def to_origins(text: str) -> tuple[str, ...]:
    origins = to_names(text)
    for origin in origins:
        if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/]+/?", origin):
            raise ValueError(f"{origin} is no origin: as in https://app.example.com, or *")
    return origins


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
