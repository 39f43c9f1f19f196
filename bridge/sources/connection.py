"""One open connection to an MCP server, whatever carries it. Bytes go through: params and results are never rebuilt."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, NamedTuple, Protocol

Era = Literal["legacy", "modern"]
MODERN_VERSION = "2026-07-28"
LEGACY_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")


class Answer(NamedTuple):
    """The JSON of `result` or of `error`, as the server wrote it."""

    body: bytes
    is_error: bool = False


class Notice(NamedTuple):
    """A notification of the server: method and the JSON of its params (b"{}" without)."""

    method: str
    params: bytes


class Line(NamedTuple):
    """Of a server's log. `stream`: stdout (what is no message), stderr, protocol (what broke it) or life."""

    stream: str
    text: str
    pid: int | None = None  # of the child that wrote it, or of whose life it tells


OnLog = Callable[[Line], None]


class Ask(NamedTuple):
    """A request of a legacy server to its client (sampling, elicitation, roots, ping)."""

    method: str
    params: bytes


class Inbox(Protocol):
    """What comes back while a request is under way, by the one who made it."""

    def take_notice(self, notice: Notice) -> None: ...

    async def answer(self, ask: Ask) -> Answer: ...


class Connection(Protocol):
    """Requests of many callers, multiplexed. Cancelling the task that waits for `request` tells the server
    (`notifications/cancelled`, or the stream's end), and nobody else notices.
    """

    era: Era
    version: str
    server_info: bytes  # JSON
    capabilities: bytes  # JSON
    instructions: str | None
    in_flight: int
    pid: int | None  # of the child; None where there is none of ours
    ended: asyncio.Future[str]  # why it ended, as soon as it has: nobody needs to look

    @property
    def is_open(self) -> bool: ...

    @property
    def longest_wait_s(self) -> float:
        """How long the oldest call under way has waited, questions to its caller left out; 0 without any."""
        ...

    async def request(
        self, method: str, params: bytes, *, timeout_s: float, inbox: Inbox | None = None, name: str | None = None
    ) -> Answer:
        """`params`: a JSON object in the era of this connection. `name`: of the tool, resource or prompt, for headers.
        Raises ConnectionLost when it ends before the answer, RequestTimeout after `timeout_s` (the server is told),
        AnswerTooLarge for an answer beyond the server's limit, MalformedError (bridge.engine.envelope) for params that
        are no object.
        """
        ...

    def notify(self, method: str, params: bytes) -> None: ...

    def listen(self, take: Callable[[Notice], None]) -> Callable[[], None]:
        """All that belongs to no request (list_changed, resources/updated, log messages); returns how to stop."""
        ...

    async def close(self, *, grace_s: float = 2.0) -> None:
        """Ends it: standard input closed, SIGTERM to the group, SIGKILL after `grace_s`. Never raises."""
        ...


Opener = Callable[[], Awaitable[Connection]]


class UpstreamError(Exception):
    """A server did not do its part; the message is fit for a caller."""


class ConnectionLost(UpstreamError):  # noqa: N818 - it is what happened
    """It ended, or never began."""


class CredentialsRefused(UpstreamError):  # noqa: N818
    """It wants other credentials than the operator gave it."""


class RequestTimeout(UpstreamError):  # noqa: N818
    """No answer within the time."""


class AnswerTooLarge(UpstreamError):  # noqa: N818
    """It answered with more than its limit; the answer is not kept."""
