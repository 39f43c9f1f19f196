"""What the simulated nodes' servers need of ASGI."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

Message: TypeAlias = MutableMapping[str, Any]  # ASGI's own type
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]


class BodyTooLargeError(ValueError):
    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"{size_bytes} bytes or more")
        self.size_bytes = size_bytes


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """Raises BodyTooLargeError as soon as more than the limit has come."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > limit_bytes:
            raise BodyTooLargeError(len(body))
    return bytes(body)


async def send_answer(send: Send, status: int, *, content: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    length = (b"content-length", str(len(content)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": content})
