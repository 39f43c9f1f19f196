"""A small MCP server of both eras, standard library alone: the example that `make run` shows, and one to copy.

Run as `python server.py`: one JSON-RPC message a line on standard input and output, words for people on standard error.
Source: Model Context Protocol, revisions 2025-11-25 and 2026-07-28, "stdio".
"""

import json
import sys
from collections.abc import Callable
from typing import Any

INFO = {"name": "lightning-calculator", "title": "Lightning calculator", "version": "1.0.0"}
CAPABILITIES: dict[str, Any] = {"tools": {}}
MODERN, LEGACY = "2026-07-28", ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
META = "io.modelcontextprotocol/"
KEPT = {"ttlMs": 3_600_000, "cacheScope": "public"}
MSAT_A_SAT, SAT_A_BTC, MILLION = 1000, 100_000_000, 1_000_000


class RefusedError(Exception):
    """A JSON-RPC error: its code, and words that say what to do."""

    def __init__(self, code: int, message: str, **data: Any) -> None:
        super().__init__(message)
        self.error: dict[str, Any] = {"code": code, "message": message} | ({"data": data} if data else {})


def fee_of_payment(amount_sat: int, fee_rate_ppm: int, *, base_fee_msat: int = 0) -> dict[str, Any]:
    """BOLT 7: base fee + amount * rate / 1,000,000, in millisatoshi, rounded down."""
    fee_msat = base_fee_msat + amount_sat * MSAT_A_SAT * fee_rate_ppm // MILLION
    effective = fee_msat * MILLION / (amount_sat * MSAT_A_SAT) if amount_sat else None
    return {"fee_msat": fee_msat, "effective_ppm": effective}


def convert_amount(amount: int, unit: str) -> dict[str, Any]:
    """Bitcoin as exact text: a binary fraction would not be."""
    sat = {"msat": amount // MSAT_A_SAT, "sat": amount, "btc": amount * SAT_A_BTC}[unit]
    msat = amount if unit == "msat" else sat * MSAT_A_SAT
    return {"msat": msat, "sat": sat, "btc": f"{sat // SAT_A_BTC}.{sat % SAT_A_BTC:08d}"}


def whole(words: str, *, least: int = 0) -> dict[str, Any]:
    return {"type": "integer", "minimum": least, "maximum": 2_100_000_000_000_000_000, "description": words}


TOOLS: dict[str, tuple[Callable[..., dict[str, Any]], str, dict[str, Any], list[str]]] = {
    "fee_of_payment": (
        fee_of_payment,
        "What a channel charges for forwarding an amount, in millisatoshi, and the rate that comes to (ppm).",
        {
            "amount_sat": whole("amount forwarded, satoshi"),
            "fee_rate_ppm": whole("parts per million of the amount"),
            "base_fee_msat": whole("for each payment, millisatoshi"),
        },
        ["amount_sat", "fee_rate_ppm"],
    ),
    "convert_amount": (
        convert_amount,
        "An amount in millisatoshi, satoshi and bitcoin.",
        {"amount": whole("how much"), "unit": {"type": "string", "enum": ["msat", "sat", "btc"]}},
        ["amount", "unit"],
    ),
}


def list_tools() -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "description": words,
            "inputSchema": {"type": "object", "properties": taken, "required": needed, "additionalProperties": False},
            "annotations": {"readOnlyHint": True, "idempotentHint": True, "openWorldHint": False},
        }
        for name, (_, words, taken, needed) in TOOLS.items()
    ]


def call_tool(params: dict[str, Any]) -> dict[str, Any]:
    name, arguments = params.get("name"), params.get("arguments") or {}
    if name not in TOOLS:
        raise RefusedError(-32602, f"There is no tool {name!r}: there are {', '.join(TOOLS)}.")
    try:
        made = TOOLS[name][0](**arguments)
    except (TypeError, KeyError) as error:
        return {"content": [{"type": "text", "text": f"The arguments do not fit: {error}"}], "isError": True}
    text = json.dumps(made)
    return {"content": [{"type": "text", "text": text}], "structuredContent": made, "isError": False}


def answer_request(method: str, params: dict[str, Any]) -> dict[str, Any]:
    """The result, for both eras: who does not know a field of the other one leaves it. Raises RefusedError."""
    if method == "initialize":
        asked = params.get("protocolVersion")
        version = asked if asked in LEGACY else LEGACY[-1]
        return {"protocolVersion": version, "capabilities": CAPABILITIES, "serverInfo": INFO}
    version = params.get("_meta", {}).get(f"{META}protocolVersion")
    if version not in {None, MODERN}:
        raise RefusedError(
            -32022, f"The version {version!r} is not spoken here.", supported=[MODERN], requested=version
        )
    if method == "server/discover":
        return {"supportedVersions": [MODERN], "capabilities": CAPABILITIES, "serverInfo": INFO} | KEPT
    if method == "tools/list":
        return {"tools": list_tools()} | KEPT
    if method == "tools/call":
        return call_tool(params)
    if method == "ping":
        return {}
    raise RefusedError(-32601, f"The method {method} is not known here.")


def answer_line(line: str) -> str | None:
    """None for notifications, which have no answer."""
    try:
        message = json.loads(line)
    except ValueError as error:
        return json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": f"No JSON: {error}"}})
    if "id" not in message or "method" not in message:
        return None
    told: dict[str, Any] = {"jsonrpc": "2.0", "id": message["id"]}
    try:
        result = answer_request(message["method"], message.get("params") or {})
        told["result"] = {"resultType": "complete", "_meta": {f"{META}serverInfo": INFO}} | result
    except RefusedError as refused:
        told["error"] = refused.error
    return json.dumps(told)


def main() -> None:
    print("The Lightning calculator listens on standard input.", file=sys.stderr)
    for line in sys.stdin:
        told = answer_line(line)
        if told is not None:
            sys.stdout.write(told + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
