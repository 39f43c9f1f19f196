"""What the gateway is doing, told from what lives: nothing here is remembered or guessed.

An operator sees all of it. A tenant sees the servers it may reach, and its own counts; never another's, nor what a
process or an error of a server would tell of others.
"""

import time
from uuid import UUID

from msgspec import Struct

from bridge.engine.observed import ConnectionSeen, GatewaySeen, ServerSeen
from bridge.gateway.door import access
from bridge.gateway.door.caller import Caller, Operator, Visitor
from bridge.gateway.living import Living
from bridge.gateway.metrics import Tally


class ServerStatus(Struct, frozen=True):
    """`waiting` and `in_flight`: of all, or of the tenant that asks. From `calls` on: for operators, else null.

    Durations are upper bounds of the histogram's buckets; null where there were no calls, or they took longer.
    """

    name: str
    condition: str
    breaker: str
    tools: int | None
    quarantined: tuple[str, ...]
    waiting: int
    in_flight: int
    calls: int | None = None
    outcomes: dict[str, int] | None = None
    p50_s: float | None = None
    p95_s: float | None = None
    p99_s: float | None = None
    unchecked_tools: dict[str, str] | None = None  # whose schema is not applied, and why
    last_error: str | None = None
    last_error_at: float | None = None
    connections: tuple[ConnectionSeen, ...] | None = None


class Fault(Struct, frozen=True):
    at: float
    server: str
    outcome: str


class GatewayStatus(Struct, frozen=True):
    """For operators."""

    instance: str
    pid: int
    sessions: int
    streams: int
    catalogue_revision: int | None
    calls_a_second: float  # over the last minute
    refusals: dict[str, int]
    cache_hits: int
    cache_misses: int
    cache_bytes: int
    shared_calls: int
    invalid_arguments: int
    audit_waiting: int
    audit_written: int
    audit_lost: int
    audit_is_away: bool
    keys_age_min: int | None  # since the issuer's keys were read; null: they were not
    faults: tuple[Fault, ...]  # the last timeouts and lost calls, the newest first


class Own(Struct, frozen=True):
    """For a tenant: what it has used."""

    tenant_id: UUID
    calls_today: int
    calls_a_day: int
    calls_a_minute: int
    calls_a_minute_of_server: int


class Status(Struct, frozen=True):
    version: str
    since: float
    is_draining: bool
    servers: tuple[ServerStatus, ...]
    gateway: GatewayStatus | None = None
    you: Own | None = None


def read_status(app: Living, visitor: Visitor) -> Status:
    seen = app.see()
    if isinstance(visitor, Operator) or visitor.is_guest:
        servers = tuple(read_server(app, server) for server in seen.servers)
        return Status(seen.version, seen.since, seen.is_draining, servers, gateway=read_gateway(app, seen))
    reached = (server for server in seen.servers if reaches(app, server, caller=visitor))
    servers = tuple(read_own_server(app, server, caller=visitor) for server in reached)
    return Status(seen.version, seen.since, seen.is_draining, servers, you=read_own(app, visitor))


def read_server(app: Living, seen: ServerSeen) -> ServerStatus:
    tally = app.metrics.servers.get(seen.name) or Tally()
    return ServerStatus(
        name=seen.name,
        condition=seen.condition.value,
        breaker=seen.breaker,
        tools=seen.tools,
        quarantined=seen.quarantined,
        waiting=seen.queued,
        in_flight=sum(one.in_flight for one in seen.connections),
        calls=tally.calls,
        outcomes=dict(sorted(tally.outcomes.items())),
        p50_s=tally.quantile_s(0.5),
        p95_s=tally.quantile_s(0.95),
        p99_s=tally.quantile_s(0.99),
        unchecked_tools=app.schemas.faults(seen.name),
        last_error=seen.last_error,
        last_error_at=seen.last_error_at,
        connections=seen.connections,
    )


def reaches(app: Living, seen: ServerSeen, *, caller: Caller) -> bool:
    served = app.fleet.upstreams.get(seen.name)
    return served is not None and access.may_reach(served.server.access, caller.tenant_id)


def read_own_server(app: Living, seen: ServerSeen, *, caller: Caller) -> ServerStatus:
    served = app.fleet.upstreams[seen.name]
    in_flight, waiting = served.queue.count(caller.tenant_id)
    may_see = served.server.access
    return ServerStatus(
        name=seen.name,
        condition=seen.condition.value,
        breaker=seen.breaker,
        tools=seen.tools if may_see.tools is None else len(may_see.tools),
        quarantined=tuple(name for name in seen.quarantined if access.may_see(may_see, name)),
        waiting=waiting,
        in_flight=in_flight,
    )


def read_gateway(app: Living, seen: GatewaySeen) -> GatewayStatus:
    keys, audit, answers, metrics = app.keys, app.audit, app.answers, app.metrics
    read_at_s = keys.read_at_s if keys is not None else None
    return GatewayStatus(
        instance=seen.instance,
        pid=seen.pid,
        sessions=seen.sessions,
        streams=seen.streams,
        catalogue_revision=seen.catalogue_revision,
        calls_a_second=round(metrics.calls_a_second, 2),
        refusals=dict(sorted(metrics.refusals.items())),
        cache_hits=answers.hits,
        cache_misses=answers.misses,
        cache_bytes=answers.bytes,
        shared_calls=app.flights.shared,
        invalid_arguments=app.schemas.refused,
        audit_waiting=audit.backlog,
        audit_written=audit.written,
        audit_lost=audit.lost,
        audit_is_away=audit.is_away,
        keys_age_min=None if read_at_s is None else int((time.monotonic() - read_at_s) / 60),
        faults=tuple(Fault(*fault) for fault in reversed(metrics.faults)),
    )


def read_own(app: Living, caller: Caller) -> Own:
    policy = app.rates.policy
    return Own(
        tenant_id=caller.tenant_id,
        calls_today=app.rates.used_today(caller.tenant_id),
        calls_a_day=policy.a_day,
        calls_a_minute=policy.a_minute,
        calls_a_minute_of_server=policy.a_minute_of_server,
    )
