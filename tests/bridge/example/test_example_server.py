"""The bundled example server: right to the millisatoshi, in both eras, and bad input costs one answer."""

import json
import subprocess
import sys
from typing import Any

import pytest
from mcp_types import CallToolResult, ListToolsResult

import bridge.sources.example.server as example

META = {"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28"}}


def tell(*messages: Any) -> list[dict[str, Any]]:
    """What a real child answers, in order."""
    lines = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in messages)
    done = subprocess.run(
        [sys.executable, "-I", example.__file__], input=lines, capture_output=True, text=True, timeout=60, check=True
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def ask(number: int, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": params}


@pytest.mark.parametrize(
    ("arguments", "fee_msat"),
    [
        ({"amount_sat": 100_000, "fee_rate_ppm": 250, "base_fee_msat": 1000}, 26_000),
        ({"amount_sat": 1, "fee_rate_ppm": 999}, 0),  # below a millisatoshi
        ({"amount_sat": 0, "fee_rate_ppm": 10, "base_fee_msat": 7}, 7),
    ],
)
def test_the_fee_is_that_of_bolt_7(arguments: dict[str, int], fee_msat: int) -> None:
    [answer] = tell(ask(1, "tools/call", name="fee_of_payment", arguments=arguments, **META))
    CallToolResult.model_validate(answer["result"])
    assert answer["result"]["structuredContent"]["fee_msat"] == fee_msat


def test_amounts_are_exact() -> None:
    [answer] = tell(
        ask(1, "tools/call", name="convert_amount", arguments={"amount": 2_099_999_999_999_999, "unit": "sat"})
    )
    assert answer["result"]["structuredContent"]["btc"] == "20999999.99999999"


def test_it_shakes_hands_with_clients_of_before() -> None:
    hello = ask(
        1, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "x", "version": "1"}
    )
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    first, second = tell(hello, ready, ask(2, "tools/list"))
    assert first["result"]["protocolVersion"] == "2025-06-18"
    assert [tool.name for tool in ListToolsResult.model_validate(second["result"]).tools] == [*example.TOOLS]


def test_what_is_wrong_costs_one_answer_each() -> None:
    wrong = ask(4, "tools/call", name="convert_amount", arguments={"amount": 1, "unit": "eur"})
    codes = [
        (one.get("error") or {}).get("code") or one["result"]["isError"]
        for one in tell("no json", ask(2, "resources/list"), ask(3, "tools/call", name="rm"), wrong, ask(5, "ping"))[:4]
    ]
    assert codes == [-32700, -32601, -32602, True]
