"""Requests under way on one connection, by our ids. Overdue ones are found by a look every so often, without timers."""

import asyncio
from collections.abc import Iterator

from bridge.sources.connection import Answer, Inbox, RequestTimeout

REMEMBERED = 1_024  # calls whose late answer is no wonder
LOOK_S = 0.05  # how late a timeout may come


class Call:
    __slots__ = ("asks", "deadline", "future", "inbox", "method", "timeout_s", "token")

    def __init__(self, loop: asyncio.AbstractEventLoop, method: str, *, inbox: Inbox | None, timeout_s: float) -> None:
        self.future: asyncio.Future[Answer] = loop.create_future()
        self.method, self.inbox, self.timeout_s = method, inbox, timeout_s
        self.deadline = loop.time() + timeout_s
        self.token: bytes | None = None  # of progress, as its caller wrote it
        self.asks: set[asyncio.Task[Answer]] | None = None  # what the server asks meanwhile


class Calls:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._calls: dict[int, Call] = {}
        self._is_looking = False
        self._abandoned: dict[int, bool] = {}  # whether the server may still be at work for its caller, and ask him
        self._has_forgotten = False  # one of those
        self.last_id = 0

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Call]:
        return iter(self._calls.values())

    def start(self, method: str, *, inbox: Inbox | None, timeout_s: float) -> tuple[int, Call]:
        self.last_id += 1
        call = Call(self._loop, method, inbox=inbox, timeout_s=timeout_s)
        self._calls[self.last_id] = call
        if not self._is_looking:
            self._is_looking = True
            self._loop.call_later(LOOK_S, self._look)
        return self.last_id, call

    def find(self, call_id: object) -> Call | None:
        return self._calls.get(call_id)  # type: ignore[call-overload, no-any-return]

    def take(self, call_id: object) -> Call | None:
        """The call, which is under way no more."""
        return self._calls.pop(call_id, None)  # type: ignore[call-overload, no-any-return]

    def abandon(self, call_id: int, *, may_ask: bool) -> None:
        """Its answer may still come."""
        self._abandoned[call_id] = may_ask
        if len(self._abandoned) > REMEMBERED:
            self._has_forgotten |= self._abandoned.pop(next(iter(self._abandoned)))

    def was_abandoned(self, call_id: object) -> bool:
        """Asked once: a second answer is one too many."""
        return self._abandoned.pop(call_id, None) is not None  # type: ignore[call-overload]

    @property
    def has_left_asking(self) -> bool:
        """Whether a question may be of a call that nobody waits for any more: its answer has not come."""
        return self._has_forgotten or any(self._abandoned.values())

    def fail_all(self, error: Exception) -> None:
        calls, self._calls = self._calls, {}
        for call in calls.values():
            if not call.future.done():
                call.future.set_exception(error)

    def _look(self) -> None:
        now = self._loop.time()
        for call in self._calls.values():
            if call.asks and not all(task.done() for task in call.asks):
                call.deadline += LOOK_S  # while its caller is asked something the clock stands: people take their time
            elif call.deadline <= now and not call.future.done():
                call.future.set_exception(RequestTimeout(f"no answer within {round(call.timeout_s, 3):g} s"))
        self._is_looking = bool(self._calls)
        if self._is_looking:
            self._loop.call_later(LOOK_S, self._look)
