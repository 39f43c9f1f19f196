"""An MCP server behind HTTP with faults of its own, hand-written: its tools' names say what they do.

It remembers every request. `token`: what it wants as bearer, changed by `expire`; its authorization server grants it.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import uvicorn

Scope = dict[str, Any]
INFO = {"name": "fake", "version": "1"}
META = {"io.modelcontextprotocol/serverInfo": INFO}
TOOLS = [
    {
        "name": "headers",
        "inputSchema": {
            "type": "object",
            "properties": {
                "region": {"type": "string", "x-mcp-header": "Region"},
                "deep": {"type": "object", "properties": {"flag": {"type": "boolean", "x-mcp-header": "Flag"}}},
            },
        },
    }
]


class Seen(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    message: Any


class McpHttpServer:
    def __init__(self, era: str = "modern", *, wants_token: bool = False, has_stream: bool = False) -> None:
        self.era = era
        self.url = ""
        self.seen: list[Seen] = []
        self.closed_streams = 0
        self.session = 1
        self.grants = 0
        self.resource: str | None = None  # what its metadata says instead of its URL
        self.issuer_origin: str | None = None
        self.token_url: str | None = None  # as its metadata have it; None: its issuer's
        self._wants_token = wants_token
        self._has_stream = has_stream
        self._general: Exchange | None = None  # its stream of what belongs to no request
        self._answered: asyncio.Queue[Any] = asyncio.Queue()
        self._token = "token-0"

    def expire(self) -> None:
        """The token of now is good no more."""
        self._token = f"token-{self.grants + 1}"

    def calls(self, method: str) -> list[Seen]:
        return [one for one in self.seen if isinstance(one.message, dict) and one.message.get("method") == method]

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        exchange = Exchange(scope, receive, send)
        body = await exchange.read()
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        message = json.loads(body) if body.startswith(b"{") else body.decode()
        self.seen.append(Seen(scope["method"], scope["path"], headers, message))
        if scope["path"] == "/mcp":
            await self._serve(exchange, self.seen[-1])
        else:
            await self._serve_authorization(exchange, scope["path"])

    async def _serve(self, exchange: "Exchange", seen: Seen) -> None:
        if self._wants_token and seen.headers.get("authorization") != f"Bearer {self._token}":
            metadata = f'resource_metadata="{self.url.removesuffix("/mcp")}/.well-known/elsewhere", scope="tools"'
            await exchange.answer(401, b"", [(b"www-authenticate", f"Bearer {metadata}".encode())])
        elif seen.method == "GET":
            await self._serve_get(exchange, seen)
        elif seen.method == "DELETE" or "method" not in seen.message or "id" not in seen.message:
            await exchange.answer(202, b"")
            if seen.method == "POST" and "method" not in seen.message:
                self._answered.put_nowait(seen.message)
        elif seen.message["method"] == "initialize" and self.era == "legacy":
            result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": INFO}
            headers = [(b"mcp-session-id", b"%d" % self.session)]
            await exchange.answer(200, make_answer(seen.message["id"], result), headers)
        elif self.era == "legacy" and seen.headers.get("mcp-session-id") != str(self.session):
            await exchange.answer(404 if "mcp-session-id" in seen.headers else 400, b"no such session")
        else:
            await self._serve_request(exchange, seen)

    async def _serve_request(self, exchange: "Exchange", seen: Seen) -> None:
        method, params, call_id = seen.message["method"], seen.message.get("params", {}), seen.message["id"]
        if method == "tools/call":
            await getattr(self, f"do_{params['name']}")(exchange, seen, params.get("arguments", {}))
        elif method == "server/discover" and self.era == "modern":
            result = {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "_meta": META}
            await exchange.answer(200, make_answer(call_id, result))
        elif method == "tools/list":
            await exchange.answer(200, make_answer(call_id, {"tools": TOOLS}))
        else:
            error = {"jsonrpc": "2.0", "id": call_id, "error": {"code": -32601, "message": f"no {method}"}}
            await exchange.answer(404 if self.era == "modern" else 200, json.dumps(error).encode())

    async def _serve_get(self, exchange: "Exchange", seen: Seen) -> None:
        """The rest of a stream that was cut off, or news."""
        if "last-event-id" in seen.headers:
            await exchange.start_stream()
            await exchange.event(make_answer(json.loads(seen.headers["last-event-id"]), make_text("the rest")))
            await exchange.end()
        elif self._has_stream:
            await exchange.start_stream()
            self._general = exchange
            await exchange.event(b'{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}')
            await exchange.wait_closed()
        else:
            await exchange.answer(405, b"")

    async def _serve_authorization(self, exchange: "Exchange", path: str) -> None:
        origin = self.issuer_origin or self.url.removesuffix("/mcp")
        metadata = {
            "/.well-known/oauth-protected-resource/mcp": {
                "resource": self.resource or self.url,
                "authorization_servers": [f"{origin}/issuer"],
            },
            "/.well-known/oauth-authorization-server/issuer": {
                "issuer": f"{origin}/issuer",
                "token_endpoint": self.token_url or f"{origin}/token",
            },
        }
        if path == "/token":
            self.grants += 1
            self._token = f"token-{self.grants}"
            body = {"access_token": self._token, "token_type": "Bearer", "expires_in": "3600"}
            await exchange.answer(200, json.dumps(body).encode())
        elif path in metadata:
            await exchange.answer(200, json.dumps(metadata[path]).encode())
        else:
            await exchange.answer(404, b"")

    async def do_headers(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        await exchange.answer(200, make_answer(seen.message["id"], make_text(json.dumps(seen.headers))))

    async def do_big(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        answer = make_answer(seen.message["id"], make_text("x" * arguments["bytes"]))
        if not arguments.get("stream"):
            await exchange.answer(200, answer)
            return
        await exchange.start_stream()
        await exchange.event(answer)
        await exchange.end()

    async def do_cut(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        """The stream ends after an event with an id, by which the rest is to be asked for."""
        await exchange.start_stream()
        await exchange.send_raw(b"id: %d\nretry: 10\ndata:\n\n" % seen.message["id"])
        await exchange.end()

    async def do_broken(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        await exchange.start_stream()
        await exchange.end()

    async def do_hang(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        await exchange.start_stream()
        await exchange.send_raw(b": still here\n\n")
        await exchange.wait_closed()
        self.closed_streams += 1

    async def do_ask(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        """On the stream of no request, so that nothing says whose question it is; what came back is the answer."""
        assert self._general is not None
        await self._general.event(b'{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}')
        answer = await self._answered.get()
        await exchange.answer(200, make_answer(seen.message["id"], make_text(json.dumps(answer))))

    async def do_page(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        await exchange.answer(arguments["status"], b"<html>", [(b"location", b"http://127.0.0.1:1/")])

    async def do_zipped(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        await exchange.answer(200, b"\x1f\x8b", [(b"content-encoding", b"gzip")])

    async def do_noise(self, exchange: "Exchange", seen: Seen, arguments: Scope) -> None:
        await exchange.start_stream()
        for noise in (b"no json", b'{"jsonrpc":"2.0","id":99999,"result":{}}', b"[]"):
            await exchange.event(noise)
        await exchange.event(make_answer(seen.message["id"], make_text("heard")))
        await exchange.end()


class Exchange:
    """One request of ASGI and its answer."""

    def __init__(self, scope: Scope, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send

    async def read(self) -> bytes:
        body, more = b"", True
        while more:
            part = await self._receive()
            body += part.get("body", b"")
            more = part.get("more_body", False)
        return body

    async def answer(self, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None) -> None:
        sent = [(b"content-type", b"application/json"), *(headers or [])]
        await self._send({"type": "http.response.start", "status": status, "headers": sent})
        await self._send({"type": "http.response.body", "body": body})

    async def start_stream(self) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await self._send({"type": "http.response.start", "status": 200, "headers": headers})

    async def event(self, data: bytes) -> None:
        await self.send_raw(b"event: message\r\ndata: %b\r\n\r\n" % data)

    async def send_raw(self, data: bytes) -> None:
        await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    async def wait_closed(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass


def make_answer(call_id: Any, result: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": call_id, "result": result}).encode()


def make_text(text: str) -> Any:
    return {"content": [{"type": "text", "text": text}], "resultType": "complete"}


@asynccontextmanager
async def serving(app: McpHttpServer) -> AsyncIterator[McpHttpServer]:
    """On a free port of this machine, in the loop of the test."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    app.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/mcp"
    loop = asyncio.create_task(server.main_loop())
    try:
        yield app
    finally:
        server.should_exit = True
        await loop
        await server.shutdown()
