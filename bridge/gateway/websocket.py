"""/mcp/ws: JSON-RPC both ways on one connection, many calls at once. Our own, beside the protocol's transports: no
handshake is needed; questions of servers come as requests, and what changes as notifications.
"""

import asyncio
import contextlib

import msgspec
from msgspec import Raw, Struct

from bridge.engine.envelope import (
    Envelope,
    MalformedError,
    make_error,
    read_message,
    read_object,
    write_error,
    write_notification,
    write_object,
    write_request,
    write_result,
)
from bridge.engine.era import NEWEST_LEGACY, Client
from bridge.gateway.door.caller import Caller
from bridge.gateway.door.staying import Staying
from bridge.gateway.http import write_refusal_error
from bridge.gateway.hub import CHANGES, CONDITION, Listener
from bridge.gateway.methods import answer
from bridge.gateway.parts import Parts
from bridge.gateway.refusal import Refusal
from bridge.gateway.request import Request, read_params
from bridge.gateway.session import ASK_S, NO_ANSWER
from bridge.gateway.stream import Receive, Scope, Send
from bridge.sources.connection import Answer, Ask, Notice

WS = "/mcp/ws"
PROTOCOL, BEARER = "mcp", "bearer."  # what a client may offer; the second is no protocol, its token follows
ABLE = b'{"sampling":{},"elicitation":{},"roots":{}}'
CLIENT = Client(NEWEST_LEGACY, ABLE, b'{"name":"websocket","version":"1"}', "info")
AT_ONCE = 64  # calls of one connection
END, COME_AGAIN = b"", 1012  # nothing more is written; the code that says why (RFC 6455's registry: service restart)


def find_bearer(scope: Scope) -> Scope:
    """A browser cannot set headers: the token it brings among its protocols is taken for the header."""
    tokens = [word.removeprefix(BEARER) for word in scope["subprotocols"] if word.startswith(BEARER)]
    if not tokens or any(name == b"authorization" for name, _ in scope["headers"]):
        return scope
    return dict(scope) | {"headers": [*scope["headers"], (b"authorization", b"Bearer %b" % tokens[0].encode())]}


class _Cancelled(Struct, rename="camel"):
    request_id: Raw = Raw()


class Socket:
    """One connection: the asker of all its calls."""

    can_answer = True

    def __init__(self, parts: Parts, caller: Caller, send: Send) -> None:
        self.caller, self._parts, self._send = caller, parts, send
        self._calls: dict[bytes, asyncio.Task[None]] = {}
        self._waiting: dict[bytes, asyncio.Future[Answer]] = {}
        self._out: asyncio.Queue[bytes] = asyncio.Queue(1_000)
        self._asked = 0
        self._is_leaving = False

    async def write(self) -> None:
        while message := await self._out.get():
            await self._send({"type": "websocket.send", "text": message.decode()})
        await self._send({"type": "websocket.close", "code": COME_AGAIN})

    @property
    def is_busy(self) -> bool:
        return bool(self._calls)

    def leave(self) -> None:
        """The gateway goes: what is under way is still answered, and the client connects anew."""
        self._is_leaving = True
        self._close_if_done()

    def _close_if_done(self) -> None:
        if self._is_leaving and not self._calls:
            self.put(END)

    def put(self, message: bytes) -> None:
        """A client that does not read loses notifications; answers wait for it."""
        with contextlib.suppress(asyncio.QueueFull):
            self._out.put_nowait(message)

    def take_notice(self, notice: Notice) -> None:
        self.put(write_notification(notice.method, notice.params))

    def take_change(self, server: str, notice: Notice) -> None:
        params = write_object({**read_object(notice.params), "server": Raw(msgspec.json.encode(server))})
        self.put(write_notification(notice.method, params))

    async def answer(self, ask: Ask) -> Answer:
        self._asked += 1
        request_id = b'"dazbox-%d"' % self._asked
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = future
        try:
            self.put(write_request(request_id, ask.method, params=ask.params))
            async with asyncio.timeout(ASK_S):
                return await future
        except TimeoutError:
            return Answer(NO_ANSWER, is_error=True)
        finally:
            self._waiting.pop(request_id, None)

    def take(self, text: bytes) -> None:
        """One message of the client."""
        try:
            message = read_message(text, max_bytes=self._parts.body_bytes)
        except MalformedError as error:
            self.put(write_error(b"null", make_error(error.code, error.message)))
            return
        if message.is_request:
            self._begin(message)
        elif message.method == "notifications/cancelled":
            self._cancel(message)
        elif message.id and bytes(message.id) in self._waiting:
            found = Answer(bytes(message.error or message.result), bool(message.error))
            self._waiting.pop(bytes(message.id)).set_result(found)

    def _cancel(self, message: Envelope) -> None:
        """What cannot be read cancels nothing."""
        with contextlib.suppress(msgspec.DecodeError):
            cancelled = msgspec.json.decode(message.params or b"{}", type=_Cancelled).request_id
            if bytes(cancelled) in self._calls:
                self._calls[bytes(cancelled)].cancel()

    def _begin(self, message: Envelope) -> None:
        key = bytes(message.id)
        if self._is_leaving:
            self.put(write_error(key, make_error(1030, "The gateway goes, another is there: connect anew.")))
            return
        if len(self._calls) >= AT_ONCE or key in self._calls:
            self.put(
                write_error(key, make_error(1030, "This connection has too many calls under way, or this id twice."))
            )
            return
        task = asyncio.get_running_loop().create_task(self._call(message))
        self._calls[key] = task
        task.add_done_callback(lambda _: self._forget(key))

    def _forget(self, key: bytes) -> None:
        self._calls.pop(key, None)
        self._close_if_done()

    async def _call(self, message: Envelope) -> None:
        try:
            params = read_params(message.params)
            request = Request(self.caller, CLIENT, message.method, params, self, raw=bytes(message.params))
            found = await answer(self._parts, request)
        except Refusal as refusal:
            await self._parts.tarpit.hold(self.caller.tenant_id, refusal)
            found = Answer(write_refusal_error(refusal), is_error=True)
        except MalformedError as error:
            found = Answer(make_error(error.code, error.message), is_error=True)
        write = write_error if found.is_error else write_result
        await self._out.put(write(bytes(message.id), found.body))

    def end(self) -> None:
        for task in tuple(self._calls.values()):
            task.cancel()


async def serve(parts: Parts, scope: Scope, *, receive: Receive, send: Send) -> None:
    """Until either side closes it, or the door would not let its client in any more. Raises Refusal."""
    scope = find_bearer(scope)
    caller = await parts.door.admit(scope)
    staying = Staying(parts.door, scope, receive)
    await receive()  # websocket.connect
    await send({"type": "websocket.accept", "subprotocol": PROTOCOL if PROTOCOL in scope["subprotocols"] else None})
    client = Socket(parts, caller, send)
    writing = asyncio.get_running_loop().create_task(client.write())
    parts.sockets.enter(client)
    leave = parts.hub.join(Listener(None, caller.tenant_id, client.take_change, frozenset((*CHANGES, CONDITION))))
    try:
        while True:
            message = await staying.receive()
            if message["type"] == "websocket.disconnect":
                return
            client.caller = await parts.door.admit(scope)
            if message["type"] != "websocket.receive":
                continue
            text = message.get("text")
            client.take(text.encode() if text is not None else message.get("bytes") or b"")
    finally:
        leave()
        parts.sockets.discard(client)
        staying.end()
        client.end()
        writing.cancel()
