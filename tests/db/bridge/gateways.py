"""What gateways write, as they write it."""

import time
from typing import Any

import msgspec
from msgspec import Raw

from bridge.engine.board import CATALOGUE, LOG, SEEN, open_catalogue
from bridge.engine.observed import Condition, ConnectionSeen, GatewaySeen, ServerSeen
from bridge.engine.server import Catalogue
from bridge.manager.board import board, state_key


def make_connection(**said: Any) -> ConnectionSeen:
    usual: dict[str, Any] = {
        "key": "shared", "condition": Condition.READY, "era": "2025-11-25", "pid": 4711, "since": time.time() - 60,
        "in_flight": 1, "calls": 10, "errors": 2, "restarts": 1, "rss_bytes": 50 << 20, "cpu_s": 1.5,
        "last_error": None,
    }  # fmt: skip
    return ConnectionSeen(**usual | said)


def make_seen(name: str, **said: Any) -> ServerSeen:
    usual: dict[str, Any] = {
        "name": name, "revision": 1, "condition": Condition.READY, "connections": (make_connection(),), "queued": 0,
        "breaker": "closed", "tools": 1, "capabilities": Raw(b'{"tools":{}}'), "server_info": Raw(b'{"name":"x"}'),
        "quarantined": (), "last_error": None, "last_error_at": None, "seen_pins": {"echo": "ab" * 32},
    }  # fmt: skip
    return ServerSeen(**usual | said)


def make_gateway(instance: str, *servers: ServerSeen, is_draining: bool = False) -> GatewaySeen:
    return GatewaySeen(instance, 1, time.time(), "1", 1, is_draining, 0, 0, servers)


def tell(gateway: GatewaySeen) -> None:
    board().set(SEEN + gateway.instance, msgspec.json.encode(gateway), ex=10)


def read_told() -> Catalogue | None:
    """The catalogue as a gateway reads it."""
    sealed, key = board().get(CATALOGUE), state_key()
    assert key is not None
    return open_catalogue(sealed, key) if sealed is not None else None


def write_line(server: str, text: str, *, stream: str = "stderr") -> str:
    fields = {"at": str(time.time()), "stream": stream, "pid": "4711", "text": text}
    return str(board().xadd(LOG + server, fields).decode())
