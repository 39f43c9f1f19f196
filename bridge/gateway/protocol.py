"""HTTP/1.1 as it is read, bounded: how much a request may be, and how long it may take to come.

httptools keeps whatever header comes until it is whole, without an end, and anybody may send one before the door.
"""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from bridge.gateway.wire import Protocol

HEAD_BYTES = 64 << 10
MOST_BYTES = 32 << 20  # with what chunks carry beside the body, which has a limit of its own
MOST_UNREAD_BYTES = 32 << 20  # an answer may have half of it
PATIENCE_S = 60.0  # for a request to be whole
TOO_MUCH = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)  # fmt: skip


class BoundedSocket(WebSocketsSansIOProtocol):
    """Each ping is answered, also to one who reads no answers: he is cut off before they fill the memory."""

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.transport.get_write_buffer_size() > MOST_UNREAD_BYTES:
            self.transport.abort()


class BoundedProtocol(Protocol):
    """`note` it now and then: it tells whether its request has been coming for too long."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._counted: object = None  # the scope of the request that is counted
        self._bytes = 0
        self._since_s: float | None = None

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.scope is not self._counted:
            self._counted, self._bytes, self._since_s = self.scope, 0, None
        self._bytes += len(data)
        if (
            self._bytes > HEAD_BYTES
            and (self._bytes > MOST_BYTES or self._is_in_head)
            and not self.transport.is_closing()
        ):
            self.transport.write(TOO_MUCH if self._is_in_head else b"")
            self.transport.close()

    @property
    def _is_in_head(self) -> bool:
        return self.cycle is None or self.cycle.scope is not self.scope

    def note(self, now_s: float) -> None:
        """Ends it when its request, or its first word, has been awaited for PATIENCE_S."""
        if not (self._is_in_head or self.cycle.more_body):
            self._since_s = None
        elif self._since_s is None:
            self._since_s = now_s
        elif now_s - self._since_s > PATIENCE_S:
            self.transport.abort()
