"""The gateway as a plain ASGI application: alone under uvicorn, or mounted beside another."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from bridge.gateway import events, native, rest, sse, websocket
from bridge.gateway.http import Gone, retry_headers, send_answer, send_problem, write_refusal
from bridge.gateway.inbound import Inbound, make_request_id
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import INTERNAL, INVALID_REQUEST, Refusal
from bridge.gateway.stream import Header, Receive, Scope, Send

ALL, ONE = "/mcp", "/mcp/servers/"
PULSE_EVERY_S = 5.0
CLOSE: Header = (b"connection", b"close")  # the next request comes to another gateway
Run = Callable[[], Awaitable[None]]
Serve = Callable[[Parts, Inbound], Awaitable[None]]
log = structlog.get_logger(__name__)
UNFORESEEN = Refusal("internal", "Something went wrong here: it is in our log.", status=500, code=INTERNAL)


def find_server(path: str) -> str | None:
    """Whose MCP is spoken at this path: "" for all servers together; None where it is not spoken."""
    if path == ALL:
        return ""
    name = path.removeprefix(ONE)
    return name if name and name != path and "/" not in name else None


def find_surface(path: str) -> Serve:
    """What else is served. Raises Refusal 404."""
    if path == events.EVENTS:
        return events.serve
    if sse.takes(path):
        return sse.serve
    if rest.takes(path):
        return rest.serve
    raise Refusal("not-found", f"Nothing is at {path}: MCP is spoken at {ALL}.", status=404, code=INVALID_REQUEST)


class Visit:
    """What is known of a request when it goes wrong: the headers each answer to it carries, and what was read of it."""

    __slots__ = ("headers", "inbound")

    def __init__(self) -> None:
        self.headers: tuple[Header, ...] = ()
        self.inbound: Inbound | None = None

    @property
    def message_id(self) -> bytes:
        return self.inbound.message_id if self.inbound is not None else b"null"

    @property
    def request_id(self) -> str:
        return self.inbound.request_id if self.inbound is not None else make_request_id()


class App:
    """`start` and `stop` are the lifespan; whoever mounts it calls them. `before`: what the start waits for."""

    def __init__(self, parts: Parts, *, companions: tuple[Run, ...] = (), before: Run | None = None) -> None:
        self.parts = parts
        self._companions, self._before = companions, before
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._serve(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case "websocket":
                await self._serve_socket(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        visit = Visit()
        try:
            await self._route(scope, receive, send, visit=visit)
        except Refusal as refusal:
            self.parts.metrics.note_refusal(refusal.kind)
            await self._refuse(scope, send, refusal, visit=visit)
        except (Gone, asyncio.CancelledError):
            return
        except Exception:  # a fault of ours: the caller is answered all the same
            log.exception("call_failed", path=scope["path"])
            with contextlib.suppress(RuntimeError):  # the answer had begun: it ends where it is
                await self._refuse(scope, send, UNFORESEEN, visit=visit)

    @staticmethod
    async def _refuse(scope: Scope, send: Send, refusal: Refusal, *, visit: Visit) -> None:
        """In JSON-RPC where MCP is spoken, elsewhere as a problem."""
        if find_server(scope["path"]) is None:
            await send_problem(send, refusal, headers=visit.headers, request_id=visit.request_id)
            return
        headers = (*visit.headers, *retry_headers(refusal))
        await send_answer(send, refusal.status, body=write_refusal(refusal, visit.message_id), headers=headers)

    async def _route(self, scope: Scope, receive: Receive, send: Send, *, visit: Visit) -> None:
        """Raises Refusal, Gone."""
        preflight = self.parts.origins.preflight(scope)
        if preflight is not None:
            await send_answer(send, 204, headers=preflight)
            return
        visit.headers = self.parts.origins.check(scope)
        if self.parts.is_draining:
            visit.headers = (*visit.headers, CLOSE)
        path = scope["path"]
        if self.parts.watching.takes(path):
            await self.parts.watching(scope, receive, send, headers=visit.headers)
            return
        server = find_server(path)
        serve = native.serve if server is not None else find_surface(path)
        caller = await self.parts.door.admit(scope)
        visit.inbound = inbound = Inbound(
            scope, receive, send, caller=caller, server=server or None, answer_headers=visit.headers
        )  # fmt: skip
        await serve(self.parts, inbound)

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Who may not come in is not: a refused handshake is a 403."""
        try:
            if scope["path"] == websocket.WS:
                self.parts.origins.check(scope)
                await websocket.serve(self.parts, scope, receive=receive, send=send)
                return
        except Refusal as refusal:
            self.parts.metrics.note_refusal(refusal.kind)
        await send({"type": "websocket.close", "code": 1008})

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def start(self) -> None:
        parts = self.parts
        if self._before is not None:
            await self._before()
        keys = (parts.keys.run,) if parts.keys is not None else ()
        day = (parts.day_count.run,) if parts.day_count is not None else ()
        for run in (parts.watch.run, parts.fleet.run, parts.audit.run, self._pulse, *keys, *day, *self._companions):
            self._tasks.append(asyncio.create_task(keep(run)))

    async def stop(self) -> None:
        self.parts.sessions.end_all()
        self.parts.streams.end()
        self.parts.lines.end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.parts.fleet.stop()
        await self.parts.http.aclose()

    async def _pulse(self) -> None:
        while True:
            await asyncio.sleep(PULSE_EVERY_S)
            self.parts.streams.pulse()
            self.parts.lines.streams.pulse()


async def keep(run: Run) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await run()
