"""A request under way over HTTP: what its stream says is for the one who made it."""

import asyncio
import time

from bridge.sources.asks import LOG_MESSAGE, PROGRESS
from bridge.sources.connection import Era, Inbox, Notice
from bridge.sources.http.sse import Event
from bridge.sources.prepared import read_notice, restore_token

RETRY_S = 1.0
MIN_RETRY_S, MAX_RETRY_S = 0.1, 30.0


class Call:
    def __init__(self, call_id: int, method: str, *, inbox: Inbox | None) -> None:
        self.id = call_id
        self.method = method
        self.inbox = inbox
        self.token: bytes | None = None  # of progress, as its caller wrote it
        self.asks: set[asyncio.Task[None]] = set()
        self.last_event_id: str | None = None
        self.retry_s = RETRY_S
        self._began_s = time.monotonic()

    @property
    def waited_s(self) -> float:
        return 0.0 if self.asks else time.monotonic() - self._began_s

    def note(self, event: Event) -> None:
        """Where to go on if the stream ends, and when."""
        if event.id is not None:
            self.last_event_id = event.id
        if event.retry_ms is not None:
            self.retry_s = min(max(event.retry_ms / 1_000, MIN_RETRY_S), MAX_RETRY_S)

    def take_notice(self, notice: Notice, *, era: Era) -> bool:
        """Whether it concerns this call. In the older era news for everybody may come along."""
        if notice.method == PROGRESS:
            if self.token is None or read_notice(notice.params).token != self.id:
                return True  # of nobody
            notice = restore_token(notice.params, self.token)
        elif era == "legacy" and notice.method != LOG_MESSAGE:
            return False
        if self.inbox is not None:
            self.inbox.take_notice(notice)
        return True

    def end(self) -> None:
        for task in self.asks:
            task.cancel()
