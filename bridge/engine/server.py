"""An MCP server as it should be: one entry of the catalogue, handed to every gateway as it stands here."""

from typing import Literal
from uuid import UUID

from msgspec import Struct, field

SEPARATOR = "__"  # between the names of server and tool where all servers are merged: clients allow [A-Za-z0-9_-] alone


class Stdio(Struct, frozen=True, tag="stdio", tag_field="kind"):
    """A child process that speaks MCP on its standard input and output. Never run through a shell."""

    command: str
    args: tuple[str, ...] = ()
    env: dict[str, str] = field(default_factory=dict)  # all it gets beside PATH, HOME, LANG and TZ
    cwd: str | None = None
    memory_mb: int | None = 512
    cpu_s: int | None = None
    open_files: int = 256


class ClientCredentials(Struct, frozen=True):
    """OAuth 2.1 client credentials; `resource` (RFC 8707) is the server's URL unless given."""

    token_url: str
    client_id: str
    client_secret: str
    scope: str = ""
    resource: str | None = None


class Http(Struct, frozen=True, tag="http", tag_field="kind"):
    """A server behind Streamable HTTP; where that takes no POST the transport of 2024-11-05 is tried; `sse` means
    that one alone. `is_trusted`: it may lie at an address that is not public. `replicas`: other addresses of the same
    server; the connections of the policy several are spread over all.
    """

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    bearer: str | None = None
    oauth: ClientCredentials | None = None
    is_trusted: bool = False
    replicas: tuple[str, ...] = ()
    transport: Literal["streamable-http", "sse"] = "streamable-http"


class BuiltIn(Struct, frozen=True, tag="builtin", tag_field="kind"):
    """Tools the gateway carries itself; `name` says which."""

    name: Literal["dazbox"] = "dazbox"


Transport = Stdio | Http | BuiltIn


class Pool(Struct, frozen=True):
    """How connections are shared. shared: one for all; several: `size`, the least busy is taken; per_session: one for
    each session of a legacy client; per_credential: one for each tenant, whose own `env` or `bearer` it carries.
    `own_env`: the variables a tenant may set for its own; of others some make programs run what they say.
    """

    policy: Literal["shared", "several", "per_session", "per_credential"] = "shared"
    size: int = 1
    warm: bool = True  # started before the first call
    idle_stop_s: float | None = None
    max_life_s: float | None = None
    own_env: tuple[str, ...] = ()
    probe_s: float = 15.0  # an idle connection is asked so often whether it is there


class Limits(Struct, frozen=True):
    timeout_s: float = 30.0  # of a call, unless its caller asks for less or more
    max_timeout_s: float = 600.0
    in_flight: int = 64  # calls under way on one connection
    queued: int = 256  # calls that wait; more are refused
    max_answer_bytes: int = 16 << 20
    max_request_bytes: int = 8 << 20


class Caching(Struct, frozen=True):
    """`tools`: seconds an answer of a tool is kept. Only what is read-only and idempotent by its annotations."""

    lists_ttl_s: float = 60.0
    tools: dict[str, float] = field(default_factory=dict)


class Access(Struct, frozen=True):
    """Who may call. None: every tenant; every tool. Tools with `readOnlyHint` need the scope read, the others act,
    unless `scopes` says otherwise.
    """

    tenants: tuple[UUID, ...] | None = None
    tools: tuple[str, ...] | None = None
    scopes: dict[str, str] = field(default_factory=dict)
    log_arguments: bool = False  # in the audit; their hash always is


class Pin(Struct, frozen=True):
    """A tool as it was approved: SHA-256 of its canonical JSON (name, title, description, schemas, annotations)."""

    tool: str
    sha256: str


class Server(Struct, frozen=True):
    """`revision` grows with every change. `pins` None: what it shows first is approved (trust on first use)."""

    name: str  # [a-z0-9][a-z0-9-]{0,31}
    transport: Transport
    revision: int = 1
    should_run: bool = True
    pool: Pool = Pool()
    limits: Limits = Limits()
    caching: Caching = Caching()
    access: Access = Access()
    pins: tuple[Pin, ...] | None = None


class TenantSecret(Struct, frozen=True):
    """What one tenant's own connection to a server carries (pool policy per_credential)."""

    server: str
    tenant_id: UUID
    env: dict[str, str] = field(default_factory=dict)
    bearer: str | None = None


class Catalogue(Struct, frozen=True):
    """All a gateway needs to know, but for tenants' own secrets (`bridge.engine.own_secrets`). `closed`: tenants of
    whom no token is accepted; `token_versions`: of tenants whose older tokens were revoked while they may still be
    valid by their time.
    """

    revision: int
    servers: tuple[Server, ...] = ()
    closed: tuple[UUID, ...] = ()
    token_versions: dict[UUID, int] = field(default_factory=dict)
