"""An MCP server (2025-11-25, standard library) whose tools answer with the very line they were called with, and with
how often its tools were listed. `act` says before that they changed, as often as `times` wants.
"""

import json
import sys
from typing import Any

INFO = {"name": "hearer", "version": "1"}
SCHEMA = {"type": "object", "properties": {"times": {"type": "integer"}}, "additionalProperties": False}
CHANGED = json.dumps({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"}) + "\n"
TOOLS = [
    {"name": name, "inputSchema": SCHEMA, "annotations": {"readOnlyHint": name == "look"}} for name in ("look", "act")
]
CAPABILITIES = {"tools": {"listChanged": True}}
RESULTS: dict[str, Any] = {
    "initialize": {"protocolVersion": "2025-11-25", "capabilities": CAPABILITIES, "serverInfo": INFO},
    "tools/list": {"tools": TOOLS},
    "ping": {},
}


def main() -> None:
    listed = 0
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        method = message["method"]
        told: dict[str, Any] = {"error": {"code": -32601, "message": "no such method"}}
        if method == "tools/call":
            params = message["params"]
            if params["name"] == "act":
                sys.stdout.write(CHANGED * params["arguments"].get("times", 0))
            told = {"result": {"content": [{"type": "text", "text": line}], "structuredContent": {"listed": listed}}}
        elif method in RESULTS:
            listed += method == "tools/list"
            told = {"result": RESULTS[method]}
        sys.stdout.write(json.dumps({"jsonrpc": "2.0", "id": message["id"]} | told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
