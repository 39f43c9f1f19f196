"""A kept answer given before Django is asked is the one Django would give, byte for byte; all others are Django's."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from mcp_saas.kit.cache import find_cache
from mcp_saas.kit.metrics import REGISTRY
from mcp_saas.settings.rates import RATE_CLASSES
from nodes.pipeline.ingest import accept_snapshot
from tenants.context import enter_tenant
from tenants.provisioning.lifecycle import suspend_dazbox
from tenants.sealing.tenant import destroy_keys
from tenants.tokens.access import AccessToken, mint_access_token
from tenants.tokens.api_key import create_api_key
from tests.api import lasting
from tests.api.case import cases
from tests.api.recommendations.two_ways import (
    REQUEST_ID,
    TwoWays,
    ask_both,
    forget_limit,
    token_for,
    two_ways,
    warm,
    write_environ,
)
from tests.factories import Box, make_snapshot

alice, bob, db = lasting.alice, lasting.bob, lasting.db
Change = dict[str, Any]
SERVED: dict[str, Change] = {
    "plainly": {},
    "a request id of the caller's, in capitals": {"HTTP_X_REQUEST_ID": REQUEST_ID.upper()},
    "JSON wanted": {"HTTP_ACCEPT": "application/json"},
    "anything wanted": {"HTTP_ACCEPT": "*/*"},
    "packed if possible": {"HTTP_ACCEPT_ENCODING": "gzip, br"},
    "a length of no body": {"CONTENT_LENGTH": "0", "CONTENT_TYPE": "text/plain"},
    "cookies and a range": {"HTTP_COOKIE": "sessionid=x; csrftoken=y", "HTTP_RANGE": "bytes=0-5"},
    "in French": {"HTTP_ACCEPT_LANGUAGE": "fr-CH, en;q=0.5"},
    "in no language of ours": {"HTTP_ACCEPT_LANGUAGE": "de;q=0.9, *;q=x"},
    "whatever it is": {"HTTP_IF_NONE_MATCH": "*"},
    "another tag": {"HTTP_IF_NONE_MATCH": '"no", W/"neither"'},
    "a tag that is none": {"HTTP_IF_NONE_MATCH": "no"},
    "over TLS, as a proxy says": {"HTTP_X_FORWARDED_PROTO": "https"},
    "from a page": {"HTTP_ORIGIN": "https://elsewhere.example"},
    "through proxies": {"HTTP_X_FORWARDED_FOR": "192.0.2.1", "HTTP_X_FORWARDED_HOST": "evil.example"},
}
PASSED_ON: dict[str, Change] = {
    "the head alone": {"REQUEST_METHOD": "HEAD"},
    "a write": {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "2", "body": b"{}"},
    "made anew": {"QUERY_STRING": "use_cache=false"},
    "a wrong query": {"QUERY_STRING": "include_historical=maybe&use_cache=never&level=none"},
    "a body": {"CONTENT_LENGTH": "2", "body": b"{}"},
    "a chunked body": {"HTTP_TRANSFER_ENCODING": "chunked", "body": b"{}"},
    "not JSON": {"HTTP_ACCEPT": "text/html"},
    "JSON among others": {"HTTP_ACCEPT": "text/html, application/json;q=0.5"},
    "nothing wanted": {"HTTP_ACCEPT": ""},
    "no token": {"HTTP_AUTHORIZATION": None},
    "an empty token": {"HTTP_AUTHORIZATION": "Bearer "},
    "no token of ours": {"HTTP_AUTHORIZATION": "Bearer a.b.c"},
    "no API key of ours": {"HTTP_AUTHORIZATION": "Bearer dz_live_x"},
    "not ASCII": {"HTTP_AUTHORIZATION": "Bearer é"},
    "two tokens": {"HTTP_AUTHORIZATION": "Bearer a b"},
    "another scheme": {"HTTP_AUTHORIZATION": "Basic YTpi"},
    "a host that is not ours": {"HTTP_HOST": "evil.example"},
    "a host that is none": {"HTTP_HOST": "a_b:x/y"},
    "a name nobody remembers": {"HTTP_ORIGIN": f"https://{'a' * 300}.example"},
    "below another root": {"SCRIPT_NAME": "/below"},
}
READS = ("info", "recommendations")


@pytest.fixture
def ways() -> Iterator[TwoWays]:
    with two_ways() as found:
        yield found


@pytest.mark.parametrize("name", READS)
@cases(SERVED)
def test_what_is_kept_is_given_as_django_gives_it(ways: TwoWays, alice: Box, name: str, case: Change) -> None:
    warm(ways, alice, name, **case)

    past, through = ask_both(ways, alice, name, token=token_for(alice), **case)

    assert ways.passed_on == 0
    assert past == through
    assert past.code == (304 if case.get("HTTP_IF_NONE_MATCH") == "*" else 200)
    assert past.headers["X-Request-Id"] == REQUEST_ID


@pytest.mark.parametrize("name", READS)
@cases(PASSED_ON)
def test_all_else_is_left_to_django_as_it_came(ways: TwoWays, alice: Box, name: str, case: Change) -> None:
    warm(ways, alice, name)

    past, through = ask_both(ways, alice, name, token=token_for(alice), **case)

    assert ways.passed_on == 1
    assert past.tell() == through.tell()


@pytest.mark.parametrize("name", READS)
def test_a_caller_who_has_the_answer_is_told_so(ways: TwoWays, alice: Box, name: str) -> None:
    tag = warm(ways, alice, name).headers["ETag"]

    for given in (tag, f"W/{tag}", f'"other", {tag}'):
        past, through = ask_both(ways, alice, name, token=token_for(alice), HTTP_IF_NONE_MATCH=given)
        assert past == through
        assert (past.code, past.body, past.headers["ETag"]) == (304, b"", tag)
    assert ways.passed_on == 0


def test_the_last_thirty_days_are_kept_apart(ways: TwoWays, alice: Box) -> None:
    warm(ways, alice, "info", QUERY_STRING="include_historical=true")
    plain = warm(ways, alice, "info")

    past, through = ask_both(ways, alice, "info", token=token_for(alice), QUERY_STRING="include_historical=true")

    assert (past, ways.passed_on) == (through, 0)
    assert past.headers["ETag"] != plain.headers["ETag"]


@pytest.mark.parametrize("scope", ["read", "device", "read act"])
def test_whoever_may_read_is_served(ways: TwoWays, alice: Box, scope: str) -> None:
    warm(ways, alice, "info")

    past, through = ask_both(ways, alice, "info", token=token_for(alice, *scope.split()))

    assert (past, past.code, ways.passed_on) == (through, 200, 0)


def test_an_api_key_is_served(ways: TwoWays, alice: Box) -> None:
    warm(ways, alice, "info")
    made = create_api_key(
        alice.dazbox.id, name="app", scopes=["read"], lifetime=dt.timedelta(days=1), created_by="test"
    )

    past, through = ask_both(ways, alice, "info", token=made.key)

    assert (past, past.code, ways.passed_on) == (through, 200, 0)


def expired(box: Box) -> str:
    token = AccessToken()
    token["sub"], token["scope"], token["tenant_id"], token["tv"] = "x", "read", str(box.dazbox.id), 0
    token.set_exp(lifetime=-dt.timedelta(hours=1))
    return str(token)


REFUSED: dict[str, tuple[Callable[[Box], str], int]] = {
    "expired": (expired, 401),
    "of an older version": (lambda box: token_for(box, version=7), 401),
    "without the scope": (lambda box: token_for(box, "act"), 403),
    "an operator's": (lambda _: mint_access_token(subject="x", scopes=["operator"], tenant_id=None), 403),
    "an operator's with a box": (lambda box: token_for(box, "operator", "read"), 200),
    "of no box": (lambda _: mint_access_token(subject="x", scopes=["read"], tenant_id=None), 403),
}


@cases(REFUSED)
def test_of_any_other_token_django_judges(ways: TwoWays, alice: Box, case: tuple[Callable[[Box], str], int]) -> None:
    make_token, expected = case
    warm(ways, alice, "info")

    past, through = ask_both(ways, alice, "info", token=make_token(alice))

    assert (past, past.code, ways.passed_on) == (through, expected, 1)


@pytest.mark.parametrize("name", READS)
def test_another_boxs_kept_answer_is_not_found(ways: TwoWays, alice: Box, bob: Box, name: str) -> None:
    warm(ways, alice, name)
    warm(ways, bob, name)

    past, through = ask_both(ways, alice, name, token=token_for(bob))

    assert (past, past.code, ways.passed_on) == (through, 404, 1)
    assert alice.pubkey.encode() not in past.body


def test_a_box_out_of_service_is_refused_at_once(ways: TwoWays, alice: Box) -> None:
    warm(ways, alice, "info")
    suspend_dazbox(alice.dazbox.id, actor="test", reason="a test")

    past, through = ask_both(ways, alice, "info", token=token_for(alice))

    assert (past, past.code, ways.passed_on) == (through, 403, 1)


def test_what_is_kept_of_a_box_whose_keys_are_destroyed_is_gone(ways: TwoWays, alice: Box) -> None:
    warm(ways, alice, "info")
    destroy_keys(alice.dazbox.id)

    past, through = ask_both(ways, alice, "info", token=token_for(alice))

    assert (past, past.code, ways.passed_on) == (through, 503, 1)


def test_beyond_the_limit_django_refuses(ways: TwoWays, alice: Box) -> None:
    warm(ways, alice, "info")
    environ = write_environ(alice.path("info"), token_for(alice))
    forget_limit(alice)
    with override_settings(RATE_LIMITS=dict.fromkeys(RATE_CLASSES, (3, 3600))):
        answers = [ask(environ) for ask in (ways.past, ways.through, ways.past, ways.past, ways.through)]
    forget_limit(alice)

    assert [answer.code for answer in answers] == [200, 200, 200, 429, 429]
    left = [answer.headers["RateLimit"].split(";")[1] for answer in answers]
    assert left == ["r=2", "r=1", "r=0", "r=0", "r=0"]
    assert ways.passed_on == 1
    assert "Retry-After" in answers[3].headers


def test_what_came_in_since_makes_a_new_answer(ways: TwoWays, alice: Box) -> None:
    warm(ways, alice, "info")
    with enter_tenant(alice.tenant):
        accept_snapshot(make_snapshot(2, alice.channels[:1]))

    answers = [ways.past(write_environ(alice.path("info"), token_for(alice))) for _ in range(2)]

    assert [b'"cache_hit":true' in answer.body for answer in answers] == [False, True]
    assert all(b'"total_channels":1' in answer.body for answer in answers)
    assert ways.passed_on == 1


def test_kept_answers_are_counted_like_all_others(ways: TwoWays, alice: Box) -> None:
    def count(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    def read() -> tuple[float, ...]:
        statistics = find_cache(settings.ENV.redis_url).read_statistics() or {}
        return (
            count("dazbox_http_requests_total", operation="get_node_info", status_class="2xx"),
            count("dazbox_http_request_duration_seconds_count", operation="get_node_info"),
            count("dazbox_cache_reads_total", kind="node_info", outcome="hits"),
            statistics["node_info"].hits,
        )

    warm(ways, alice, "info")
    environ = write_environ(alice.path("info"), token_for(alice))
    steps = []
    for ask in (ways.past, ways.through):
        before = read()
        ask(environ)
        steps.append([after - earlier for after, earlier in zip(read(), before, strict=True)])
    assert steps == [[1, 1, 1, 1]] * 2


DEPLOYED: Change = {
    "SECURE_SSL_REDIRECT": True,
    "SECURE_HSTS_SECONDS": 1000,
    "SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https"),
    "CORS_ALLOWED_ORIGINS": frozenset({"https://shop.example"}),
}
ARRIVALS: dict[str, tuple[Change, bool]] = {
    "over TLS": ({"HTTP_X_FORWARDED_PROTO": "https"}, True),
    "from a page that is welcome": (
        {"HTTP_X_FORWARDED_PROTO": "https", "HTTP_ORIGIN": "https://shop.example"},
        True,
    ),
    "from one that is not": ({"HTTP_X_FORWARDED_PROTO": "https", "HTTP_ORIGIN": "https://evil.example"}, True),
    "in the clear": ({}, False),
}


@pytest.mark.parametrize("name", READS)
@cases(ARRIVALS)
def test_a_deployments_headers_are_the_same(alice: Box, name: str, case: tuple[Change, bool]) -> None:
    change, is_served = case
    with override_settings(**DEPLOYED), two_ways() as ways:
        warm(ways, alice, name, HTTP_X_FORWARDED_PROTO="https")

        past, through = ask_both(ways, alice, name, token=token_for(alice), **change)

    assert past == through
    assert ways.passed_on == (not is_served)
    assert ("Strict-Transport-Security" in past.headers, past.code == 301) == (is_served, not is_served)
    assert ("Access-Control-Allow-Origin" in past.headers) == (change.get("HTTP_ORIGIN") == "https://shop.example")
