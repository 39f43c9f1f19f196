"""A client of the transport of 2024-11-05: one stream on which everything comes back, one session that begins on it.

A line lives in this process alone, as its stream does: who loses it opens another.
"""

import asyncio
import secrets
from collections.abc import Coroutine, Iterator
from typing import Any
from uuid import UUID

from bridge.engine.envelope import write_error, write_result
from bridge.gateway.door.caller import Caller
from bridge.gateway.exchange import LegacyExchange, Outcome
from bridge.gateway.inbound import Inbound
from bridge.gateway.refusal import CODES, Refusal
from bridge.gateway.session import Channel, Session
from bridge.gateway.stream import EventStream, Streams, write_event

MOST_LINES, MOST_OF_TENANT = 2_000, 100
AT_ONCE = 64  # messages of one line that are not answered yet


class Line:
    """`id` is known to its client alone, and good for its own tenant and subject only."""

    def __init__(self, inbound: Inbound) -> None:
        self.id = secrets.token_urlsafe(32)
        self.caller, self.server = inbound.caller, inbound.server
        self.stream = EventStream(inbound.send, headers=inbound.answer_headers)
        self.session: Session | None = None
        self._calls: set[asyncio.Task[None]] = set()
        self._is_leaving = False

    def is_of(self, caller: Caller, server: str | None) -> bool:
        own = (self.caller.tenant_id, self.caller.subject, self.server)
        return own == (caller.tenant_id, caller.subject, server)

    def join(self, session: Session) -> None:
        self.session = session
        session.general = LineChannel(session, self)

    def put(self, message: bytes) -> None:
        self.stream.put(write_event(message))

    def run(self, call: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(call)
        self._calls.add(task)
        task.add_done_callback(self._forget)

    @property
    def is_full(self) -> bool:
        return len(self._calls) >= AT_ONCE

    def leave(self) -> None:
        """The gateway goes: what is under way is still answered."""
        self._is_leaving = True
        if not self._calls:
            self.stream.end()

    def end(self) -> None:
        """Nobody reads any more."""
        self.stream.end()
        for task in tuple(self._calls):
            task.cancel()

    def _forget(self, task: asyncio.Task[None]) -> None:
        self._calls.discard(task)
        if self._is_leaving and not self._calls:
            self.stream.end()


class LineChannel(Channel):
    """Of a session on a line: nothing is kept for a client that comes back, since it cannot."""

    def __init__(self, session: Session, line: Line) -> None:
        super().__init__(session, "line")
        self._line = line

    def put(self, message: bytes) -> None:
        self._line.put(message)

    def end(self) -> None:
        self._line.end()


class LineExchange(LegacyExchange):
    """A request whose POST was answered at once: all that belongs to it comes on the line."""

    __slots__ = ()

    def join(self, session: Session) -> None:
        super().join(session)
        self.accepts_events = True

    def put(self, message: bytes) -> None:
        self.session.general.put(message)

    async def finish(self, outcome: Outcome) -> None:
        """One the client cancelled has no answer in this transport."""
        if not self.is_answered and not self.is_cancelled_by_client:
            self.put((write_error if outcome.is_error else write_result)(self.id, outcome.body))
        self.is_answered = True


class Lines:
    """Those that are open, by their ids."""

    def __init__(self) -> None:
        self.streams = Streams()
        self._open: dict[str, Line] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Line]:
        return iter(tuple(self._open.values()))

    def open(self, inbound: Inbound) -> Line:
        """Raises Refusal 429."""
        if len(self) >= MOST_LINES or self._count(inbound.caller.tenant_id) >= MOST_OF_TENANT:
            raise Refusal(
                "too-many", "Too many streams of this kind are open. Close some, or speak Streamable HTTP.",
                status=429, code=CODES["too-many"], retry_after_s=30.0,
            )  # fmt: skip
        line = Line(inbound)
        self._open[line.id] = line
        return line

    def find(self, line_id: str, caller: Caller, *, server: str | None) -> Line | None:
        """None: unknown, over, or another's."""
        line = self._open.get(line_id)
        return line if line is not None and line.is_of(caller, server) else None

    def close(self, line: Line) -> None:
        self._open.pop(line.id, None)
        line.end()

    def leave(self) -> None:
        for line in self:
            line.leave()

    def end(self) -> None:
        for line in self:
            line.end()

    def _count(self, tenant: UUID) -> int:
        return sum(line.caller.tenant_id == tenant for line in self)
