"""What the API says of servers: as they should be and as gateways see them, beside each other."""

import datetime as dt
from typing import Any, Literal
from uuid import UUID

from msgspec import Struct

from bridge.api.contract import AccessBody, BuiltInBody, CachingBody, HttpBody, LimitsBody, PoolBody, StdioBody

Condition = Literal["stopped", "starting", "ready", "degraded", "backoff", "crash_loop", "draining", "unknown"]


class DesiredServer(Struct, frozen=True):
    """As it should be. Secrets are shown as ********. `pins`: null while nothing was approved yet, and what it shows
    first will be. `changed_at`, `changed_by`: null where it is built in and nobody changed it.
    """

    revision: int
    should_run: bool
    transport: StdioBody | HttpBody | BuiltInBody
    pool: PoolBody
    limits: LimitsBody
    caching: CachingBody
    access: AccessBody
    pins: dict[str, str] | None
    changed_at: dt.datetime | None
    changed_by: str | None


class ObservedConnection(Struct, frozen=True):
    """One child process or session, of one gateway."""

    gateway: str
    key: str
    condition: Condition
    era: str | None
    pid: int | None
    since: dt.datetime
    in_flight: int
    calls: int
    errors: int
    restarts: int
    rss_bytes: int | None
    cpu_s: float | None
    last_error: str | None


class ObservedServer(Struct, frozen=True):
    """As all gateways see it together. `revision`: the oldest one in force; null where nobody measured."""

    condition: Condition
    revision: int
    gateways: list[str]
    since: dt.datetime | None
    in_flight: int
    queued: int
    calls: int
    errors: int
    restarts: int
    rss_bytes: int | None
    cpu_s: float | None
    breaker: str
    tools: int | None
    quarantined: list[str]
    last_error: str | None
    last_error_at: dt.datetime | None
    connections: list[ObservedConnection]


class ServerAnswer(Struct, frozen=True):
    """`desired`, `observed`: for operators alone. `note`: why nothing is known of how it is. `takes_own_secrets`: each
    tenant gives its own (`set_mcp_secret`). `is_built_in`: the gateways' own tools, as the release has them.
    """

    name: str
    is_built_in: bool
    condition: Condition
    should_run: bool
    tools: int | None
    takes_own_secrets: bool
    note: str | None
    desired: DesiredServer | None
    observed: ObservedServer | None


class ServerList(Struct, frozen=True):
    """By name. `gateways`: those that live; null: it is not known."""

    items: list[ServerAnswer]
    gateways: int | None


class CapabilitiesAnswer(Struct, frozen=True):
    """As the server told them; null: no gateway has asked it yet."""

    name: str
    eras: list[str]
    capabilities: dict[str, Any] | None
    server_info: dict[str, Any] | None
    note: str | None


class ToolAnswer(Struct, frozen=True):
    """`approved_sha256`: of what may be called; null: nothing was approved. `shown_sha256`: of what the server shows
    now; null: it shows no such tool, or no gateway has looked.
    """

    name: str
    state: Literal["approved", "quarantined", "not_shown"]
    approved_sha256: str | None
    shown_sha256: str | None
    approved_at: dt.datetime | None
    approved_by: str | None


class ToolList(Struct, frozen=True):
    items: list[ToolAnswer]
    note: str | None


class LogLineAnswer(Struct, frozen=True):
    """`stream`: stdout (what is no message), stderr, protocol (what broke it) or life (starts and ends)."""

    id: str
    at: dt.datetime | None
    stream: str
    pid: int | None
    text: str


class LogAnswer(Struct, frozen=True):
    """`after`: where to go on following; null while there is no line."""

    items: list[LogLineAnswer]
    after: str | None


class LackAnswer(Struct, frozen=True):
    """A value the file leaves to its reader: send it in `values` under `variable`."""

    server: str
    pointer: str
    variable: str
    kind: str
    detail: str


class NoteAnswer(Struct, frozen=True):
    pointer: str
    detail: str


class KeptAnswer(Struct, frozen=True):
    """A server that was there with other settings, and stays as it is. `differs`: in which of them."""

    name: str
    differs: list[str]


class ImportAnswer(Struct, frozen=True):
    """`unchanged`: there already, as the file has them. `kept`: there with other settings and left so; to replace them
    send the file again with `replaces`. `lacks`: of servers that were left out until it is given. `notes`: what was not
    taken over as it stood there.
    """

    added: list[str]
    replaced: list[str]
    unchanged: list[str]
    kept: list[KeptAnswer]
    lacks: list[LackAnswer]
    notes: list[NoteAnswer]


class PresetValue(Struct, frozen=True):
    variable: str
    description: str
    is_secret: bool


class PresetAnswer(Struct, frozen=True):
    """`content`: for `import_mcp_servers`, with `values` for its placeholders."""

    name: str
    title: str
    description: str
    content: str
    values: list[PresetValue]


class PresetList(Struct, frozen=True):
    items: list[PresetAnswer]


class OwnSecretAnswer(Struct, frozen=True):
    """What is set, never what it is."""

    server: str
    variables: list[str]
    has_bearer: bool
    set_at: dt.datetime | None


class CallAnswer(Struct, frozen=True):
    """A call of a tool in this box's name. `outcome`: ok, tool_error, refused:KIND, timeout, lost or cancelled.
    `arguments`: their JSON, where the operator of the server logs them.
    """

    id: UUID
    at: dt.datetime
    server: str
    tool: str
    subject: str
    outcome: str
    duration_ms: float
    arguments_sha256: str
    arguments: str | None
    request_id: str


class CallPage(Struct, frozen=True):
    """The newest first. `kept_days`: how long they are kept."""

    items: list[CallAnswer]
    next_cursor: str | None
    kept_days: int
