"""Arrays of messages, as the version 2025-03-26 has them and no other."""

import json
from typing import Any

import httpx
import pytest

from tests.bridge.gateway.asking import ACCEPT, HELLO, SECONDS
from tests.bridge.gateway.running import Running

VERSION = "2025-03-26"


def request(call_id: Any, method: str, **params: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": call_id, "method": method, "params": params}


def call(call_id: Any, name: str, **arguments: object) -> dict[str, object]:
    return request(call_id, "tools/call", name=name, arguments=arguments)


def post(gateway: Running, body: object, *, version: str = VERSION, accept: str = ACCEPT["accept"]) -> httpx.Response:
    """The array, in a session of that version."""
    with httpx.Client(headers={"accept": accept}, timeout=SECONDS, trust_env=False) as client:
        hello = request(0, "initialize", **HELLO | {"protocolVersion": version, "capabilities": {"elicitation": {}}})
        begun = client.post(gateway.url(), json=hello)
        client.headers["mcp-session-id"] = begun.headers["mcp-session-id"]
        return client.post(gateway.url(), json=body)


def read_events(told: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in told.text.splitlines() if line.startswith("data: ")]


def test_each_request_of_an_array_is_answered_by_its_id(gateway: Running) -> None:
    array = [
        call(1, "echo__echo", text="one"),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        call("two", "echo__none"),
        7,
        request(3, "tools/list"),
        request(4, "initialize"),
    ]
    told = post(gateway, array)
    assert told.headers["content-type"] == "text/event-stream"
    answers = {answer["id"]: answer for answer in read_events(told)}
    assert len(answers) == 5
    assert answers[1]["result"]["content"][0]["text"] == "one"
    assert answers["two"]["error"]["message"] == "Unknown tool: none"
    assert answers[None]["error"]["code"] == -32600
    assert len(answers[3]["result"]["tools"]) > 3
    assert "Unknown method" in answers[4]["error"]["message"]


def test_what_precedes_an_answer_comes_on_the_same_stream(gateway: Running) -> None:
    asked = call(1, "legacy__test_tool_with_progress")
    asked["params"] |= {"_meta": {"progressToken": "p"}}  # type: ignore[operator]
    told = read_events(post(gateway, [asked, call(2, "echo__echo", text="b")]))
    steps = [one["params"]["progress"] for one in told if one.get("method") == "notifications/progress"]
    assert steps == [0, 50, 100]
    assert {one["id"] for one in told if "result" in one} == {1, 2}


def test_who_takes_no_stream_gets_an_array(gateway: Running) -> None:
    told = post(gateway, [call(n, "echo__echo", text=str(n)) for n in range(40)], accept="application/json")
    assert {one["id"]: one["result"]["content"][0]["text"] for one in told.json()} == {n: str(n) for n in range(40)}


def test_an_array_without_requests_is_taken(gateway: Running) -> None:
    assert post(gateway, [{"jsonrpc": "2.0", "method": "notifications/initialized"}]).status_code == 202


@pytest.mark.parametrize("version", ["2024-11-05", "2025-06-18", "2025-11-25"])
def test_other_versions_have_none(gateway: Running, version: str) -> None:
    told = post(gateway, [request(1, "ping")], version=version)
    assert (told.status_code, told.json()["error"]["code"]) == (400, -32600)
    assert "one message" in told.json()["error"]["message"]


@pytest.mark.parametrize("array", [[], [{"jsonrpc": "2.0", "id": 1, "method": "ping"}] * 101])
def test_an_array_holds_one_to_a_hundred(gateway: Running, array: list[object]) -> None:
    assert post(gateway, array).status_code == 400
