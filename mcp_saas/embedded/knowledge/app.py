"""The loopback service: Qdrant's REST over the embedded engine, and the served embedder below /embed.

The event loop only moves bytes; all work is done by two threads, so that a slow request does not hold up a fast one.
"""

import asyncio
import base64
import binascii
import secrets
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import unquote

import msgspec

from mcp_saas.embedded.knowledge.catalog import Catalog
from mcp_saas.embedded.knowledge.describe import describe_version
from mcp_saas.embedded.knowledge.refusal import FAILED, TOO_LARGE, UNAUTHORIZED, RefusalError
from mcp_saas.embedded.knowledge.routes import find_operation

LARGEST_BODY = 32 * 1024 * 1024  # Qdrant's own limit
WORKERS = 2
PROBES = {"/healthz": "healthz check passed", "/livez": "healthz check passed", "/readyz": "all shards are ready"}
NO_KEY = b"Must provide an API key or an Authorization bearer token"
EMBED = "/embed"

Message = dict[str, Any]
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]


class KnowledgeApp:
    """`api_key`: what a request must carry; empty: nothing. `make_embedder` is called when /embed is first asked."""

    def __init__(self, catalog: Catalog, *, api_key: str = "", make_embedder: Callable[[], Asgi]) -> None:
        self.catalog = catalog
        self.pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="knowledge")
        self.last_asked_at_s = time.monotonic()
        self.under_way = 0
        self._api_key = api_key.encode()
        self._make_embedder = make_embedder
        self._embedder: Asgi | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.under_way += 1
        try:
            await self._serve(scope, receive, send)
        finally:
            self.under_way -= 1
            self.last_asked_at_s = time.monotonic()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path in PROBES:
            await answer(send, status=200, content=PROBES[path].encode(), kind=b"text/plain")
        elif not is_allowed(scope["headers"], self._api_key):
            await answer(send, status=UNAUTHORIZED, content=NO_KEY, kind=b"text/plain")
        elif path == "/":
            await answer(send, status=200, content=msgspec.json.encode(describe_version()))
        elif path == EMBED or path.startswith(f"{EMBED}/"):
            await self._embed(scope, receive, send)
        else:
            await self._run(scope, receive, send)

    async def _embed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The embedder sees its own paths: below /embed it is mounted as at the root."""
        if self._embedder is None:
            self._embedder = await asyncio.get_running_loop().run_in_executor(self.pool, self._make_embedder)
        path = scope["path"].removeprefix(EMBED) or "/"
        inner = scope | {"path": path, "raw_path": path.encode(), "root_path": scope.get("root_path", "") + EMBED}
        await self._embedder(inner, receive, send)

    async def _run(self, scope: Scope, receive: Receive, send: Send) -> None:
        started_at_s = time.perf_counter()
        loop = asyncio.get_running_loop()
        try:
            body = await read(receive, scope["headers"])
            work = (scope["method"], scope["raw_path"], body, started_at_s)
            status, content = await loop.run_in_executor(self.pool, self._work, *work)
        except RefusalError as refusal:
            status, content = refusal.status, describe_refusal(refusal, started_at_s)
        await answer(send, status=status, content=content)

    def _work(self, method: str, raw_path: bytes, body: bytes, started_at_s: float) -> tuple[int, bytes]:
        try:
            segments = tuple(unquote(part) for part in raw_path.decode("ascii").split("/") if part)
            operation, parameters = find_operation(method, segments)
            result = operation(self.catalog, parameters, raw=body)
            took_s = time.perf_counter() - started_at_s
            return 200, msgspec.json.encode({"result": result, "status": "ok", "time": took_s})
        except RefusalError as refusal:
            return refusal.status, describe_refusal(refusal, started_at_s)
        except Exception as error:  # noqa: BLE001 - one request's fault must not end the process
            return FAILED, describe_refusal(RefusalError(FAILED, f"Service internal error: {error!r}"), started_at_s)


def is_allowed(headers: list[tuple[bytes, bytes]], api_key: bytes) -> bool:
    """By `api-key`, as a bearer token, or as the password of a URL (Basic)."""
    if not api_key:
        return True
    given = [key for name, value in headers if (key := read_key(name, value))]
    return any(secrets.compare_digest(key, api_key) for key in given)


def read_key(name: bytes, value: bytes) -> bytes:
    if name == b"api-key":
        return value
    if name != b"authorization":
        return b""
    kind, _, rest = value.partition(b" ")
    if kind.lower() == b"bearer":
        return rest.strip()
    try:
        return base64.b64decode(rest, validate=True).rpartition(b":")[2] if kind.lower() == b"basic" else b""
    except binascii.Error:
        return b""


async def read(receive: Receive, headers: list[tuple[bytes, bytes]]) -> bytes:
    """The whole body. Raises RefusalError when it is too large: as announced, or as it comes."""
    announced = next((value for name, value in headers if name == b"content-length"), b"0")
    if announced.isdigit() and int(announced) > LARGEST_BODY:
        raise too_large(int(announced))
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusalError(400, "Format error in JSON body: it broke off")
        part = message.get("body", b"")
        size += len(part)
        if size > LARGEST_BODY:
            raise too_large(size)
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


def too_large(size: int) -> RefusalError:
    return RefusalError(TOO_LARGE, f"JSON payload ({size} bytes) is larger than allowed (limit: {LARGEST_BODY} bytes).")


def describe_refusal(refusal: RefusalError, started_at_s: float) -> bytes:
    took_s = time.perf_counter() - started_at_s
    return msgspec.json.encode({"status": {"error": refusal.words}, "time": took_s})


async def answer(send: Send, *, status: int, content: bytes, kind: bytes = b"application/json") -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
