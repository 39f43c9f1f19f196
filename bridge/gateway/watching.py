"""What people and Prometheus ask for, and no assistant: the status, the metrics, and whose tokens are taken.

GET /mcp/status   a page for a browser, events for whoever asks for `text/event-stream`, else JSON
GET /metrics      Prometheus' text
GET /.well-known/oauth-protected-resource[/mcp...]   RFC 9728
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

import msgspec

from bridge.gateway.door.caller import Caller, Visitor
from bridge.gateway.door.challenge import METADATA_PATH, describe_resource
from bridge.gateway.door.entrance import Door
from bridge.gateway.door.issuing import find_issuer
from bridge.gateway.exposition import TEXT, write_metrics
from bridge.gateway.living import Living
from bridge.gateway.page.render import LANGUAGES, Header, choose_language, render
from bridge.gateway.refusal import CODES, INVALID_REQUEST, Refusal
from bridge.gateway.status import read_status

STATUS, METRICS = "/mcp/status", "/metrics"
EVERY_S = 1.0
SILENCE_S = 15.0
MAX_FOLLOWERS = 500
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
EVENTS: tuple[Header, ...] = (
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
)
JSON: tuple[Header, ...] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))
PAGES = {language: render(language) for language in LANGUAGES}


class Watching:
    """An ASGI application for its own paths; `takes` says which. The host and the origin were checked before."""

    def __init__(self, app: Living, door: Door, *, issuer: str | None, metrics_token: str | None) -> None:
        """`issuer` None: the gateway itself, which gives tokens for API keys (`door/issuing.py`)."""
        self._app, self._door, self._issuer, self._metrics_token = app, door, issuer, metrics_token
        self._whole = (float("-inf"), b"")
        self._followers = 0

    @staticmethod
    def takes(path: str) -> bool:
        return path in {STATUS, METRICS} or path == METADATA_PATH or path.startswith(METADATA_PATH + "/")

    async def __call__(
        self, scope: Mapping[str, Any], receive: Receive, send: Send, *, headers: tuple[Header, ...] = ()
    ) -> None:
        """`headers`: of CORS. Raises Refusal."""
        if scope["method"] not in {"GET", "HEAD"}:
            raise Refusal(
                "method-not-allowed",
                "This is read with GET.",
                status=405,
                code=INVALID_REQUEST,
                headers=((b"allow", b"GET, HEAD"),),
            )
        match scope["path"]:
            case "/mcp/status":
                await self._tell_status(scope, receive, send, headers=headers)
            case "/metrics":
                await self._door.admit_scraper(scope, metrics_token=self._metrics_token)
                told = ((b"content-type", TEXT), (b"cache-control", b"no-store"), *headers)
                await answer(scope, send, body=write_metrics(self._app), headers=told)
            case _:
                body = describe_resource(scope, issuer=self._issuer or find_issuer(scope))
                await answer(scope, send, body=body, headers=(JSON[0], (b"cache-control", b"max-age=3600"), *headers))

    async def _tell_status(
        self, scope: Mapping[str, Any], receive: Receive, send: Send, *, headers: tuple[Header, ...]
    ) -> None:
        accepted = b",".join(value for name, value in scope["headers"] if name == b"accept")
        if b"text/html" in accepted:
            page, told = PAGES[choose_language(scope["headers"])]
            await answer(scope, send, body=page, headers=(*told, *headers))
            return
        visitor = await self._door.admit_visitor(scope)
        if b"text/event-stream" in accepted and scope["method"] == "GET":
            self._check_room()
            await send({"type": "http.response.start", "status": 200, "headers": [*EVENTS, *headers]})
            await self._follow(scope, receive, send)
        else:
            await answer(scope, send, body=self._write(visitor), headers=(*JSON, *headers))

    async def _follow(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """An event when something changed, a second apart at least, until the reader is gone or let in no more."""
        loop = asyncio.get_running_loop()
        gone = loop.create_task(wait_for_end(receive))
        last, told_at_s = b"", loop.time()
        self._followers += 1
        try:
            while not gone.done():
                status = self._write(await self._door.admit_visitor(scope))
                if status != last:
                    await send_part(send, b"event: status\ndata: %b\n\n" % status)
                    last, told_at_s = status, loop.time()
                elif loop.time() - told_at_s >= SILENCE_S:
                    await send_part(send, b": \n\n")
                    told_at_s = loop.time()
                await asyncio.wait({gone}, timeout=EVERY_S)
        except Refusal:
            pass  # his token has ended: the stream ends as well, and he asks anew
        finally:
            self._followers -= 1
            gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    def _check_room(self) -> None:
        if self._followers >= MAX_FOLLOWERS:
            raise Refusal(
                "too-many",
                "Too many follow the status already. Ask for JSON instead, or later.",
                status=429,
                code=CODES["too-many"],
                retry_after_s=30.0,
            )

    def _write(self, visitor: Visitor) -> bytes:
        """What all operators see is written once for them."""
        if isinstance(visitor, Caller) and not visitor.is_guest:
            return msgspec.json.encode(read_status(self._app, visitor))
        now_s = time.monotonic()
        if now_s >= self._whole[0]:
            self._whole = now_s + EVERY_S / 2, msgspec.json.encode(read_status(self._app, visitor))
        return self._whole[1]


async def answer(scope: Mapping[str, Any], send: Send, *, body: bytes, headers: tuple[Header, ...]) -> None:
    told = [(b"content-length", b"%d" % len(body)), *headers]
    await send({"type": "http.response.start", "status": 200, "headers": told})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def send_part(send: Send, part: bytes) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})


async def wait_for_end(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
