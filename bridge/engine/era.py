"""One era of the protocol in the words of the other: what requests and results of 2026-07-28 carry beside those before.

Modern: a request names its version, its client and what that can do in `_meta`; a result says whether it is complete,
and how long it holds. Legacy: `initialize` said all of it once. Only the outermost members are touched.
"""

from collections.abc import Mapping

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import read_object, write_object

MODERN = "2026-07-28"
LEGACY = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
NEWEST_LEGACY = LEGACY[-1]
KEY = "io.modelcontextprotocol/"
VERSION, CLIENT_INFO, CAPABILITIES = KEY + "protocolVersion", KEY + "clientInfo", KEY + "clientCapabilities"
LOG_LEVEL, SERVER_INFO, SUBSCRIPTION = KEY + "logLevel", KEY + "serverInfo", KEY + "subscriptionId"
OF_REQUESTS = (VERSION, CLIENT_INFO, CAPABILITIES, LOG_LEVEL)
# Results that say how long they hold.
CACHEABLE = frozenset({
    "server/discover", "tools/list", "prompts/list", "resources/list", "resources/templates/list", "resources/read",
})  # fmt: skip
INTERACTIVE = frozenset({"tools/call", "prompts/get", "resources/read"})  # may need input of the client
LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
RESOURCE_NOT_FOUND, URL_ELICITATION_REQUIRED = -32002, -32042  # codes of before, which the modern era must not show
HEADER_MISMATCH, MISSING_CAPABILITY, UNSUPPORTED_VERSION = -32020, -32021, -32022
COMPLETE = Raw(b'"complete"')
Members = dict[str, Raw]


class Client(Struct, frozen=True, gc=False):
    """Who asks, as it says of itself. `log_level` None: it wants no log messages."""

    version: str
    capabilities: bytes = b"{}"
    info: bytes | None = None
    log_level: str | None = None

    @property
    def is_modern(self) -> bool:
        return self.version == MODERN


def write_meta(client: Client, meta: Mapping[str, Raw] | None = None) -> bytes:
    """The `_meta` of a modern request of this client, with what else it wrote there."""
    members: Members = {
        **(meta or {}),
        VERSION: Raw(b'"%b"' % MODERN.encode()),
        CAPABILITIES: Raw(client.capabilities),
    }
    if client.info is not None:
        members[CLIENT_INFO] = Raw(client.info)
    if client.log_level is not None:
        members[LOG_LEVEL] = Raw(msgspec.json.encode(client.log_level))
    return write_object(members)


def to_modern_params(params: Members, client: Client) -> Members:
    meta = read_object(bytes(params["_meta"])) if "_meta" in params else None
    return {**params, "_meta": Raw(write_meta(client, meta))}


def to_legacy_params(params: Members) -> Members:
    """Without what only the modern era knows; other `_meta` (progressToken, traceparent) stays."""
    meta = {
        name: value for name, value in read_object(bytes(params.get("_meta", Raw(b"{}")))).items()
        if name not in OF_REQUESTS
    }  # fmt: skip
    kept = {name: value for name, value in params.items() if name not in {"_meta", "inputResponses", "requestState"}}
    return {**kept, "_meta": Raw(write_object(meta))} if meta else kept


def to_modern_result(body: bytes, method: str, *, server_info: bytes) -> bytes:
    """A legacy server's result. It says nothing of how long it holds: not at all, and for this caller alone."""
    members = read_object(body)
    meta = read_object(bytes(members.get("_meta", Raw(b"{}"))))
    added: Members = {"resultType": COMPLETE, "_meta": Raw(write_object({SERVER_INFO: Raw(server_info), **meta}))}
    if method in CACHEABLE:
        added |= {"ttlMs": Raw(b"0"), "cacheScope": Raw(b'"private"')}
    return write_object({**members, **added})


def to_legacy_result(body: bytes) -> bytes:
    """A modern server's complete result."""
    members = read_object(body)
    meta = read_object(bytes(members.pop("_meta", Raw(b"{}"))))
    meta.pop(SERVER_INFO, None)
    for name in ("resultType", "ttlMs", "cacheScope"):
        members.pop(name, None)
    if meta:
        members["_meta"] = Raw(write_object(meta))
    return write_object(members)


class _Kind(Struct):
    resultType: str = "complete"  # noqa: N815 - the protocol's name


_read_kind = msgspec.json.Decoder(_Kind).decode


def needs_input(body: bytes) -> bool:
    """Whether a modern result asks its client for something first."""
    return b'"input_required"' in body and _read_kind(body).resultType == "input_required"


def to_modern_code(code: int) -> int:
    return -32602 if code in {RESOURCE_NOT_FOUND, URL_ELICITATION_REQUIRED} else code


def write_hidden_progress(params: Members) -> Members:
    """Without a progress token: nobody waits for what it would bring."""
    meta = read_object(bytes(params.get("_meta", Raw(b"{}"))))
    if meta.pop("progressToken", None) is None:
        return params
    return {**params, "_meta": Raw(write_object(meta))}
