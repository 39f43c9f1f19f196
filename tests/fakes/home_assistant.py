"""Home Assistant's integration MCP Server as it is served (core, components/mcp_server/http.py, 2026.9): stateless
Streamable HTTP at /api/mcp, the transport of 2024-11-05 at /mcp_server/sse, a long-lived access token for both.

What it does by the protocol of 2024-11-05 only wrongly, its attributes say: `mailbox` is what the first event names,
`forgets` the next message's stream, `cut` ends all streams.
"""

import asyncio
import json
from typing import Any

from tests.fakes.mcp_http_server import Exchange, McpHttpServer, Seen, make_answer

TOKEN = "a long-lived token"
METHODS = {"initialize", "ping", "tools/list", "tools/call", "prompts/list", "prompts/get", "logging/setLevel"}
TOOLS = [
    {
        "name": "HassTurnOn",
        "description": "Turns on a device",
        "inputSchema": {"type": "object", "properties": {"name": {"type": "string"}}},
    }
]
PROMPTS = [{"name": "Assist", "description": "Default prompt for Home Assistant Assist API"}]


class HomeAssistant(McpHttpServer):
    def __init__(self, *, token: str = TOKEN) -> None:
        super().__init__("legacy")
        self.forgets = False
        self.mailbox: str | None = None
        self._token = token
        self._streams: dict[str, asyncio.Queue[bytes | None]] = {}

    @property
    def origin(self) -> str:
        return self.url.removesuffix("/mcp")

    def cut(self) -> None:
        for stream in self._streams.values():
            stream.put_nowait(None)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        exchange = Exchange(scope, receive, send)
        body = await exchange.read() if scope["method"] == "POST" else b""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        message = json.loads(body) if body.startswith(b"{") else body.decode()
        seen = Seen(scope["method"], scope["path"], headers, message)
        self.seen.append(seen)
        if headers.get("authorization") != f"Bearer {self._token}":
            await exchange.answer(401, b"401: Unauthorized")
            return
        match scope["method"], scope["path"].split("/")[1:]:
            case "POST", ["api", "mcp"]:
                await self._serve_stateless(exchange, seen)
            case "GET", ["mcp_server", "sse"]:
                await self._serve_stream(exchange)
            case "POST", ["mcp_server", "messages", name]:
                await self._take_message(exchange, seen, name=name)
            case _, ["api", "mcp"] | ["mcp_server", _]:
                await exchange.answer(405, b"405: Method Not Allowed")
            case _:
                await exchange.answer(404, b"404: Not Found")

    async def _serve_stateless(self, exchange: Exchange, seen: Seen) -> None:
        if "application/json" not in seen.headers.get("accept", ""):
            await exchange.answer(400, b"Client must accept application/json")
        elif seen.headers.get("content-type") != "application/json":
            await exchange.answer(400, b"Content-Type must be application/json")
        elif "id" not in seen.message or "method" not in seen.message:
            await exchange.answer(202, b"")
        else:
            await exchange.answer(200, answer(seen.message))

    async def _serve_stream(self, exchange: Exchange) -> None:
        name = f"01J{len(self._streams)}"
        queue = self._streams[name] = asyncio.Queue()
        await exchange.start_stream()
        await exchange.send_raw(
            f"event: endpoint\r\ndata: {self.mailbox or f'/mcp_server/messages/{name}'}\r\n\r\n".encode()
        )
        gone = asyncio.create_task(exchange.wait_closed())
        gone.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (message := await queue.get()) is not None:
                await exchange.event(message)
        finally:
            del self._streams[name]
            gone.cancel()
        await exchange.end()

    async def _take_message(self, exchange: Exchange, seen: Seen, *, name: str) -> None:
        stream = self._streams.get(name)
        if stream is None or self.forgets:
            await exchange.answer(404, b"Could not find session ID")
            return
        if "id" in seen.message and "method" in seen.message and seen.message.get("params", {}).get("name") != "Hang":
            stream.put_nowait(answer(seen.message))
        await exchange.answer(200, b"")


def answer(message: Any) -> bytes:
    params = message.get("params", {})
    match message["method"]:
        case "initialize":
            told = {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {
                    "experimental": {},
                    "prompts": {"listChanged": False},
                    "tools": {"listChanged": False},
                },
                "serverInfo": {"name": "home-assistant", "version": "1.26.0"},
            }
        case "tools/list":
            told = {"tools": TOOLS}
        case "prompts/list":
            told = {"prompts": PROMPTS}
        case "tools/call":
            text = json.dumps({"success": True, "result": params["arguments"]})
            told = {"content": [{"type": "text", "text": text}], "isError": False}
        case method if method in METHODS:
            told = {}
        case method:
            error = {"code": -32601, "message": "Method not found", "data": method}
            return json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error}).encode()
    return make_answer(message["id"], told)
