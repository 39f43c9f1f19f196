"""An MCP server (2025-11-25, standard library) whose tool `tell` tells the variable WORD it was started with."""

import json
import os
import sys
from typing import Any

TELL = {"name": "tell", "description": "Tells WORD.", "inputSchema": {"type": "object"}}


def answer(method: str) -> dict[str, Any]:
    if method == "initialize":
        info = {"name": "own-word", "version": "1"}
        return {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    if method == "tools/list":
        return {"tools": [TELL]}
    return {"content": [{"type": "text", "text": os.environ.get("WORD", "no word")}]}  # noqa: TID251 - it shows it


for line in sys.stdin:
    message = json.loads(line)
    known = message.get("method") in {"initialize", "tools/list", "tools/call", "ping"}
    if "id" in message:
        said = {"result": answer(message["method"])} if known else {"error": {"code": -32601, "message": "unknown"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"]} | said), flush=True)
