"""An MCP server of both eras by hand, standard library alone: as quick as a child can be, for tests and measurements.

Tools: echo (text), add (a, b), pid. `--era legacy` knows no server/discover; `--era modern` knows no initialize.
"""

import json
import os
import sys
from typing import Any

INFO = {"name": "fast-echo", "version": "1"}
META = {"io.modelcontextprotocol/serverInfo": INFO}
CAPABILITIES = {"tools": {"listChanged": True}}
LEGACY = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
PUBLIC = {"ttlMs": 60_000, "cacheScope": "public"}
READ_ONLY = {"readOnlyHint": True, "idempotentHint": True}
read, write = json.JSONDecoder().decode, json.JSONEncoder(separators=(",", ":")).encode  # made once, unlike json.dumps


def make_tool(name: str, *, properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": required}
    return {"name": name, "description": name, "inputSchema": schema, "annotations": READ_ONLY}


TOOLS = [
    make_tool("echo", properties={"text": {"type": "string"}}, required=["text"]),
    make_tool("add", properties={"a": {"type": "number"}, "b": {"type": "number"}}, required=["a", "b"]),
    make_tool("pid", properties={}, required=[]),
]


class RefusedError(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.error = {"code": code, "message": message}


class Era:
    """Which era this connection is of: its first request decides, as with the servers of the SDK."""

    def __init__(self, offered: str) -> None:
        self.offered = offered
        self.is_modern: bool | None = None

    def answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "server/discover" and self.offered != "legacy" and self.is_modern is not False:
            self.is_modern = True
            return self.complete({"supportedVersions": ["2026-07-28"], "capabilities": CAPABILITIES} | PUBLIC)
        if method == "initialize" and self.offered != "modern" and not self.is_modern:
            self.is_modern = False
            asked = params.get("protocolVersion")
            version = asked if asked in LEGACY else LEGACY[-1]
            return {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": INFO}
        if self.is_modern is None:
            raise RefusedError(-32600, "the handshake comes first")
        if self.is_modern and "io.modelcontextprotocol/protocolVersion" not in params.get("_meta", {}):
            raise RefusedError(-32602, "_meta lacks the protocol version")
        return self.complete(serve(method, params))

    def complete(self, result: dict[str, Any]) -> dict[str, Any]:
        return {"resultType": "complete", "_meta": META} | result if self.is_modern else result


def serve(method: str, params: dict[str, Any]) -> dict[str, Any]:
    if method == "tools/call":
        return {
            "content": [{"type": "text", "text": call(params["name"], params.get("arguments") or {})}],
            "isError": False,
        }
    if method == "tools/list":
        return {"tools": TOOLS} | PUBLIC
    if method == "ping":
        return {}
    raise RefusedError(-32601, f"unknown method {method}")


def call(name: str, arguments: dict[str, Any]) -> str:
    if name == "echo":
        return str(arguments["text"])
    if name == "add":
        return str(arguments["a"] + arguments["b"])
    if name == "pid":
        return str(os.getpid())
    raise RefusedError(-32602, f"unknown tool {name}")


def main() -> None:
    era = Era(sys.argv[sys.argv.index("--era") + 1] if "--era" in sys.argv else "both")
    rest = b""
    while chunk := os.read(0, 1 << 16):
        *lines, rest = (rest + chunk).split(b"\n")
        answers = b"".join(answer(era, line) for line in lines)
        while answers:
            answers = answers[os.write(1, answers) :]


def answer(era: Era, line: bytes) -> bytes:
    message = read(line.decode())
    if "id" not in message or "method" not in message:
        return b""
    told: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        told["result"] = era.answer(message["method"], message.get("params") or {})
    except RefusedError as refused:
        told["error"] = refused.error
    return write(told).encode() + b"\n"


if __name__ == "__main__":
    main()
