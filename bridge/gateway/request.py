"""One request of a client, whatever brought it: HTTP of either era, a WebSocket, the REST surface."""

import time
from collections.abc import Mapping
from typing import Protocol

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import read_object, write_object
from bridge.engine.era import Client, Members
from bridge.gateway.door.caller import Caller
from bridge.gateway.refusal import INVALID_PARAMS, Refusal
from bridge.gateway.stream import Header
from bridge.sources.connection import Answer, Ask, Notice

# Looked at here, before a server reads them.
NAMES = frozenset({
    "name", "arguments", "uri", "ref", "_meta", "level", "cursor", "inputResponses", "requestState", "notifications",
})  # fmt: skip
_FOLDED = frozenset(name.casefold() for name in NAMES)
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
    began_s: float = msgspec.field(default_factory=time.monotonic)

    def change(self, name: str, value: bytes) -> None:
        """Another value (JSON) of a member of the params."""
        self.params = {**self.params, name: Raw(value)}
        self.raw = b""

    def write_params(self) -> bytes:
        return self.raw if is_bare(self.raw, self.params) else write_object(self.params)

    def read_text(self, name: str) -> str:
        """A member of the params. Raises Refusal -32602."""
        value = self.params.get(name)
        if value is None:
            raise Refusal("invalid-params", f"params.{name} is missing.", status=400, code=INVALID_PARAMS)
        return read_text(value, name)


def read_params(raw: Raw) -> Members:
    """The server must see what is looked at here: a reader that does not care for case takes `Name` for the name.

    Raises Refusal -32602 for such a member, MalformedError for what is no object.
    """
    params = read_object(bytes(raw)) if raw else {}
    for name in params:
        if name not in NAMES and name.casefold() in _FOLDED:
            raise Refusal("invalid-params", f"params.{name} is misspelt.", status=400, code=INVALID_PARAMS)
    return params


def is_bare(raw: bytes, params: Members) -> bool:
    """Whether these very bytes hold the members and nothing else: no blanks, no escaped name, above all no member
    twice, of which a server might take the one that was not looked at.
    """
    length = 1
    for name, value in params.items():
        length += len(name) + len(value) + 4
    return length == len(raw)


def read_text(value: Raw, name: str) -> str:
    """Raises Refusal -32602."""
    try:
        return _read_text(value)
    except msgspec.DecodeError:
        raise Refusal("invalid-params", f"params.{name} must be a string.", status=400, code=INVALID_PARAMS) from None
