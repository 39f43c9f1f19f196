"""The gateway as a plain ASGI application: alone under uvicorn, or mounted beside another."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from bridge.gateway import events, native, rest, sse, websocket
from bridge.gateway.door.caller import Caller
from bridge.gateway.door.issuing import Issuing
from bridge.gateway.http import Gone, retry_headers, send_answer, send_problem, write_refusal
from bridge.gateway.inbound import Inbound
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import INTERNAL, INVALID_REQUEST, Refusal
from bridge.gateway.stream import Header, Receive, Scope, Send
from bridge.gateway.watching import Watching

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


def find_open(parts: Parts, path: str) -> Watching | Issuing | None:
    """Who answers before a token is asked for."""
    return next((one for one in (parts.watching, parts.issuing) if one is not None and one.takes(path)), None)


def answer_preflight(parts: Parts, inbound: Inbound) -> Awaitable[None]:
    return send_answer(inbound.send, 204, headers=inbound.answer_headers)


async def serve_open(parts: Parts, inbound: Inbound) -> None:
    """Raises Refusal, Gone."""
    answer = find_open(parts, inbound.scope["path"])
    if answer is not None:
        await answer(inbound.scope, inbound.receive, inbound.send, headers=inbound.answer_headers)


OPEN: frozenset[Serve] = frozenset({answer_preflight, serve_open})  # no token is asked for


class App:
    """`start` and `stop` are the lifespan; whoever mounts it calls them. `before`: what the start waits for."""

    def __init__(self, parts: Parts, *, companions: tuple[Run, ...] = (), before: Run | None = None) -> None:
        self.parts = parts
        self._companions, self._before = companions, before
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._serve_other(scope, receive, send)
            return
        inbound, parts = Inbound(scope, receive, send), self.parts
        try:
            serve = self._let_in(inbound)
            if serve not in OPEN:
                recalled = parts.door.recall(inbound.headers.get(b"authorization"))
                inbound.caller = recalled or await parts.door.admit(scope)
            await serve(parts, inbound)
        except Refusal as refusal:
            self.parts.metrics.note_refusal(refusal.kind)
            caller: Caller | None = getattr(inbound, "caller", None)
            if caller is not None:
                await self.parts.tarpit.hold(caller.tenant_id, refusal)
            await self._refuse(inbound, refusal)
        except (Gone, asyncio.CancelledError):
            return
        except Exception:  # a fault of ours: the caller is answered all the same
            log.exception("call_failed", path=scope["path"])
            with contextlib.suppress(RuntimeError):  # the answer had begun: it ends where it is
                await self._refuse(inbound, UNFORESEEN)

    @staticmethod
    async def _refuse(inbound: Inbound, refusal: Refusal) -> None:
        """In JSON-RPC where MCP is spoken, elsewhere as a problem."""
        send, headers = inbound.send, inbound.answer_headers
        if find_server(inbound.scope["path"]) is None:
            await send_problem(send, refusal, headers=headers, request_id=inbound.request_id)
            return
        body = write_refusal(refusal, inbound.message_id)
        await send_answer(send, refusal.status, body=body, headers=(*headers, *retry_headers(refusal)))

    def _let_in(self, inbound: Inbound) -> Serve:
        """Who serves it: unless that is open to all, once its caller is known. Raises Refusal."""
        parts, scope, headers = self.parts, inbound.scope, inbound.headers
        if len(headers) != len(scope["headers"]):
            inbound.check_single()
        preflight = parts.origins.preflight(scope) if scope["method"] == "OPTIONS" else None
        if preflight is not None:
            inbound.answer_headers = preflight
            return answer_preflight
        inbound.answer_headers = parts.origins.admit(headers.get(b"host", b""), headers.get(b"origin"))
        if parts.is_draining:
            inbound.answer_headers = (*inbound.answer_headers, CLOSE)
        path = scope["path"]
        server = find_server(path)
        if server is not None:
            inbound.server = server or None
            return native.serve
        return find_surface(path) if find_open(parts, path) is None else serve_open

    async def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await self._live(receive, send)
            case "websocket":
                await self._serve_socket(scope, receive, send)

    async def _serve_socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Who may not come in is not: a refused handshake is a 403."""
        try:
            if scope["path"] == websocket.WS:
                Inbound(scope, receive, send).check_single()
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
