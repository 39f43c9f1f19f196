"""What gateways say they see, as far as they have said it in the last ten seconds."""

import msgspec
import structlog

from bridge.engine.board import SEEN
from bridge.engine.merge import Observed, merge_views
from bridge.engine.observed import GatewaySeen
from bridge.manager.board import board

log = structlog.get_logger(__name__)
_SCAN = 5_000
_decode = msgspec.json.Decoder(GatewaySeen).decode


def read_gateways() -> tuple[GatewaySeen, ...]:
    """The gateways that live, by name. Raises RedisError."""
    keys = sorted(board().scan_iter(match=f"{SEEN}*", count=_SCAN))
    told = board().mget(keys) if keys else []
    found = [seen for raw in told if raw is not None and (seen := _read(raw)) is not None]
    return tuple(sorted(found, key=lambda gateway: gateway.instance))


def observe(name: str, gateways: tuple[GatewaySeen, ...] | None = None) -> Observed | None:
    """One server, as all gateways see it together; None where none has told of it. Raises RedisError."""
    return merge_views(name, read_gateways() if gateways is None else gateways)


def _read(raw: bytes) -> GatewaySeen | None:
    try:
        return _decode(raw)
    except msgspec.DecodeError:
        log.warning("gateway_not_understood")  # of another release
        return None
