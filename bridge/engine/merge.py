"""What several gateways see of one server, as one picture of it."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from msgspec import Struct

from bridge.engine.observed import Condition, ConnectionSeen, GatewaySeen, ServerSeen

T = TypeVar("T", int, float)
_WORST_FIRST = (
    Condition.CRASH_LOOP, Condition.BACKOFF, Condition.DEGRADED, Condition.STARTING, Condition.DRAINING,
    Condition.STOPPED, Condition.READY,
)  # fmt: skip
_ALIVE = {Condition.READY, Condition.DEGRADED}


class SeenBy(Struct, frozen=True):
    """One gateway's view."""

    instance: str
    is_draining: bool
    seen: ServerSeen


class Observed(Struct, frozen=True):
    """Sums over all connections of all gateways; None: nobody measured it. `revision`: the oldest one in force."""

    condition: Condition
    revision: int
    gateways: tuple[SeenBy, ...]
    since: float | None  # seconds since 1970, of the connection that has been ready longest
    in_flight: int
    queued: int
    calls: int
    errors: int
    restarts: int
    rss_bytes: int | None
    cpu_s: float | None
    breaker: str
    tools: int | None
    capabilities: Any
    server_info: Any
    quarantined: tuple[str, ...]
    seen_pins: dict[str, str]
    last_error: str | None
    last_error_at: float | None

    @property
    def connections(self) -> list[ConnectionSeen]:
        return [connection for view in self.gateways for connection in view.seen.connections]


def merge_views(name: str, gateways: Iterable[GatewaySeen]) -> Observed | None:
    """None: no gateway has told of it. A gateway that drains counts as long as it is alone."""
    views = [
        SeenBy(gateway.instance, gateway.is_draining, seen)
        for gateway in gateways
        for seen in gateway.servers
        if seen.name == name
    ]
    if not views:
        return None
    judged = [view.seen for view in views if not view.is_draining] or [view.seen for view in views]
    connections = [connection for view in views for connection in view.seen.connections]
    failed = max(judged, key=lambda seen: seen.last_error_at or 0)
    told = next((seen for seen in judged if seen.capabilities is not None), judged[0])
    return Observed(
        condition=_judge(judged),
        revision=min(seen.revision for seen in judged),
        gateways=tuple(views),
        since=min((one.since for one in connections if one.condition in _ALIVE), default=None),
        in_flight=sum(one.in_flight for one in connections),
        queued=sum(seen.queued for seen in judged),
        calls=sum(one.calls for one in connections),
        errors=sum(one.errors for one in connections),
        restarts=sum(one.restarts for one in connections),
        rss_bytes=_add(one.rss_bytes for one in connections),
        cpu_s=_add(one.cpu_s for one in connections),
        breaker=next(
            (word for word in ("open", "half_open") if any(seen.breaker == word for seen in judged)), "closed"
        ),
        tools=max((seen.tools for seen in judged if seen.tools is not None), default=None),
        capabilities=told.capabilities,
        server_info=told.server_info,
        quarantined=tuple(sorted({tool for seen in judged for tool in seen.quarantined})),
        seen_pins={tool: pin for seen in judged for tool, pin in seen.seen_pins.items()},
        last_error=failed.last_error,
        last_error_at=failed.last_error_at,
    )


def list_unlisted(names: Iterable[str], gateways: Iterable[GatewaySeen]) -> list[str]:
    """Servers that run without standing in the catalogue: the gateway's own, or those of its file."""
    return sorted({seen.name for gateway in gateways for seen in gateway.servers} - set(names))


def _judge(judged: Sequence[ServerSeen]) -> Condition:
    """The worst; where it is ready somewhere else, degraded."""
    found = {seen.condition for seen in judged}
    worst = next(condition for condition in _WORST_FIRST if condition in found)
    return Condition.DEGRADED if Condition.READY in found and worst is not Condition.READY else worst


def _add(amounts: Iterable[T | None]) -> T | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known[1:], known[0]) if known else None
