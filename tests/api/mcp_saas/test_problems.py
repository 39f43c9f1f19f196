"""Whatever goes wrong, wherever: application/problem+json with the same members, and the id of the request."""

import uuid
from typing import Any

import pytest
from django.db import OperationalError
from psycopg.errors import LockNotAvailable

from mcp_saas.api.errors import as_problem
from tenants.tokens.access import mint_access_token
from tests.api.case import cases
from tests.api.mcp_saas.faulty_urls import SECRET
from tests.api.mcp_saas.outage import database_at
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, pubkey_of

HEALTH, TOKEN = "/api/v1/health", "/api/v1/auth/token"
NODE = f"/api/v1/node/{pubkey_of('nobody')}"
NIL = "00000000-0000-0000-0000-000000000000"
UNKNOWN_ROUTES = {
    "at the top": "/nope",
    "in the API": "/api/v1/nope",
    "the API's root": "/api/v1/",
    "no version": "/api/health",
    "a slash too many": "/api/v1/health/",
    "double slash": "//api/v1/health",
    "dots": "/api/v1/../../etc/passwd",
    "encoded dots": "/api/v1/%2e%2e/%2e%2e/etc/passwd",
    "NUL": "/%00",
    "no UTF-8": "/%ff%fe",
    "10 kB": "/" + "x" * 10_000,
    "HTML": "/<script>alert(1)</script>",
    "upper case": "/API/V1/HEALTH",
    "static file": "/static/../mcp_saas/settings/base.py",
    "unknown static file": "/static/nope.js",
    "dot file": "/.env",
}
OTHER_IDS = {
    "none": "",
    "a word": "request-1",
    "33 digits": "0" * 33,
    "without dashes": uuid.UUID(int=1).hex,
    "in braces": "{" + NIL + "}",
    "two": f"{NIL}, {NIL}",
    "unicode digits": NIL.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
    "10 kB": "a" * 10_000,
    "HTML": "<script>",
}


@pytest.fixture
def faulty(api: ApiClient) -> ApiClient:
    """A client that shows a 500 instead of raising what caused it."""
    api.client.raise_request_exception = False
    return api


@cases(UNKNOWN_ROUTES)
def test_an_unknown_route_is_a_404(api: ApiClient, case: str) -> None:
    assert_problem(api.get(case), 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE", "FOO"])
def test_another_method_is_a_405_that_names_the_right_ones(api: ApiClient, method: str) -> None:
    answer = api.call(method, HEALTH)
    assert_problem(answer, 405)
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/png;q=1", "nonsense"])
@pytest.mark.parametrize("path", [HEALTH, "/.well-known/jwks.json", "/api/v1/schema"])
def test_another_representation_is_a_406(api: ApiClient, path: str, accept: str) -> None:
    assert_problem(api.get(path, Accept=accept), 406)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "application/*;q=0.1", "text/html, */*;q=0.1"])
def test_json_is_given_to_whoever_takes_it(api: ApiClient, accept: str) -> None:
    assert api.get("/.well-known/jwks.json", Accept=accept).status == 200


def test_another_media_type_is_a_415(api: ApiClient) -> None:
    assert_problem(api.post(TOKEN, b"client_id=x", **{"Content-Type": "application/x-www-form-urlencoded"}), 415)


def test_a_large_body_is_a_413(api: ApiClient) -> None:
    assert_problem(api.post(TOKEN, b" " * (10 * 1024 * 1024 + 1)), 413)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost:port", "a b", "", "[::1", "x" * 300]
)
def test_another_host_is_a_400(api: ApiClient, host: str) -> None:
    assert_problem(api.get("/.well-known/jwks.json", Host=host), 400)


def test_a_host_is_never_taken_from_a_forwarded_header(api: ApiClient) -> None:
    assert api.get("/.well-known/jwks.json", **{"X-Forwarded-Host": "evil.example"}).status == 200


@pytest.mark.parametrize("path", ["/fault/plain", "/fault/api"])
@pytest.mark.urls("tests.api.mcp_saas.faulty_urls")
def test_a_fault_of_ours_is_a_500_that_tells_nothing_but_its_id(faulty: ApiClient, path: str) -> None:
    answer = faulty.get(path)
    assert_problem(answer, 500)
    assert SECRET.encode() not in answer.raw
    assert b"RuntimeError" not in answer.raw


@pytest.mark.parametrize("status", [400, 403, 404, 413])
@pytest.mark.urls("tests.api.mcp_saas.faulty_urls")
def test_what_django_raises_is_a_problem_too(faulty: ApiClient, status: int) -> None:
    answer = faulty.get(f"/fault/{status}")
    assert_problem(answer, status)
    assert SECRET.encode() not in answer.raw


@pytest.mark.urls("tests.api.mcp_saas.faulty_urls")
def test_a_view_that_declares_nothing_lets_nobody_in(faulty: ApiClient, charlie: Box) -> None:
    assert_problem(faulty.get("/fault/undeclared"), 401)
    assert_problem(faulty.get("/fault/undeclared", token=faulty.token_of(charlie)), 403)


@pytest.mark.urls("tests.api.mcp_saas.faulty_urls")
def test_a_statement_that_takes_too_long_is_a_503(faulty: ApiClient, db: None) -> None:
    answer = faulty.get("/fault/slow-query")
    assert_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"


@pytest.mark.fault
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", f"{NODE}/channels", None),
        ("POST", f"{NODE}/snapshots", {}),
        ("PUT", f"{NODE}/mode", {"mode": "shadow"}),
        ("POST", TOKEN, {"client_id": "shop", "client_secret": "x"}),
        ("POST", TOKEN, {"username": "olga", "password": "x"}),
        ("POST", "/api/v1/auth/refresh", {"refresh": "dzr_x"}),
        ("POST", "/api/v1/auth/revoke", {"refresh": "dzr_x"}),
    ],
)
def test_without_the_database_it_is_a_503_that_says_when_to_come_back(
    faulty: ApiClient, database_away: None, method: str, path: str, body: Any
) -> None:
    token = mint_access_token(subject="x", scopes=["device", "read", "act"], tenant_id=uuid.uuid4())
    answer = faulty.call(method, path, body, token=token)
    assert_problem(answer, 503)
    assert answer.headers["Retry-After"] == "5"
    assert b"127.0.0.1" not in answer.raw


def test_without_the_database_what_needs_none_goes_on(faulty: ApiClient, database_away: None) -> None:
    assert faulty.get("/.well-known/jwks.json").status == 200
    assert faulty.get("/api/v1/schema").status == 200
    assert_problem(faulty.get("/nope"), 404)
    assert_problem(faulty.get(f"{NODE}/channels"), 401)
    assert_problem(faulty.get(f"{NODE}/channels", token="garbage"), 401)


def test_the_request_after_an_outage_is_served(faulty: ApiClient, unwrapped_db: None, closed_port: int) -> None:
    credentials = {"client_id": "shop", "client_secret": "x"}
    with database_at(closed_port):
        assert_problem(faulty.post(TOKEN, credentials), 503)
    assert_problem(faulty.post(TOKEN, credentials), 401)


def test_a_request_id_that_is_a_uuid_is_said_back(api: ApiClient) -> None:
    given = str(uuid.uuid4())
    for path in ("/nope", "/.well-known/jwks.json", "/api/v1/docs"):
        assert api.get(path, **{"X-Request-Id": given}).headers["X-Request-Id"] == given
    answer = api.get("/nope", **{"X-Request-Id": given.upper()})
    assert answer.json["instance"] == f"urn:uuid:{given}"


@cases(OTHER_IDS)
def test_any_other_request_id_is_replaced(api: ApiClient, case: str) -> None:
    answers = [api.get("/nope", **{"X-Request-Id": case}) for _ in range(2)]
    ids = [answer.headers["X-Request-Id"] for answer in answers]
    assert len(set(ids)) == 2
    for answer, request_id in zip(answers, ids, strict=True):
        assert str(uuid.UUID(request_id)) == request_id != case
        assert_problem(answer, 404)


@pytest.mark.parametrize("path", ["/nope", HEALTH, "/api/v1/docs", "/.well-known/jwks.json"])
def test_every_answer_forbids_sniffing_and_framing(api: ApiClient, db: None, path: str) -> None:
    headers = api.get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_a_lock_that_somebody_holds_for_long_is_no_database_that_is_away() -> None:
    error = OperationalError("canceling statement due to lock timeout")
    error.__cause__ = LockNotAvailable()
    problem = as_problem(error)
    assert problem is not None
    assert (problem.status, problem.code, problem.headers["Retry-After"]) == (429, "busy", "2")
