"""What a gateway sees of its servers, told to the control plane: derived from what lives, never from what was asked."""

from enum import StrEnum
from typing import Any

from msgspec import Struct


class Condition(StrEnum):
    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"  # it runs, and does not answer as it should
    BACKOFF = "backoff"  # it ended; the next start waits
    CRASH_LOOP = "crash_loop"  # it ended too often: it rests for minutes, unless somebody starts it
    DRAINING = "draining"


class ConnectionSeen(Struct, frozen=True):
    """One connection: a child process or a session with an HTTP server."""

    key: str  # "shared", "0".."n-1", a session's or a tenant's
    condition: Condition
    era: str | None  # the protocol version spoken
    pid: int | None
    since: float  # seconds since 1970
    in_flight: int
    calls: int
    errors: int
    restarts: int
    rss_bytes: int | None
    cpu_s: float | None
    last_error: str | None


class ServerSeen(Struct, frozen=True):
    name: str
    revision: int
    condition: Condition
    connections: tuple[ConnectionSeen, ...]
    queued: int
    breaker: str  # closed, open, half_open: it rested, the next call tries
    tools: int | None  # None: it was never asked
    capabilities: Any  # its JSON object: told as Raw, read as a dict (msgspec reads no Raw | None); None: never asked
    server_info: Any  # likewise
    quarantined: tuple[str, ...]  # tools whose description is not the approved one
    last_error: str | None
    last_error_at: float | None
    seen_pins: dict[str, str]  # tool -> SHA-256 of what it shows now


class GatewaySeen(Struct, frozen=True):
    """One gateway process, told every second or two; it is gone when it says nothing for ten."""

    instance: str
    pid: int
    since: float
    version: str
    catalogue_revision: int | None
    is_draining: bool
    sessions: int
    streams: int
    servers: tuple[ServerSeen, ...]
