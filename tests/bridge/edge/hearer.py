"""An MCP server (2025-11-25, standard library) whose only tool answers with the very line it was called with."""

import json
import sys
from typing import Any

INFO = {"name": "hearer", "version": "1"}
SCHEMA = {"type": "object", "additionalProperties": False}
TOOLS = [
    {"name": name, "inputSchema": SCHEMA, "annotations": {"readOnlyHint": name == "look"}} for name in ("look", "act")
]
RESULTS: dict[str, Any] = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": INFO},
    "tools/list": {"tools": TOOLS},
    "ping": {},
}


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        method = message["method"]
        told: dict[str, Any] = {"error": {"code": -32601, "message": "no such method"}}
        if method == "tools/call":
            told = {"result": {"content": [{"type": "text", "text": line}]}}
        elif method in RESULTS:
            told = {"result": RESULTS[method]}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"]} | told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
