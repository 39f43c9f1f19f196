"""Headers that say what a body says."""

import json
from typing import Any

import pytest

from bridge.sources.http.mirror import Mirror, encode_value


def tool(name: str, schema: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": schema}


def props(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def marked(header: Any, kind: Any = "string") -> dict[str, Any]:
    return {"type": kind, "x-mcp-header": header}


def learn(*tools: dict[str, Any]) -> tuple[Mirror, list[str], list[str]]:
    """The mirror, the names of the tools that are left, and the log."""
    log: list[str] = []
    mirror = Mirror(log.append)
    left = json.loads(mirror.learn(json.dumps({"tools": tools, "ttlMs": 1}).encode()))
    assert left["ttlMs"] == 1
    return mirror, [one["name"] for one in left["tools"]], log


@pytest.mark.parametrize(
    ("text", "header"),
    [
        ("plain text", "plain text"),
        ("é", "=?base64?w6k=?="),
        (" a", "=?base64?IGE=?="),
        ("", "=?base64??="),
        ("a\r\nX: 1", "=?base64?YQ0KWDogMQ==?="),
        ("=?base64?YQ==?=", "=?base64?PT9iYXNlNjQ/WVE9PT89?="),
    ],
)
def test_a_value_no_header_can_carry_goes_in_base64(text: str, header: str) -> None:
    assert encode_value(text) == header


@pytest.mark.parametrize(
    "schema",
    [
        props(a=marked("")),
        props(a=marked("two words")),
        props(a=marked("é")),
        props(a=marked(7)),
        props(a=marked("A", "number")),
        props(a=marked("A", ["string"])),
        props(a=marked("A"), b=marked("a")),
        props(a={"type": "array", "items": marked("A")}),
        props(a={"anyOf": [marked("A")]}),
        {"$defs": {"a": marked("A")}},
        {**props(), "x-mcp-header": "A"},
    ],
)
def test_a_tool_that_asks_as_it_must_not_is_left_out_and_said(schema: Any) -> None:
    _, left, log = learn(tool("wrong", schema), tool("right", props(a=marked("A"))))
    assert left == ["right"]
    assert "wrong is left out" in log[0]


def test_words_in_data_are_no_annotation() -> None:
    schema = props(a={"type": "object", "default": {"x-mcp-header": ""}, "enum": [{"x-mcp-header": ""}]})
    assert learn(tool("right", schema))[1] == ["right"]


def test_arguments_are_mirrored_where_they_are_given() -> None:
    mirror, _, _ = learn(tool("t", props(a=marked("A"), b=props(c=marked("C", "boolean")), d=marked("D", "integer"))))
    params = json.dumps({"name": "t", "arguments": {"a": "x", "b": {"c": False}, "d": None}}).encode()
    headers = mirror.make_headers("tools/call", params, name="t")
    assert headers == {"Mcp-Method": "tools/call", "Mcp-Name": "t", "Mcp-Param-A": "x", "Mcp-Param-C": "false"}


def test_a_list_without_annotations_stays_as_it_came() -> None:
    body = b'{ "tools":[ {"name":"t","inputSchema":{}} ] }'
    assert Mirror([].append).learn(body) is body
