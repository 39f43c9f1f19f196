"""What the API takes of a server: shapes and limits as in `bridge.engine.server`, which says what each field means."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, field

from bridge.engine.naming import LONGEST
from bridge.engine.server import Server

HIDDEN = "********"  # in place of a secret; sent back, it stays what it is
ServerName = Annotated[str, Meta(min_length=1, max_length=LONGEST)]
ToolName = Annotated[str, Meta(min_length=1, max_length=256)]
Address = Annotated[str, Meta(min_length=1, max_length=2048)]
Secret = Annotated[str, Meta(max_length=16_384)]
Variables = Annotated[dict[Annotated[str, Meta(max_length=256)], Secret], Meta(max_length=200)]
Seconds = Annotated[float, Meta(ge=0, le=2_592_000)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class StdioBody(Struct, frozen=True, tag="stdio", tag_field="kind", forbid_unknown_fields=True):
    """A child process that speaks MCP on its standard input and output. `env`: all it gets beside PATH, HOME, LANG and
    TZ; values are shown as ******** and stay what they are when that is sent back.
    """

    command: Annotated[str, Meta(min_length=1, max_length=1024)]
    args: Annotated[list[Annotated[str, Meta(max_length=8192)]], Meta(max_length=200)] = []
    env: Variables = field(default_factory=dict)
    cwd: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None
    memory_mb: Annotated[int, Meta(ge=16, le=65_536)] | None = 512
    cpu_s: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    open_files: Annotated[int, Meta(ge=16, le=65_536)] = 256


class OauthBody(Struct, frozen=True, forbid_unknown_fields=True):
    """OAuth 2.1 client credentials; `resource` (RFC 8707) is the server's URL unless given."""

    token_url: Address
    client_id: Annotated[str, Meta(min_length=1, max_length=512)]
    client_secret: Secret
    scope: Annotated[str, Meta(max_length=1024)] = ""
    resource: Address | None = None


class HttpBody(Struct, frozen=True, tag="http", tag_field="kind", forbid_unknown_fields=True):
    """A server behind Streamable HTTP; one that takes no POST is tried with HTTP+SSE, and with `sse` that alone is.
    `is_trusted`: it may lie at an address that is not public. `replicas`: more addresses of it, for the policy
    several. Values of headers, `bearer` and `client_secret` are shown as ********.
    """

    url: Address
    headers: Variables = field(default_factory=dict)
    bearer: Secret | None = None
    oauth: OauthBody | None = None
    is_trusted: bool = False
    replicas: Annotated[list[Address], Meta(max_length=63)] = []
    transport: Literal["streamable-http", "sse"] = "streamable-http"


class BuiltInBody(Struct, frozen=True, tag="builtin", tag_field="kind", forbid_unknown_fields=True):
    """The gateway's own tools for the caller's Dazbox."""

    name: Literal["dazbox"] = "dazbox"


class PoolBody(Struct, frozen=True, forbid_unknown_fields=True):
    """How connections are shared. `per_credential`: one for each tenant, with its own secrets; `own_env` are the
    variables a tenant may set, and it should be no other than those the program reads its credentials from.
    """

    policy: Literal["shared", "several", "per_session", "per_credential"] = "shared"
    size: Annotated[int, Meta(ge=1, le=64)] = 1
    warm: bool = True
    idle_stop_s: Seconds | None = None
    max_life_s: Seconds | None = None
    own_env: Annotated[list[Annotated[str, Meta(max_length=256)]], Meta(max_length=200)] = []
    probe_s: Annotated[float, Meta(ge=1, le=3_600)] = 15.0


class LimitsBody(Struct, frozen=True, forbid_unknown_fields=True):
    timeout_s: Seconds = 30.0
    max_timeout_s: Seconds = 600.0
    in_flight: Annotated[int, Meta(ge=1, le=10_000)] = 64
    queued: Annotated[int, Meta(ge=0, le=100_000)] = 256
    max_answer_bytes: Annotated[int, Meta(ge=1024, le=256 << 20)] = 16 << 20
    max_request_bytes: Annotated[int, Meta(ge=1024, le=256 << 20)] = 8 << 20


class CachingBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`tools`: seconds an answer of a tool is kept; only what is read-only and idempotent by its annotations."""

    lists_ttl_s: Seconds = 60.0
    tools: Annotated[dict[ToolName, Seconds], Meta(max_length=500)] = field(default_factory=dict)


class AccessBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may call; null: every tenant, every tool. `scopes`: by tool, where its `readOnlyHint` does not say it."""

    tenants: Annotated[list[UUID], Meta(max_length=10_000)] | None = None
    tools: Annotated[list[ToolName], Meta(max_length=1000)] | None = None
    scopes: Annotated[dict[ToolName, Literal["read", "act"]], Meta(max_length=1000)] = field(default_factory=dict)
    log_arguments: bool = False


class ServerBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A server as it should be. `pins`: the tools that may be called, each with the SHA-256 of what was approved; null
    leaves what was approved, and of a new server the tools it shows first.
    """

    transport: StdioBody | HttpBody | BuiltInBody
    should_run: bool = True
    pool: PoolBody = PoolBody()
    limits: LimitsBody = LimitsBody()
    caching: CachingBody = CachingBody()
    access: AccessBody = AccessBody()
    pins: Annotated[dict[ToolName, Sha256], Meta(max_length=1000)] | None = None


class NewServerBody(ServerBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`name`: as in home-assistant; its tools are called home-assistant__TOOL where servers are merged."""

    name: ServerName


class ApprovalBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Tools, each with the SHA-256 of what you have read (`list_mcp_tools` shows it)."""

    pins: Annotated[dict[ToolName, Sha256], Meta(min_length=1, max_length=1000)]


class ImportBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`content`: an assistant's file as it is. `values`: for its placeholders, by variable or input. `replaces`:
    servers of the same name are replaced, else they stay as they are. `is_trial`: nothing is changed.
    """

    content: Annotated[str, Meta(max_length=1 << 20)]
    values: Variables = field(default_factory=dict)
    replaces: bool = False
    is_trial: bool = False


class OwnSecretBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What your own connection to the server carries."""

    env: Variables = field(default_factory=dict)
    bearer: Secret | None = None


def read_server_body(name: str, body: ServerBody, *, known: Server | None) -> Server:
    """The engine's value of a body. `known`: whose secrets stay where ******** stands."""
    given: dict[str, Any] = msgspec.to_builtins(body)
    pins = given.pop("pins")
    given["pins"] = None if pins is None else [{"tool": tool, "sha256": sha256} for tool, sha256 in pins.items()]
    before = msgspec.to_builtins(known.transport) if known else {}
    given["transport"] = _keep_hidden(given["transport"], before)
    return msgspec.convert(given | {"name": name, "revision": 1}, Server)


def hide_secrets(transport: Any) -> Any:
    """A transport in builtins, with ******** for whatever may be a secret."""
    hidden = dict(transport)
    for name in ("env", "headers"):
        if name in hidden:
            hidden[name] = dict.fromkeys(hidden[name], HIDDEN)
    if hidden.get("bearer"):
        hidden["bearer"] = HIDDEN
    if hidden.get("oauth"):
        hidden["oauth"] = hidden["oauth"] | {"client_secret": HIDDEN}
    return hidden


def _keep_hidden(given: Any, before: Any) -> Any:
    """Where ******** was sent back, what it stood for; where it stood for nothing it is taken at its word."""
    if isinstance(given, dict):
        known = before if isinstance(before, dict) else {}
        return {name: _keep_hidden(value, known.get(name)) for name, value in given.items()}
    return before if given == HIDDEN and isinstance(before, str) else given
