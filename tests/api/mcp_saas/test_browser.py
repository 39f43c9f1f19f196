"""Browsers: pages of configured origins alone may call the API, our own pages load and run only what is ours."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import override_settings

from tests.api.case import cases
from tests.conftest import ApiClient
from tests.factories import Box

APP = "https://app.example.com"
FOREIGN = {
    "another": "https://evil.example",
    "a longer host": "https://app.example.com.evil.example",
    "without TLS": "http://app.example.com",
    "another port": "https://app.example.com:8443",
    "null": "null",
    "upper case": "https://APP.example.com",
    "all": "*",
}
shared = override_settings(CORS_ALLOWED_ORIGINS=frozenset({APP}))
ALLOW = "Access-Control-Allow-Origin"


def preflight(api: ApiClient, path: str, origin: str) -> Any:
    return api.call("OPTIONS", path, Origin=origin, **{"Access-Control-Request-Method": "PUT"})


@shared
def test_a_page_of_a_configured_origin_may_call_and_read(api: ApiClient, alice: Box) -> None:
    asked = preflight(api, alice.path("mode"), APP)
    assert (asked.status, asked.headers[ALLOW]) == (204, APP)
    assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
    for header in ("Authorization", "Idempotency-Key", "If-Match"):
        assert header in asked.headers["Access-Control-Allow-Headers"]
    answer = api.get(alice.path("mode"), token=api.token_of(alice), Origin=APP)
    assert (answer.status, answer.headers[ALLOW], answer.headers["Vary"]) == (200, APP, "Origin")
    assert "ETag" in answer.headers["Access-Control-Expose-Headers"]


@shared
def test_a_refusal_can_be_read_as_well(api: ApiClient, alice: Box) -> None:
    answer = api.get(alice.path("mode"), Origin=APP)
    assert (answer.status, answer.headers[ALLOW]) == (401, APP)


@shared
@cases(FOREIGN)
def test_a_page_of_another_origin_may_not(api: ApiClient, alice: Box, case: str) -> None:
    for answer in (preflight(api, alice.path("mode"), case), api.get(alice.path("mode"), Origin=case)):
        assert [name for name in answer.headers if name.startswith("Access-Control-")] == []
        assert "Origin" in answer.headers["Vary"]


@shared
def test_no_cookie_is_ever_let_across_and_the_admin_is_not_shared(api: ApiClient, db: None) -> None:
    assert "Access-Control-Allow-Credentials" not in api.get("/api/v1/health", Origin=APP).headers
    for path in ("/admin/login/", "/"):
        assert ALLOW not in api.get(path, Origin=APP).headers


def test_without_configured_origins_nobody_may(api: ApiClient, db: None) -> None:
    assert ALLOW not in api.get("/api/v1/health", Origin=APP).headers


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/schema", "/nope", "/.well-known/jwks.json"])
def test_what_is_no_page_may_load_nothing(api: ApiClient, db: None, path: str) -> None:
    assert api.get(path).headers["Content-Security-Policy"].startswith("default-src 'none'; form-action 'none'")


def test_the_docs_run_scripts_of_ours_alone(api: ApiClient) -> None:
    page = api.get("/api/v1/docs", Accept="text/html")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert inline_scripts(page.raw.decode()) == []


def test_the_admin_needs_no_inline_script(api: ApiClient, alice: Box) -> None:
    api.client.force_login(User.objects.create_superuser("root", password="x"))
    for path in ("/admin/tenants/dazbox/", f"/admin/tenants/dazbox/{alice.dazbox.id}/change/", "/admin/login/"):
        page = api.get(path)
        policy = page.headers["Content-Security-Policy"]
        assert "script-src 'self' 'unsafe-eval';" in policy
        assert "'unsafe-inline'" not in policy.split("script-src")[1]
        assert inline_scripts(page.raw.decode()) == []


def test_browsers_find_an_icon_where_they_look_unbidden(api: ApiClient) -> None:
    icon = api.get("/favicon.ico")
    assert (icon.status, icon.raw[:4]) == (200, bytes([0, 0, 1, 0]))
    assert icon.headers["Content-Type"] in {"image/x-icon", "image/vnd.microsoft.icon"}


def test_the_admin_leads_to_no_page_for_programs(api: ApiClient, db: None) -> None:
    assert "Return to site" not in api.get("/admin/login/").raw.decode()


def inline_scripts(page: str) -> list[str]:
    """What a script-src without 'unsafe-inline' keeps from running: scripts in the page, handlers in attributes."""
    scripts = [text.strip() for text in re.findall(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", page, re.DOTALL)]
    data = re.findall(r'<script[^>]*type="application/json"[^>]*>(.*?)</script>', page, re.DOTALL)
    return [text for text in scripts if text not in {item.strip() for item in data}] + re.findall(
        r"\son[a-z]+=\"[^\"]*", page
    )
