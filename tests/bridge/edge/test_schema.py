"""Arguments fit the tool's schema, or are refused with pointers; no schema stalls the gateway or fetches anything."""

import time
from contextlib import suppress
from typing import Any
from uuid import UUID

import msgspec
import pytest

from bridge.engine.schema_cost import CostlySchemaError, check_cost
from bridge.gateway.refusal import INVALID_PARAMS, Refusal
from bridge.gateway.schema import MAX_ERRORS, MAX_KNOWN, MAX_TENANTS, Schemas

FEE = {
    "type": "object",
    "properties": {"channel": {"type": "string", "pattern": "^[0-9]+x[0-9]+x[0-9]+$"}, "ppm": {"type": "integer"}},
    "required": ["channel"],
    "additionalProperties": False,
}


def learn(schema: Any) -> Schemas:
    schemas = Schemas()
    schemas.learn("home", {"tool": msgspec.json.encode(schema)})
    return schemas


def assert_refused(schemas: Schemas, arguments: bytes) -> Refusal:
    with pytest.raises(Refusal) as refused:
        schemas.check("home", "tool", arguments=arguments)
    assert refused.value.code == INVALID_PARAMS
    return refused.value


def pointers(refusal: Refusal) -> list[tuple[str, str]]:
    faults = msgspec.json.decode(refusal.data or b"")["errors"]
    return [(fault["pointer"], fault["code"]) for fault in faults]


def test_arguments_that_fit_come_back_in_one_spelling() -> None:
    arguments = b'{ "ppm": 5, "channel": "1x2x3" }'
    assert learn(FEE).check("home", "tool", arguments=arguments) == b'{"channel":"1x2x3","ppm":5}'


def test_faults_are_told_with_pointers() -> None:
    refusal = assert_refused(learn(FEE), b'{"channel":"a","ppm":"5","else":1}')
    assert set(pointers(refusal)) == {
        ("/channel", "pattern"),
        ("/ppm", "type"),
        ("", "additionalProperties"),
    }
    assert "/channel" in refusal.message


def test_pointers_are_escaped_and_faults_bounded() -> None:
    schemas = learn({"type": "object", "additionalProperties": {"type": "integer"}})
    assert pointers(assert_refused(schemas, b'{"a/b~c":"x"}')) == [("/a~1b~0c", "type")]
    many = msgspec.json.encode({str(number): "x" * 5000 for number in range(500)})
    refusal = assert_refused(schemas, many)
    assert len(pointers(refusal)) == MAX_ERRORS
    assert len(refusal.message) < 1000


@pytest.mark.parametrize(
    "arguments", [b"[]", b"null", b"7", b'"text"', b"", b"{", b'{"a":NaN}', b'{"a":1e999}', b'{"a":1,"a":2}', b"\xff"]
)
def test_what_is_no_object_of_one_meaning_is_refused(arguments: bytes) -> None:
    assert_refused(learn({}), arguments)
    assert_refused(Schemas(), arguments)


def test_a_member_named_twice_does_not_pass_by_the_schema() -> None:
    assert_refused(learn({"properties": {"path": {"enum": ["/tmp"]}}}), b'{"path":"/etc","path":"/tmp"}')


def test_the_draft_a_schema_names_is_its_draft() -> None:
    tuple_items = {"properties": {"a": {"items": [{"type": "string"}]}}}
    named = {"$schema": "http://json-schema.org/draft-07/schema#"} | tuple_items
    assert_refused(learn(named), b'{"a":[1]}')
    old = Schemas()
    old.learn("home", {"tool": msgspec.json.encode(tuple_items)})
    assert old.faults("home")  # no array in 2020-12


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$ref": "file:///etc/passwd"},
        {"$ref": "other.json"},
        {"$schema": "http://127.0.0.1:9/meta"},
        {"properties": {"a": {"$ref": "#/$defs/none"}}},
        {"$id": "http://127.0.0.1:9/", "$ref": "x"},
        {"type": "banana"},
        [],
        "text",
        {"pattern": "("},
        {"pattern": "(a{1,1000}){1,1000}"},
    ],
)
def test_a_schema_that_cannot_be_applied_is_told_and_fetches_nothing(schema: Any) -> None:
    schemas = learn(schema)  # a socket to anywhere but loopback would fail the test, and nobody listens there
    assert set(schemas.faults("home")) == {"tool"}
    assert schemas.check("home", "tool", arguments=b'{"a":1}') == b'{"a":1}'


def doubled(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"$ref": f"#/$defs/a{levels}", "$defs": {"a0": {"type": "object"}}}
    for level in range(1, levels + 1):
        schema["$defs"][f"a{level}"] = {"allOf": [{"$ref": f"#/$defs/a{level - 1}"}] * 2}
    return schema


NODE = {"$ref": "#/$defs/node"}
EXPONENTIAL = [
    doubled(60),
    {"$defs": {"node": {"anyOf": [{"properties": {"c": NODE}}, {"properties": {"c": NODE}}]}}, **NODE},
    {"$defs": {"node": {"properties": {"c": NODE}, "patternProperties": {"c": NODE}}}, **NODE},
    {"$defs": {"node": {"properties": {"c": NODE, "d": {"anyOf": [NODE, {}, NODE]}}}}, **NODE},
    {"$defs": {"node": {"items": {"oneOf": [{"items": NODE}, NODE]}}}, **NODE},
    {"properties": {"c": {"$ref": "#"}}, "additionalProperties": {"allOf": [{"$ref": "#"}, {"$ref": "#"}]}},
    {"$defs": {"a": {"properties": {"x": {"$ref": "#/$defs/b"}}},
               "b": {"properties": {"x": {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}]}}}},
     "$ref": "#/$defs/a"},
    {"$ref": "#/$defs/node", "$defs": {"node": {"allOf": [NODE]}}},
    {"$ref": "#"},
    {"$dynamicRef": "#node"},
    {"properties": {str(number): {} for number in range(5000)}},
    {"properties": {str(number): {"pattern": f"{number}"} for number in range(500)}},
]  # fmt: skip
SOUND = [
    FEE,
    True,
    {"$defs": {"node": {"properties": {"left": NODE, "right": {"anyOf": [NODE, {"type": "null"}]}}}}, **NODE},
    {"$defs": {"node": {"type": ["string", "array", "object"], "items": NODE, "additionalProperties": NODE}}, **NODE},
    {"properties": {"children": {"items": {"$ref": "#"}}, "name": {"type": "string"}}},
    doubled(5),
]


@pytest.mark.parametrize("schema", EXPONENTIAL)
def test_work_that_doubles_is_refused_before_it_is_compiled(schema: Any) -> None:
    with pytest.raises(CostlySchemaError):
        check_cost(schema)


@pytest.mark.parametrize("schema", SOUND)
def test_sound_schemas_are_applied_recursive_ones_too(schema: Any) -> None:
    assert learn(schema).faults("home") == {}


STALL_S = 5.0  # of a slow core; without the bounds these take minutes and more


def test_no_schema_stalls_the_gateway() -> None:
    """Each of the worst within the bounds, with the worst arguments for it, takes a second of a core, not minutes."""
    deep: Any = {}
    for _ in range(60):
        deep = {"c": deep, "left": deep.copy()}
    worst = [
        ({"properties": {"a": {"pattern": "^(a+)+$"}}}, {"a": "a" * 100_000 + "!"}),
        ({"properties": {"a": {"pattern": "^(?=a)(a+)+(?!b)$"}}}, {"a": "a" * 100_000 + "!"}),
        ({"properties": {"a": {"pattern": "^(\\w+)\\1$"}}}, {"a": "ab" * 50_000}),
        ({"properties": {"a": {"uniqueItems": True}}}, {"a": list(range(100_000))}),
        (doubled(8), {}),
        ({"properties": {"a": {"items": {"anyOf": [{"const": "x"}] * 900}}}}, {"a": [{"b": "c"}] * 5000}),
        ({"properties": {"a": {"items": {"anyOf": [{"const": "x"}] * 900}}}}, {"a": [{"b": "c"}] * 500_000}),
        ({"properties": {"a": {"items": {"type": "string"}}}}, {"a": list(range(100_000))}),
        (SOUND[3], {"c": [[{"d": "e"}] * 100] * 100}),
    ]
    for schema, arguments in worst:
        raw, sent = msgspec.json.encode(schema), msgspec.json.encode(arguments)
        began_s = time.thread_time()
        schemas = Schemas()
        schemas.learn("home", {"tool": raw})
        with suppress(Refusal):
            schemas.check("home", "tool", arguments=sent)
        assert time.thread_time() - began_s < STALL_S, schema
    for schema in EXPONENTIAL:
        began_s = time.thread_time()
        assert learn(schema).faults("home"), schema
        assert time.thread_time() - began_s < STALL_S, schema


def test_of_large_arguments_the_first_fault_is_told() -> None:
    large = msgspec.json.encode({"a": ["x"] * 5000 + [1]})
    plain = learn({"properties": {"a": {"items": {"type": "string"}}}})
    assert pointers(assert_refused(plain, large)) == [("/a/5000", "type")]
    branches = learn({"properties": {"a": {"items": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}})
    assert pointers(assert_refused(branches, large)) == [("", "schema")]


def test_what_is_too_large_for_its_schema_is_refused_and_long_texts_are_not() -> None:
    schemas = learn({"properties": {"a": {"items": {"anyOf": [{"type": "object"}] * 900}}, "b": {"type": "string"}}})
    assert pointers(assert_refused(schemas, msgspec.json.encode({"a": [{}] * 10_000}))) == [("", "size")]
    text = msgspec.json.encode({"b": ", [{" * 500_000})
    assert schemas.check("home", "tool", arguments=text) == text
    matching = learn({"properties": {"b": {"allOf": [{"pattern": f"[{{]{number}?$"} for number in range(90)]}}})
    assert pointers(assert_refused(matching, text)) == [("", "size")]


def test_a_known_schema_is_not_compiled_again_and_a_lost_tool_is_forgotten() -> None:
    schemas = learn(FEE)
    compiled = schemas._tools["home"][None]["tool"]
    schemas.learn("home", {"tool": msgspec.json.encode(FEE), "other": b"{}"})
    assert schemas._tools["home"][None]["tool"] is compiled
    schemas.learn("home", {"tool": b"{}"})
    assert schemas.check("home", "tool", arguments=b"{}") == b"{}"
    assert set(schemas._tools["home"][None]) == {"tool"}
    schemas.forget("home")
    assert schemas._tools == {}


def test_each_tenant_has_the_schemas_it_is_shown() -> None:
    schemas = Schemas()
    alice, bob = UUID(int=1), UUID(int=2)
    schemas.learn("home", {"tool": msgspec.json.encode(FEE)}, tenant=alice)
    schemas.learn("home", {"tool": b"{}"}, tenant=bob)
    assert schemas.check("home", "tool", arguments=b"{}", tenant=bob) == b"{}"
    with pytest.raises(Refusal):
        schemas.check("home", "tool", arguments=b"{}", tenant=alice)


def test_what_is_kept_of_schemas_is_bounded() -> None:
    schemas = Schemas()
    for number in range(MAX_TENANTS + 5):
        schemas.learn("home", {"tool": b'{"maxProperties":%d}' % number}, tenant=UUID(int=number))
    assert len(schemas._tools["home"]) == MAX_TENANTS
    schemas.learn("much", {str(number): b'{"minProperties":%d}' % number for number in range(MAX_KNOWN + 5)})
    assert len(schemas._known) == MAX_KNOWN
