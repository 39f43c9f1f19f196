"""Tools without MCP: plain JSON, one call or several, an address for each tool and a document of them all."""

import gzip
import json

import httpx
import pytest
import zstandard
from openapi_spec_validator import validate

from tests.bridge.gateway.running import Running


def post(gateway: Running, path: str, body: object, **headers: str) -> httpx.Response:
    return httpx.post(f"{gateway.base}{path}", json=body, headers=headers, timeout=60)


def test_a_tool_is_called_by_its_server_and_name_or_by_both_in_one(gateway: Running) -> None:
    content = [{"type": "text", "text": "hello"}]
    for body in ({"server": "echo", "name": "echo"}, {"name": "echo__echo"}):
        told = post(gateway, "/mcp/tools/call", body | {"arguments": {"text": "hello"}})
        assert (told.status_code, told.json()["content"]) == (200, content)


def test_an_array_of_calls_is_answered_item_by_item(gateway: Running) -> None:
    calls = [
        {"name": "echo__echo", "arguments": {"text": "one"}},
        {"name": "echo__echo", "arguments": {"text": 2}},
        {"name": "echo__nothing"},
        {"name": "echo__add", "arguments": {"a": 1, "b": 2}},
        "no call",
    ]
    told = post(gateway, "/mcp/tools/call", calls).json()
    assert told[0]["result"]["content"][0]["text"] == "one"
    assert told[1]["error"]["type"].endswith("/invalid-arguments")
    assert told[1]["error"]["errors"][0]["pointer"] == "/text"
    assert told[2]["error"]["type"].endswith("/not-found")
    assert told[3]["result"]["content"][0]["text"] == "3"
    assert told[4]["error"]["type"].endswith("/invalid-body")


def test_a_body_that_is_no_json_is_refused_with_the_place(gateway: Running) -> None:
    told = httpx.post(f"{gateway.base}/mcp/tools/echo/echo", content=b'{"text": nobody}', timeout=60)
    assert (told.status_code, told.json()["type"].rsplit("/", 1)[1]) == (400, "invalid-body")
    assert told.json()["detail"].startswith("The body cannot be read: this is no JSON: JSON is malformed")


def test_each_tool_has_an_address_of_its_own(gateway: Running) -> None:
    told = post(gateway, "/mcp/tools/echo/echo", {"text": "hello"})
    assert told.json() == {"content": [{"type": "text", "text": "hello"}]}
    failed = post(gateway, "/mcp/tools/modern/test_error_handling", {})
    assert (failed.status_code, failed.headers["content-type"]) == (422, "application/problem+json")
    assert failed.json()["detail"] == "Error executing tool test_error_handling"


def test_tools_are_described_by_a_valid_openapi_document(gateway: Running) -> None:
    document = httpx.get(f"{gateway.base}/mcp/openapi.json", timeout=60).json()
    validate(document)
    operation = document["paths"]["/mcp/tools/echo/echo"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"] == {"text": {"type": "string"}}


def test_the_first_question_tells_what_all_servers_can_do(gateway: Running) -> None:
    told = post(gateway, "/mcp/initialize", {}).json()
    assert told["supportedVersions"][0] == "2026-07-28"
    assert {"tools", "resources", "prompts"} <= told["capabilities"].keys()
    names = {tool["name"] for tool in post(gateway, "/mcp/tools/list", {"server": "echo"}).json()["tools"]}
    assert names == {"echo", "add", "pid"}


@pytest.mark.parametrize(
    ("path", "method", "status"), [("/mcp/tools/call", "GET", 405), ("/mcp/tools/echo", "POST", 404)]
)
def test_what_is_not_there_is_told_as_a_problem(gateway: Running, path: str, method: str, status: int) -> None:
    told = httpx.request(method, f"{gateway.base}{path}", timeout=60)
    assert (told.status_code, told.headers["content-type"]) == (status, "application/problem+json")


def test_answers_above_a_kilobyte_are_compressed_for_those_who_take_them_so(gateway: Running) -> None:
    body = {"name": "echo__echo", "arguments": {"text": "a" * 5000}}
    with httpx.Client(timeout=60) as client:
        for name, unpack in (("gzip", gzip.decompress), ("zstd", zstandard.ZstdDecompressor().decompress)):
            with client.stream(
                "POST", f"{gateway.base}/mcp/tools/call", json=body, headers={"accept-encoding": name}
            ) as told:
                raw = b"".join(told.iter_raw())
            assert told.headers["content-encoding"] == name
            assert len(raw) < 500
            assert json.loads(unpack(raw))["content"][0]["text"] == "a" * 5000
        small = client.post(f"{gateway.base}/mcp/tools/call", json={"name": "echo__pid"})
        assert "content-encoding" not in small.headers


def test_who_names_a_server_that_is_not_there_is_told_which_are(gateway: Running) -> None:
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    told = httpx.post(gateway.url("ecko"), json=message, timeout=60)
    words = "There is no server ecko for you. There is: modern, legacy, echo."
    assert (told.status_code, told.json()["error"]["message"]) == (404, words)
    told = httpx.post(f"{gateway.base}/mcp/tools/call", json={"name": "ecko__echo"}, timeout=60)
    assert (told.status_code, told.json()["detail"]) == (404, words)
    assert "initialize" in httpx.post(gateway.url("echo"), json=message, timeout=60).json()["error"]["message"]
