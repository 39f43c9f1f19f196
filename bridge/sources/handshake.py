"""How a connection begins, in both eras: what is asked, and what the answers say."""

from typing import NamedTuple

import msgspec
from msgspec import Raw, Struct, field

from bridge.engine import envelope
from bridge.sources.connection import LEGACY_VERSIONS, MODERN_VERSION, Answer, Era
from mcp_saas.kit.version import VERSION

DISCOVER, INITIALIZE, INITIALIZED = "server/discover", "initialize", "notifications/initialized"
UNSUPPORTED_VERSION = -32022
CLIENT_INFO = b'{"name":"dazbox","title":"Dazbox Cloud","version":"%b"}' % VERSION.encode()
# What a legacy server may ask of us; the gateway hands it to the client whose call it belongs to.
ABILITIES = b'{"sampling":{},"elicitation":{"form":{},"url":{}},"roots":{"listChanged":true}}'
META = "io.modelcontextprotocol/"


class Patience(NamedTuple):
    """How long a start may take, and after how much silence `initialize` is sent beside the probe."""

    start_s: float = 30.0
    silence_s: float = 2.0


class Face(NamedTuple):
    """Who we are to a server. `known`: the era an earlier start found, so that a legacy server is not probed again."""

    abilities: bytes = ABILITIES
    known: Era | None = None


PATIENCE, FACE = Patience(), Face()


class Manners(NamedTuple):
    """What a server turned out to be."""

    era: Era
    version: str
    server_info: bytes
    capabilities: bytes
    instructions: str | None


UNKNOWN = Manners("legacy", "", b"{}", b"{}", None)
MODERN = Manners("modern", MODERN_VERSION, b"{}", b"{}", None)  # as which a server is probed


class _Meta(Struct, frozen=True):
    server_info: Raw = field(default=Raw(b"{}"), name=f"{META}serverInfo")


class _Discovered(Struct, frozen=True):
    supported: tuple[str, ...] = field(name="supportedVersions")
    capabilities: Raw = Raw(b"{}")
    instructions: str | None = None
    server_info: Raw = field(default=Raw(), name="serverInfo")
    meta: _Meta = field(default_factory=_Meta, name="_meta")


class _Initialized(Struct, frozen=True):
    version: str = field(name="protocolVersion")
    capabilities: Raw = Raw(b"{}")
    server_info: Raw = field(default=Raw(b"{}"), name="serverInfo")
    instructions: str | None = None


_read_discovered = msgspec.json.Decoder(_Discovered).decode
_read_initialized = msgspec.json.Decoder(_Initialized).decode


def make_meta(capabilities: bytes = b"{}") -> dict[str, Raw]:
    """What every request of the modern era carries in `_meta`."""
    return {
        f"{META}protocolVersion": Raw(msgspec.json.encode(MODERN_VERSION)),
        f"{META}clientCapabilities": Raw(capabilities),
        f"{META}clientInfo": Raw(CLIENT_INFO),
    }


def make_discover() -> bytes:
    return b'{"_meta":%b}' % envelope.write_object(make_meta())


def make_initialize(abilities: bytes = ABILITIES) -> bytes:
    """The newest legacy version is offered; a server that does not know it answers with one it does."""
    version = LEGACY_VERSIONS[-1].encode()
    return b'{"protocolVersion":"%b","capabilities":%b,"clientInfo":%b}' % (version, abilities, CLIENT_INFO)


def read_discovered(result: bytes) -> Manners | None:
    """None: no modern server, whatever it is (a legacy one may answer anything)."""
    try:
        found = _read_discovered(result)
    except msgspec.DecodeError:
        return None
    if MODERN_VERSION not in found.supported:
        return None
    info = bytes(found.server_info or found.meta.server_info)
    return Manners("modern", MODERN_VERSION, info, bytes(found.capabilities), found.instructions)


def wants_another_try(answer: Answer) -> bool:
    """Whether a modern server refused the version and names the very one as its own: it may take it now."""
    if not answer.is_error:
        return False
    fault = envelope.read_error(answer.body)
    return fault.code == UNSUPPORTED_VERSION and MODERN_VERSION.encode() in bytes(fault.data)


def read_initialized(result: bytes) -> Manners:
    """Raises MalformedError for what is no answer to `initialize`, or a version nobody here speaks."""
    try:
        found = _read_initialized(result)
    except msgspec.DecodeError as error:
        raise envelope.MalformedError(
            envelope.INVALID_REQUEST, f"its answer to initialize cannot be read: {error}"
        ) from error
    if found.version not in LEGACY_VERSIONS:
        raise envelope.MalformedError(UNSUPPORTED_VERSION, f"it speaks MCP {found.version[:40]}, which we do not")
    return Manners("legacy", found.version, bytes(found.server_info), bytes(found.capabilities), found.instructions)
