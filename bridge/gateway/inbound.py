"""One HTTP request as it came in: its headers looked at once, who sent it, and where its answer goes."""

import asyncio
import itertools
import os
from collections.abc import Mapping, Sequence
from typing import Protocol

from bridge.gateway.door.caller import Caller
from bridge.gateway.door.entrance import Door
from bridge.gateway.door.staying import Staying
from bridge.gateway.refusal import INVALID_REQUEST, Refusal
from bridge.gateway.stream import Header, Receive, Scope, Send

WIRE = "dazbox.wire"  # of the scope, where the server is our own
LEAST_PRIORITY, MOST_PRIORITY = -10, 10
REQUEST_ID = b"x-request-id"
SINGLE = (b"host", b"origin", b"authorization")  # of whom, and for whom: a reader on the way must see the same one
_FIRST = os.urandom(10).hex()  # of this process; what follows is a number
_NUMBERS = itertools.count(1)


class Wire(Protocol):
    """What our own server can do beside ASGI's receive and send, without waiting. `names`: the headers by name; `task`:
    in which the request is served.
    """

    names: dict[bytes, bytes]
    task: asyncio.Task[None]

    def take_body(self) -> bytes | None:
        """The body, once, when all of it is here; else None, and `receive` brings it."""
        ...

    def reply(self, status: int, *, headers: tuple[Header, ...], body: bytes) -> bool:
        """All of an answer of JSON; False where only `send` can do it."""
        ...

    def has_left(self) -> bool:
        """Whether the client went away."""
        ...


class Inbound:
    """`server` None: all of them. `answer_headers`: CORS, and what else each answer carries, a refusal too."""

    __slots__ = (
        "answer_headers",
        "caller",
        "headers",
        "message_id",
        "receive",
        "request_id",
        "scope",
        "send",
        "server",
        "wire",
    )

    caller: Caller  # once the door let it in

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self.receive, self.send = scope, receive, send
        self.wire: Wire | None = scope.pop(WIRE, None)  # taken out, since it leads back to the scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"]) if self.wire is None else self.wire.names
        self.request_id = read_request_id(self.headers)
        self.server: str | None = None
        self.answer_headers: tuple[Header, ...] = ()
        self.message_id = b"null"  # JSON, of the message once it is read

    @property
    def accepts_events(self) -> bool:
        return b"text/event-stream" in self.headers.get(b"accept", b"")

    @property
    def timeout_s(self) -> float | None:
        """As the caller wishes it, in seconds. Raises Refusal."""
        value = self.headers.get(b"x-timeout")
        return None if value is None else read_number(value, "X-Timeout")

    @property
    def priority(self) -> int:
        """The smaller, the sooner, among the calls of the same tenant. Raises Refusal."""
        value = self.headers.get(b"x-priority")
        if value is None:
            return 0
        return round(min(max(read_number(value, "X-Priority"), LEAST_PRIORITY), MOST_PRIORITY))

    def find_twin(self, names: Sequence[bytes]) -> str | None:
        """A header that stands there more than once: readers on the way may see another than we do."""
        raw = self.scope["headers"]
        if len(raw) == len(self.headers):
            return None
        seen: set[bytes] = set()
        for name, _ in raw:
            if name in names and name in seen:
                return str(name.decode())
            seen.add(name)
        return None

    def check_single(self) -> None:
        """Raises Refusal 400."""
        twin = self.find_twin(SINGLE)
        if twin is not None:
            words = f"The header {twin} stands there more than once."
            raise Refusal("invalid-header", words, status=400, code=INVALID_REQUEST)

    def stay(self, door: Door) -> Receive:
        """As `receive`, for one who stays."""
        return Staying(door, self.scope, self.receive).receive


def read_number(value: bytes, name: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not -1e9 < number < 1e9:
        raise Refusal("invalid-header", f"{name} must be a number.", status=400, code=INVALID_REQUEST)
    return number


def read_request_id(headers: Mapping[bytes, bytes]) -> str:
    given = headers.get(REQUEST_ID)
    if given is not None and len(given) <= 64 and given.isascii() and given.decode().isprintable():
        return given.decode()
    return make_request_id()


def make_request_id() -> str:
    return f"{_FIRST}{next(_NUMBERS):012x}"
