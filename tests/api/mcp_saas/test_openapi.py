"""The OpenAPI document says what the API does: all of it, with limits, and as it really answers."""

import inspect
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import jsonschema
import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from openapi_spec_validator import OpenAPIV31SpecValidator

from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView
from tests.api.openapi_document import METHODS, Operation, list_operations, read_document
from tests.api.problem import assert_problem
from tests.api.residents import write_recommendation
from tests.conftest import ApiClient
from tests.factories import Box, as_json, make_api_key, make_forward, make_snapshot

OPERATIONS = list_operations()
READS = [op for op in OPERATIONS if op.method == "GET" and op.path.startswith("/api/v1/node/")]
WITH_BODY = [op for op in OPERATIONS if "application/json" in op.detail.get("requestBody", {}).get("content", {})]
ALWAYS = {"400", "406", "503"}
every_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=str)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = read_document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def find_faults(value: Any, schema: dict[str, Any]) -> list[str]:
    """Where a value is not as the document says; empty: nowhere."""
    whole = schema | {"components": read_document()["components"]}
    checker = jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker())
    return [fault.message for fault in checker.iter_errors(value)]


def schema_of(operation: Operation, status: int) -> dict[str, Any]:
    [content] = operation.detail["responses"][str(status)]["content"].values()
    return dict(content["schema"])


def body_of(operation: Operation) -> dict[str, Any]:
    return dict(operation.detail["requestBody"]["content"]["application/json"]["schema"])


def walk_views(patterns: list[Any], prefix: str = "/") -> Iterator[tuple[str, type[ApiView]]]:
    """Every address of ours and the view behind it."""
    for pattern in patterns:
        path = prefix + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver) and pattern.app_name != "admin":
            yield from walk_views(pattern.url_patterns, path)
        view = getattr(pattern.callback, "view_class", None) if isinstance(pattern, URLPattern) else None
        if view is not None and issubclass(view, ApiView):
            yield path, view


BESIDE = {("/metrics", "get")}  # Prometheus' own format, for Prometheus alone


def test_the_document_is_valid_openapi_3_1(api: ApiClient) -> None:
    answer = api.get("/api/v1/schema", Accept="application/json")
    assert answer.status == 200
    assert answer.json["openapi"].startswith("3.1.")
    assert [error.message for error in OpenAPIV31SpecValidator(answer.json).iter_errors()] == []
    assert answer.json["paths"] == read_document()["paths"]


def test_every_address_and_method_is_in_the_document() -> None:
    views = list(walk_views(get_resolver().url_patterns))
    built = {(path, method) for path, view in views for method in METHODS if hasattr(view, method)}
    assert len(built) >= 20
    assert built - BESIDE == {(operation.path, operation.method.lower()) for operation in OPERATIONS}


def test_operation_ids_are_verb_noun_and_say_one_thing_each() -> None:
    ids = Counter(str(operation) for operation in OPERATIONS)
    assert [name for name, count in ids.items() if count > 1] == []
    assert [name for name in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []


@every_operation
def test_an_operation_is_described(operation: Operation) -> None:
    assert operation.detail["summary"]
    assert operation.detail["tags"]
    declared = {item["name"] for item in operation.detail.get("parameters", []) if item["in"] == "path"}
    assert declared == set(operation.places)


@every_operation
def test_an_operation_is_described_by_words_of_its_own_and_not_by_those_of_a_class(operation: Operation) -> None:
    description = operation.detail["description"]
    others = [other.detail["description"] for other in OPERATIONS if other is not operation]
    [view] = [view for path, view in walk_views(get_resolver().url_patterns) if path == operation.path]
    inherited = [inspect.getdoc(base) for base in view.__mro__]
    assert description
    assert description != operation.detail["summary"]
    assert description not in others
    assert description not in inherited


def test_an_operation_without_words_of_its_own_stops_the_start() -> None:
    def get() -> None: ...

    with pytest.raises(ValueError, match="docstring"):
        endpoint("get_nothing", summary="Nothing", tag="node", answers={204: None})(get)


@every_operation
def test_an_operation_names_the_problems_it_can_meet(operation: Operation) -> None:
    expected = set(ALWAYS)
    if "security" in operation.detail:
        expected |= {"401", "403"}
    if "requestBody" in operation.detail:
        expected |= {"413", "415"}
    if "{" in operation.path:
        expected |= {"404"}
    responses = operation.detail["responses"]
    assert set(responses) >= expected
    assert {status for status in responses if status.startswith("2")}
    problems = {status for status in responses if status >= "400"} - (
        {"503"} if str(operation) == "get_health" else set()
    )
    for status in problems:
        [(media_type, content)] = responses[status]["content"].items()
        assert media_type == "application/problem+json"
        assert content["schema"]["$ref"].endswith("/ProblemDetails")


@every_operation
def test_the_document_says_truly_who_must_sign_in(api: ApiClient, db: None, operation: Operation) -> None:
    path = operation.address(**dict.fromkeys(operation.places, "00000000-0000-0000-0000-000000000000"))
    answer = api.call(operation.method, path, {} if operation in WITH_BODY else None)
    if "security" in operation.detail:
        assert operation.detail["security"] == [{"bearer": []}]
        assert_problem(answer, 401)
    else:
        assert answer.status in {200, 204, 400}


def test_the_way_to_sign_in_is_declared() -> None:
    assert read_document()["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def find_unbounded(schema: dict[str, Any], place: str, above: frozenset[str] = frozenset()) -> Iterator[str]:
    """Places of a body's schema where a caller could send without limit. `above`: what the place is part of."""
    if schema.get("$ref") in above:
        return
    above |= {schema["$ref"]} if "$ref" in schema else set()
    schema = resolve(schema)
    kind = schema.get("type")
    for branch in schema.get("anyOf", []) + schema.get("oneOf", []):
        yield from find_unbounded(branch, place, above)
    if kind == "string" and not {"maxLength", "format", "enum", "const"} & set(schema) and not is_anchored(schema):
        yield place
    if kind == "integer" and not {"minimum", "maximum"} <= set(schema):
        yield place
    if kind == "array":
        yield from [] if "maxItems" in schema else [place]
        yield from find_unbounded(schema["items"], f"{place}[]", above)
    if kind == "object":
        others = schema.get("additionalProperties")
        yield from [] if others is False or "maxProperties" in schema else [place]
        yield from find_unbounded(others, f"{place}[]", above) if isinstance(others, dict) else []
        for name, property_schema in schema.get("properties", {}).items():
            yield from find_unbounded(property_schema, f"{place}.{name}", above)


def is_anchored(schema: dict[str, Any]) -> bool:
    pattern = schema.get("pattern", "")
    return pattern.startswith("^") and "$" in pattern and not re.search(r"[*+]", pattern)


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_every_field_of_a_body_has_its_limits(operation: Operation) -> None:
    assert list(find_unbounded(body_of(operation), "body")) == []


def test_the_check_for_limits_finds_what_has_none() -> None:
    loose = {
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "count": {"type": "integer", "minimum": 0},
            "list": {"type": "array", "items": {"type": "string", "pattern": "^a+$"}},
        },
    }
    assert set(find_unbounded(loose, "body")) == {"body", "body.text", "body.count", "body.list", "body.list[]"}


def test_queries_have_their_limits() -> None:
    queries = [
        item for operation in OPERATIONS for item in operation.detail.get("parameters", []) if item["in"] == "query"
    ]
    assert {item["name"] for item in queries} >= {"limit", "cursor", "state", "run"}
    for item in queries:
        assert item["description"]
        assert item["schema"]["type"] != "integer" or {"minimum", "maximum"} <= set(item["schema"])


@pytest.mark.parametrize("operation", READS, ids=str)
def test_an_answer_is_as_the_document_says(api: ApiClient, alice: Box, operation: Operation) -> None:
    advised = str(write_recommendation(alice, "word"))
    path = operation.address(pubkey=alice.pubkey, short_channel_id="800000x1x0", recommendation_id=advised)
    if "state" in {item["name"] for item in operation.detail["parameters"]}:
        path += "?state=planned"
    make_api_key(alice)
    answer = api.get(path, token=api.token_of(alice))
    assert answer.status == 200
    body = answer.raw.decode() if "csv" in answer.headers["Content-Type"] else answer.json
    assert body not in ({}, {"items": [], "next_cursor": None}, "")
    assert find_faults(body, schema_of(operation, 200)) == []


@pytest.mark.parametrize("path", ["/api/v1/health", "/.well-known/jwks.json"])
def test_an_open_answer_is_as_the_document_says(api: ApiClient, db: None, path: str) -> None:
    [operation] = list_operations(path)
    answer = api.get(path)
    assert answer.status == 200
    assert find_faults(answer.json, schema_of(operation, 200)) == []


def test_a_problem_is_as_the_document_says(api: ApiClient, alice: Box) -> None:
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    refused = api.post(alice.path("snapshots"), {}, token=api.token_of(alice))
    answers = [refused, api.get("/nope"), api.get(alice.path("mode"))]
    assert [answer.status for answer in answers] == [400, 404, 401]
    assert [find_faults(answer.json, schema) for answer in answers] == [[], [], []]


def test_a_good_body_is_good_by_the_document_and_a_bad_one_is_not() -> None:
    snapshot, forward = as_json(make_snapshot()), as_json(make_forward())
    by_id = {str(operation): body_of(operation) for operation in WITH_BODY}
    spoilt = [snapshot | {"seq": -1}, snapshot | {"x": 1}, snapshot | {"taken_at": None}]
    assert find_faults(snapshot, by_id["send_snapshot"]) == []
    assert find_faults({"events": [forward], "cursor": None}, by_id["send_forwards"]) == []
    assert all(find_faults(bad, by_id["send_snapshot"]) for bad in spoilt)


class AssetParser(HTMLParser):
    """The addresses a page loads by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"src", "href"} if tag in {"script", "link", "img", "iframe", "source"} else {"src"}
        self.addresses += [value for name, value in attrs if name in names and value]


def test_the_swagger_page_loads_nothing_from_elsewhere(api: ApiClient) -> None:
    page = api.get("/api/v1/docs", Accept="text/html")
    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert re.findall(rb"(?:https?:)?//[a-z0-9-]+\.[a-z]", page.raw) == []
    parser = AssetParser()
    parser.feed(page.raw.decode())
    assert len(parser.addresses) >= 3
    for address in parser.addresses:
        assert address.startswith(("/static/", "/api/v1/docs?"))
        asset = api.get(address)
        assert asset.status == 200
        assert len(asset.raw) > 100


def test_the_styles_of_the_swagger_page_load_nothing_from_elsewhere(api: ApiClient) -> None:
    styles = api.get("/static/drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css").raw.decode()
    loaded = re.findall(r"url\(\s*['\"]?([^'\")]{1,40})", styles) + re.findall(r"@import\s+(.{1,40})", styles)
    assert [address for address in loaded if not address.startswith("data:")] == []


def test_the_swagger_page_shows_our_document(api: ApiClient) -> None:
    script = api.get("/api/v1/docs?script=", Accept="*/*")
    assert script.headers["Content-Type"].startswith("application/javascript")
    assert b'url: "/api/v1/schema"' in script.raw
    assert b"StandaloneLayout" not in script.raw  # it would show a badge of validator.swagger.io


def test_the_front_door_leads_to_the_docs(api: ApiClient) -> None:
    answer = api.get("/")
    assert (answer.status, answer.headers["Location"]) == (302, "/api/v1/docs")
