"""Refresh tokens: one successor each, the same again for a lost answer, and the end of the family for a thief."""

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from tenants.models.refresh_token import RefreshToken
from tenants.tokens.refresh import issue_tokens
from tests.api.problem import assert_problem, assert_refused_at
from tests.api.tenants.forgery import read_token
from tests.conftest import ApiClient
from tests.factories import Box

REFRESH, REVOKE = "/api/v1/auth/refresh", "/api/v1/auth/revoke"
CLIENTS = 8


def sign_in(api: ApiClient, box: Box) -> dict[str, Any]:
    answer = api.post("/api/v1/auth/device-token", {"assertion": box.sign_assertion()})
    return dict(answer.json)


def rotate(api: ApiClient, refresh: str) -> Any:
    return api.post(REFRESH, {"refresh": refresh})


def let_pass(*, seconds: int) -> None:
    """As if all that was used had been used so much earlier."""
    for row in RefreshToken.objects.exclude(used_at=None):
        row.used_at -= dt.timedelta(seconds=seconds)
        row.save(update_fields=["used_at"])


def test_a_refresh_token_gives_a_new_pair_that_opens(api: ApiClient, alice: Box) -> None:
    first = sign_in(api, alice)
    answer = rotate(api, first["refresh"])
    assert answer.status == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert set(answer.json) == {"access", "refresh", "expires_in", "token_type"}
    assert answer.json["refresh"] != first["refresh"]
    assert api.get(alice.path("mode"), token=answer.json["access"]).status == 200
    before, after = read_token(first["access"])[1], read_token(answer.json["access"])[1]
    assert [after[name] for name in ("sub", "tenant_id", "scope")] == [
        before[name] for name in ("sub", "tenant_id", "scope")
    ]


def test_a_chain_of_refreshes_goes_on(api: ApiClient, charlie: Box) -> None:
    refresh, seen = sign_in(api, charlie)["refresh"], set()
    for _ in range(5):
        seen.add(refresh)
        refresh = rotate(api, refresh).json["refresh"]
        let_pass(seconds=600)
    assert len(seen | {refresh}) == 6


def test_a_lost_answer_is_given_again_with_the_same_successor(api: ApiClient, charlie: Box) -> None:
    first = sign_in(api, charlie)["refresh"]
    answers = [rotate(api, first) for _ in range(3)]
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["refresh"] for answer in answers}) == 1
    assert RefreshToken.objects.count() == 2


def test_the_grace_ends_and_reuse_ends_the_family(api: ApiClient, charlie: Box) -> None:
    first = sign_in(api, charlie)["refresh"]
    second = rotate(api, first).json["refresh"]
    third = rotate(api, second).json["refresh"]
    let_pass(seconds=31)
    assert_problem(rotate(api, first), 401)
    for descendant in (second, third):
        assert_problem(rotate(api, descendant), 401)


def test_the_end_of_one_family_leaves_the_others(api: ApiClient, alice: Box, bob: Box) -> None:
    stolen, other, bobs = sign_in(api, alice)["refresh"], sign_in(api, alice)["refresh"], sign_in(api, bob)["refresh"]
    rotate(api, stolen)
    let_pass(seconds=31)
    assert_problem(rotate(api, stolen), 401)
    assert rotate(api, other).status == 200
    assert rotate(api, bobs).status == 200


def test_just_within_the_grace_is_no_reuse(api: ApiClient, charlie: Box) -> None:
    first = sign_in(api, charlie)["refresh"]
    second = rotate(api, first).json["refresh"]
    let_pass(seconds=20)
    assert rotate(api, first).json["refresh"] == second
    assert rotate(api, second).status == 200


def test_revoking_ends_the_family_wherever_it_stands(api: ApiClient, charlie: Box) -> None:
    first = sign_in(api, charlie)["refresh"]
    second = rotate(api, first).json["refresh"]
    answer = api.post(REVOKE, {"refresh": first})
    assert (answer.status, answer.raw) == (204, b"")
    for refresh in (first, second):
        assert_problem(rotate(api, refresh), 401)


def test_revoking_again_or_what_is_unknown_is_no_error(api: ApiClient, charlie: Box) -> None:
    refresh = sign_in(api, charlie)["refresh"]
    statuses = [api.post(REVOKE, {"refresh": token}).status for token in (refresh, refresh, "dzr_unknown", "\x00")]
    assert statuses == [204] * 4


def test_an_expired_refresh_token_is_refused(api: ApiClient, charlie: Box) -> None:
    refresh = sign_in(api, charlie)["refresh"]
    RefreshToken.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    assert_problem(rotate(api, refresh), 401)


@pytest.mark.parametrize("token", ["dzr_unknown", "\x00", "é", "x" * 4096])
def test_an_unknown_refresh_token_is_refused(api: ApiClient, db: None, token: str) -> None:
    assert_problem(rotate(api, token), 401)


def test_an_access_token_is_no_refresh_token(api: ApiClient, charlie: Box) -> None:
    assert_problem(rotate(api, sign_in(api, charlie)["access"]), 401)


def test_the_body_of_a_refresh_is_checked(api: ApiClient, db: None) -> None:
    assert_refused_at(rotate(api, ""), "/refresh")
    assert_refused_at(rotate(api, "x" * 4097), "/refresh")
    assert_refused_at(api.post(REFRESH, {}), "/refresh", code="missing")
    assert_refused_at(api.post(REFRESH, {"refresh": "x", "scope": "operator"}), "/scope", code="unknown-field")


def test_only_a_digest_is_stored(api: ApiClient, charlie: Box) -> None:
    refresh = sign_in(api, charlie)["refresh"]
    successor = rotate(api, refresh).json["refresh"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(t)::text, ',') FROM tenants_refreshtoken t")
        [stored] = cursor.fetchone()
    assert refresh not in stored
    assert successor not in stored


@pytest.fixture
def committed_refresh(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A refresh token every connection can see."""
    with django_db_blocker.unblock():
        yield issue_tokens(subject="race", scope="read", dazbox=None).refresh
        RefreshToken.objects.filter(subject="race").delete()


@pytest.mark.fault
def test_eight_at_once_get_one_and_the_same_successor(committed_refresh: str) -> None:
    """simplejwt's own rotation lets 2 to 8 of 8 win."""
    start = Barrier(CLIENTS, timeout=60)

    def refresh_at_once(_: int) -> Any:
        start.wait()
        try:
            return rotate(ApiClient(), committed_refresh)
        finally:
            connection.close()

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(refresh_at_once, range(CLIENTS)))
    assert {answer.status for answer in answers} == {200}
    assert len({answer.json["refresh"] for answer in answers}) == 1
    family = RefreshToken.objects.filter(subject="race")
    assert family.count() == 2
    assert family.filter(used_at=None, revoked_at=None).count() == 1
