"""The local embedder over HTTP, one process for many: plain ASGI. POST / takes texts and gives vectors (`wire.py`).

200 vectors   400 not what is asked for   401 no key   404, 405 elsewhere   413 too much at once
429 too many are waiting   503 the model cannot be loaded, or is being made and will be there in `retry_after_s`
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import msgspec

from rag.engine.embedding import EmbedderError
from rag.sources.embedder import Embedder
from rag.sources.minilm.wire import (
    KEY_HEADER,
    MAX_BODY_BYTES,
    MAX_TEXTS,
    MEDIA_TYPE,
    EmbedReply,
    EmbedRequest,
    PackedText,
    Refusal,
)

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
WORKERS: Final = 2
MAX_WAITING: Final = 32


class _RefusedError(Exception):
    def __init__(self, status: int, words: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(words)
        self.status, self.retry_after_s = status, retry_after_s


class EmbedderApp:
    """`api_key`: what a request must carry; empty: nothing, for a socket that only we can reach."""

    def __init__(self, embedder: Embedder, *, api_key: str = "") -> None:
        self._embedder = embedder
        self._api_key = api_key.encode()
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="embedder")
        self._waiting = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        try:
            content = await self._serve(scope, receive)
            status = 200
        except _RefusedError as refused:
            content = msgspec.msgpack.encode(Refusal(str(refused), refused.retry_after_s))
            status = refused.status
        headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(content)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _serve(self, scope: Message, receive: Receive) -> bytes:
        headers = dict(scope["headers"])
        if self._api_key and not secrets.compare_digest(headers.get(KEY_HEADER.encode(), b""), self._api_key):
            raise _RefusedError(401, f"the header {KEY_HEADER} does not hold the key of this service")
        if scope["path"] not in {"", "/"}:
            raise _RefusedError(404, "there is only /")
        if scope["method"] != "POST":
            raise _RefusedError(405, "texts are sent by POST")
        request = _read_request(await _read(receive))
        if self._waiting >= MAX_WAITING:
            raise _RefusedError(429, "too many are waiting: try again in a second")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._embed, request)
        finally:
            self._waiting -= 1

    def _embed(self, request: EmbedRequest) -> bytes:
        try:
            embedded = self._embedder.embed(request.texts, with_tokens=request.with_tokens)
        except EmbedderError as error:
            raise _RefusedError(503, str(error), retry_after_s=error.retry_after_s) from error
        reply = EmbedReply(self._embedder.model, [PackedText.pack(one) for one in embedded])
        content: bytes = msgspec.msgpack.encode(reply)
        return content


def _read_request(body: bytes) -> EmbedRequest:
    try:
        request = msgspec.msgpack.decode(body, type=EmbedRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _RefusedError(400, f"the body is no request in MessagePack: {error}") from error
    if len(request.texts) > MAX_TEXTS:
        raise _RefusedError(413, f"{len(request.texts)} texts: {MAX_TEXTS} are taken at once")
    return request


async def _read(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _RefusedError(400, "the body broke off")
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _RefusedError(413, f"more than {MAX_BODY_BYTES} bytes at once")
        if not message.get("more_body"):
            return body
