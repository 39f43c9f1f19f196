"""What both carriers do alike with what a server says by itself: questions, and news for all who listen."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from bridge.engine import envelope
from bridge.sources.connection import Answer, Ask, Inbox, Notice, UpstreamError

CANCELLED, LOG_MESSAGE, PROGRESS = "notifications/cancelled", "notifications/message", "notifications/progress"
LISTEN = "subscriptions/listen"
LIST_CHANGES = b'{"notifications":{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true}}'
MAY_ASK = frozenset({"tools/call", "prompts/get", "resources/read", "completion/complete"})
FOR_EVER_S = 1e9
NO_CALLER = "no call is under way to whose caller this question surely belongs"
WITHDRAWN = "the question was withdrawn, or its caller is gone"


class Asking(Protocol):
    """A request of ours under way."""

    method: str
    inbox: Inbox | None


_Call = TypeVar("_Call", bound=Asking)


def find_only(calls: Iterable[_Call]) -> _Call | None:
    """Whose it is what the server says without saying to whom: of the only call under way that may ask. With two,
    nobody can say, and a stranger's question is shown to no one.
    """
    asking = [call for call in calls if call.method in MAY_ASK]
    return asking[0] if len(asking) == 1 else None


def find_inbox(calls: Iterable[Asking]) -> Inbox | None:
    """Where to put it, if that call's caller can answer."""
    call = find_only(calls)
    return call.inbox if call is not None else None


def has_news(capabilities: bytes) -> bool:
    """Whether the server says that any of its lists may change."""
    return b'"listChanged":true' in capabilities.translate(None, b" \t\r\n")


async def answer_ask(inbox: Inbox, ask: Ask) -> Answer:
    try:
        return await inbox.answer(ask)
    except UpstreamError as error:
        return refuse(envelope.INTERNAL_ERROR, str(error))


def refuse(code: int, message: str) -> Answer:
    return Answer(envelope.make_error(code, message), is_error=True)


def write_answer(ask_id: bytes, answer: Answer) -> bytes:
    write = envelope.write_error if answer.is_error else envelope.write_result
    return write(ask_id, answer.body)


class Listeners:
    """Those who want to hear what belongs to no request."""

    def __init__(self) -> None:
        self._takers: list[Callable[[Notice], None]] = []

    def add(self, take: Callable[[Notice], None]) -> Callable[[], None]:
        self._takers.append(take)

        def stop() -> None:
            if take in self._takers:
                self._takers.remove(take)

        return stop

    def tell(self, notice: Notice) -> None:
        for take in tuple(self._takers):
            take(notice)


class Broadcast:
    """The inbox of a subscription: what comes is for all who listen."""

    def __init__(self, listeners: Listeners) -> None:
        self.take_notice: Callable[[Notice], Any] = listeners.tell

    async def answer(self, ask: Ask) -> Answer:
        return refuse(envelope.METHOD_NOT_FOUND, "a subscription answers no questions")
