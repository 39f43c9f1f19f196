"""One server as the gateway sees it now, for the control plane and the status."""

from collections.abc import Sequence

from msgspec import Raw

from bridge.engine.observed import ServerSeen
from bridge.gateway.fleet.upstream import Upstream
from mcp_saas.kit.breaker import Breaker


def see_server(
    upstream: Upstream, *, quarantined: Sequence[str], seen_pins: dict[str, str], tools: int | None
) -> ServerSeen:
    slots = tuple(upstream.slots.values())
    connection = next((slot.connection for slot in slots if slot.connection is not None), None)
    failed = [slot for slot in slots if slot.last_error_at is not None]
    last = max(failed, key=lambda slot: slot.last_error_at or 0.0, default=None)
    return ServerSeen(
        name=upstream.server.name,
        revision=upstream.server.revision,
        condition=upstream.condition,
        connections=tuple(slot.read() for slot in slots),
        queued=upstream.queue.waiting,
        breaker=tell_breaker(upstream.breaker),
        tools=tools,
        capabilities=Raw(connection.capabilities) if connection is not None else None,
        server_info=Raw(connection.server_info) if connection is not None else None,
        quarantined=tuple(quarantined),
        last_error=last.last_error if last is not None else None,
        last_error_at=last.last_error_at if last is not None else None,
        seen_pins=seen_pins,
    )


def tell_breaker(breaker: Breaker) -> str:
    if breaker.is_open:
        return "open"
    return "half_open" if breaker.is_half_open else "closed"
