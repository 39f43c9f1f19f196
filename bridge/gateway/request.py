"""One request of a client, whatever brought it: HTTP of either era, a WebSocket, the REST surface."""

import time
from collections.abc import Mapping
from typing import Protocol

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import write_object
from bridge.engine.era import Client, Members
from bridge.gateway.door.caller import Caller
from bridge.gateway.refusal import INVALID_PARAMS, Refusal
from bridge.gateway.stream import Header
from bridge.sources.connection import Answer, Ask, Notice

_read_text = msgspec.json.Decoder(str).decode


class Asker(Protocol):
    """The client's side of a call under way: an inbox that knows whose it is."""

    caller: Caller
    can_answer: bool  # questions of the server reach somebody

    def take_notice(self, notice: Notice) -> None: ...

    async def answer(self, ask: Ask) -> Answer: ...


class Request(Struct):
    """`server` None: all servers, names prefixed. `timeout_s`: as the caller wishes; `session`: of a legacy client."""

    caller: Caller
    client: Client
    method: str
    params: Members
    asker: Asker
    server: str | None = None
    session: str | None = None
    timeout_s: float | None = None
    priority: int = 0
    request_id: str = ""
    headers: Mapping[bytes, bytes] | None = None  # of a modern client over HTTP, which mirrors arguments there
    raw: bytes = b""  # the params as they came, while nothing in them has changed
    told: tuple[Header, ...] = ()  # beside the answer: how much of the rate is left
    began_s: float = msgspec.field(default_factory=time.perf_counter)

    def change(self, name: str, value: bytes) -> None:
        """Another value (JSON) of a member of the params."""
        self.params = {**self.params, name: Raw(value)}
        self.raw = b""

    def write_params(self) -> bytes:
        return self.raw or write_object(self.params)

    def read_text(self, name: str) -> str:
        """A member of the params. Raises Refusal -32602."""
        value = self.params.get(name)
        if value is None:
            raise Refusal("invalid-params", f"params.{name} is missing.", status=400, code=INVALID_PARAMS)
        return read_text(value, name)


def read_text(value: Raw, name: str) -> str:
    """Raises Refusal -32602."""
    try:
        return _read_text(value)
    except msgspec.DecodeError:
        raise Refusal("invalid-params", f"params.{name} must be a string.", status=400, code=INVALID_PARAMS) from None
