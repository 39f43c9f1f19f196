"""API keys: made and ended by the box alone, good for what they are scoped to, refused in every other form."""

import datetime as dt
import hashlib
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import pytest
from django.core.signing import Signer
from django.db import connection
from django.utils import timezone

import tenants.tokens.api_key
from mcp_saas.kit.ttl_cache import TtlCache
from tenants.models.api_key import ApiKey
from tenants.models.dazbox import Dazbox
from tenants.tokens.access import mint_access_token
from tenants.tokens.api_key import create_api_key, revoke_api_key, verify_api_key
from tests.api.case import cases
from tests.api.problem import assert_problem, assert_refused_at
from tests.committed import committed_db, run_together
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key, make_box

__all__ = ["committed_db"]
Attack = Callable[[str], str]
YEAR = 366 * 86_400
EXCHANGE = "/api/v1/auth/api-key-token"


def check_sum(stem: str) -> str:
    return f"{zlib.crc32(stem.encode()):08x}"


def reseal(stem: str) -> str:
    """A stem with its right check sum: only the digest stands in the way."""
    return stem + check_sum(stem)


ATTACKS: dict[str, Attack] = {
    "one character of the secret": lambda key: reseal(key[:20] + ("A" if key[20] != "A" else "B") + key[21:-8]),
    "another secret under the prefix": lambda key: reseal(key[:17] + "A" * 43),
    "its own secret under another prefix": lambda key: reseal("dz_live_00000000" + key[16:-8]),
    "check sum missing": lambda key: key[:-8],
    "check sum wrong": lambda key: key[:-8] + "00000000",
    "check sum in capitals": lambda key: key[:-8] + "ABCDEF01",
    "cut": lambda key: key[:-1],
    "longer": lambda key: key + "0",
    "newline": lambda key: key + "\n0",
    "only the prefix": lambda key: key[:16],
    "only the start": lambda key: "dz_live_",
    "capitals": lambda key: key.upper(),
    "test instead of live": lambda key: key.replace("live", "test"),
    "its digest": lambda key: hashlib.sha256(key.encode()).hexdigest(),
    "SQL": lambda key: "dz_live_'OR'1'='1",
    "a wildcard": lambda key: "dz_live_%" + key[9:],
    "another alphabet": lambda key: "dz_live_" + "é" * 8 + key[16:],
    "10 kB": lambda key: key + "a" * 10_000,
    "NUL": lambda key: key[:30] + "\x00" + key[31:],
}
WRONG_BODIES: dict[str, tuple[dict[str, Any], str]] = {
    "no name": ({"scopes": ["read"]}, "/name"),
    "empty name": ({"name": "", "scopes": ["read"]}, "/name"),
    "NUL in the name": ({"name": "a\x00", "scopes": ["read"]}, "/name"),
    "long name": ({"name": "x" * 65, "scopes": ["read"]}, "/name"),
    "no scopes": ({"name": "a"}, "/scopes"),
    "empty scopes": ({"name": "a", "scopes": []}, "/scopes"),
    "device": ({"name": "a", "scopes": ["device"]}, "/scopes/0"),
    "operator": ({"name": "a", "scopes": ["read", "operator"]}, "/scopes/1"),
    "forever": ({"name": "a", "scopes": ["read"], "expires_in_s": YEAR + 1}, "/expires_in_s"),
    "a box of its choice": ({"name": "a", "scopes": ["read"], "dazbox": "x"}, "/dazbox"),
}


def create(api: ApiClient, box: Box, **body: Any) -> Any:
    return api.post(box.path("api-keys"), {"name": "app", "scopes": ["read", "act"]} | body, token=api.token_of(box))


def test_a_new_key_is_shown_once_and_opens(api: ApiClient, alice: Box) -> None:
    answer = create(api, alice)
    assert answer.status == 201
    assert answer.headers["Cache-Control"] == "no-store"
    key, described = answer.json["key"], answer.json["api_key"]
    assert len(key) == len("dz_live_") + 8 + 1 + 43 + 8
    assert key == reseal(key[:-8])
    assert key.startswith(f"{described['prefix']}_")
    assert (described["scopes"], described["is_live"]) == (["act", "read"], True)
    assert described["created_by"] == str(alice.dazbox.id)
    assert api.get(alice.path("mode"), token=key).status == 200
    listed = api.get(alice.path("api-keys"), token=api.token_of(alice))
    assert listed.json["items"] == [described | {"last_used_at": listed.json["items"][0]["last_used_at"]}]
    assert key.encode() not in listed.raw


def test_only_prefix_and_digest_are_stored(api: ApiClient, alice: Box) -> None:
    key = create(api, alice).json["key"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(row_to_json(t)::text, ',') FROM tenants_apikey t")
        [stored] = cursor.fetchone()
    assert key[:16] in stored
    assert key[17:30] not in stored


@cases(WRONG_BODIES)
def test_what_a_key_may_be_is_checked(api: ApiClient, charlie: Box, case: tuple[dict[str, Any], str]) -> None:
    body, pointer = case
    assert_refused_at(api.post(charlie.path("api-keys"), body, token=api.token_of(charlie)), pointer)
    assert not ApiKey.objects.exists()


@cases(ATTACKS)
def test_a_forged_key_is_refused(api: ApiClient, charlie: Box, case: Attack) -> None:
    key = make_api_key(charlie)
    assert api.get(charlie.path("mode"), token=key).status == 200
    answer = api.get(charlie.path("mode"), token=case(key))
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_a_dead_key_is_refused(api: ApiClient, charlie: Box, ended: str) -> None:
    assert_problem(api.get(charlie.path("mode"), token=make_api_key(charlie, **{ended: timezone.now()})), 401)


def test_a_key_that_expires_while_it_is_kept_is_refused(api: ApiClient, charlie: Box) -> None:
    key = make_api_key(charlie, expires_at=timezone.now() + dt.timedelta(seconds=0.3))
    assert api.get(charlie.path("mode"), token=key).status == 200
    while timezone.now() < ApiKey.objects.get().expires_at:
        pass
    assert_problem(api.get(charlie.path("mode"), token=key), 401)


def test_a_revoked_key_is_refused_here_at_once(api: ApiClient, charlie: Box) -> None:
    made = create(api, charlie).json
    assert api.get(charlie.path("mode"), token=made["key"]).status == 200
    path = charlie.path(f"api-keys/{made['api_key']['id']}")
    statuses = [api.call("DELETE", path, token=api.token_of(charlie)).status for _ in range(2)]
    assert statuses == [204, 204]
    assert_problem(api.get(charlie.path("mode"), token=made["key"]), 401)
    [listed] = api.get(charlie.path("api-keys"), token=api.token_of(charlie)).json["items"]
    assert not listed["is_live"]
    assert listed["revoked_at"] is not None


def test_another_process_refuses_it_five_seconds_later_at_most(
    api: ApiClient, charlie: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    kept: TtlCache[Any, Any] = TtlCache(max_entries=10, clock=lambda: now[0])
    monkeypatch.setattr(tenants.tokens.api_key, "_verified", kept)
    key = make_api_key(charlie)
    assert api.get(charlie.path("mode"), token=key).status == 200
    ApiKey.objects.update(revoked_at=timezone.now())
    now[0] = 4.0
    assert_problem(api.get(charlie.path("mode"), token=key), 401)


def test_a_key_does_what_its_scopes_say(api: ApiClient, alice: Box) -> None:
    reader, actor = make_api_key(alice, scopes=("read",), name="r"), make_api_key(alice, scopes=("act",), name="a")
    body = {"mode": "shadow"}
    assert api.get(alice.path("channels"), token=reader).status == 200
    assert_problem(api.put(alice.path("mode"), body, token=reader), 403)
    assert_problem(api.get(alice.path("mode"), token=actor), 403)
    assert api.put(alice.path("mode"), body, token=actor, **{"If-Match": "*"}).status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_a_key_makes_sees_and_ends_no_keys(api: ApiClient, charlie: Box, method: str) -> None:
    """Else a leaked key would outlive its own end."""
    key = make_api_key(charlie)
    path = charlie.path("api-keys") + (f"/{ApiKey.objects.get().id}" if method == "DELETE" else "")
    body = {"name": "more", "scopes": ["read"]} if method == "POST" else None
    assert_problem(api.call(method, path, body, token=key), 403)
    assert ApiKey.objects.filter(revoked_at=None).count() == 1


def test_a_key_does_not_speak_for_the_box(api: ApiClient, charlie: Box) -> None:
    key = make_api_key(charlie)
    for path in ("snapshots", "forwards"):
        assert_problem(api.post(charlie.path(path), {}, token=key), 403)
    assert_problem(api.post("/api/v1/provisioning/claims", {}, token=key, **{"Idempotency-Key": "k"}), 403)
    assert_problem(api.post("/api/v1/auth/refresh", {"refresh": key}), 401)
    assert_problem(api.post("/api/v1/auth/device-token", {"assertion": key}), 401)


def test_a_token_that_may_not_act_makes_no_keys(api: ApiClient, charlie: Box) -> None:
    token = mint_access_token(subject="x", scopes=["device", "read"], tenant_id=charlie.dazbox.id)
    assert api.get(charlie.path("api-keys"), token=token).status == 200
    assert_problem(api.post(charlie.path("api-keys"), {"name": "a", "scopes": ["read"]}, token=token), 403)


def test_bob_has_nothing_of_alices_keys(api: ApiClient, alice: Box, bob: Box) -> None:
    made, token = create(api, alice, name="canary").json, api.token_of(bob)
    bobs_key = make_api_key(bob)
    key_id = made["api_key"]["id"]
    assert_problem(api.get(alice.path("mode"), token=bobs_key), 404)
    assert_problem(api.get(bob.path("mode"), token=made["key"]), 404)
    for path in (alice.path("api-keys"), alice.path(f"api-keys/{key_id}")):
        method = "DELETE" if key_id in path else "GET"
        assert_problem(api.call(method, path, token=token), 404)
    assert_problem(api.call("DELETE", bob.path(f"api-keys/{key_id}"), token=token), 404)
    listed = api.get(bob.path("api-keys"), token=token)
    assert b"canary" not in listed.raw
    assert len(listed.json["items"]) == 1
    assert api.get(alice.path("mode"), token=made["key"]).status == 200


def test_a_key_of_a_box_out_of_service_opens_nothing(api: ApiClient, charlie: Box) -> None:
    key = make_api_key(charlie)
    Dazbox.objects.filter(id=charlie.dazbox.id).update(state="provisioning")
    assert_problem(api.get(charlie.path("mode"), token=key), 401)


def test_two_of_a_name_live_for_rotation_and_no_third(api: ApiClient, charlie: Box) -> None:
    made = [create(api, charlie) for _ in range(3)]
    assert [answer.status for answer in made] == [201, 201, 409]
    assert made[2].json["type"].endswith("too-many-keys")
    assert {api.get(charlie.path("mode"), token=answer.json["key"]).status for answer in made[:2]} == {200}
    assert create(api, charlie, name="other").status == 201
    api.call("DELETE", charlie.path(f"api-keys/{made[0].json['api_key']['id']}"), token=api.token_of(charlie))
    assert create(api, charlie).status == 201
    ApiKey.objects.filter(name="app", revoked_at=None).update(expires_at=timezone.now())
    assert [create(api, charlie).status for _ in range(3)] == [201, 201, 409]


def test_a_box_has_fifty_live_keys_at_most(api: ApiClient, charlie: Box) -> None:
    for number in range(50):
        make_api_key(charlie, name=f"app {number}")
    assert_problem(create(api, charlie, name="one more"), 409)


def test_pages_of_keys_hold_each_once(api: ApiClient, charlie: Box) -> None:
    for number in range(5):
        make_api_key(charlie, name=f"app {number}")
    token, cursor, names = api.token_of(charlie), "", []
    while True:
        page = api.get(charlie.path(f"api-keys?limit=2{cursor}"), token=token)
        names += [item["name"] for item in page.json["items"]]
        if page.json["next_cursor"] is None:
            break
        assert 'rel="next"' in page.headers["Link"]
        cursor = f"&cursor={page.json['next_cursor']}"
    assert sorted(names) == [f"app {number}" for number in range(5)]
    forged = Signer(salt="another").sign("x")
    assert_problem(api.get(charlie.path(f"api-keys?cursor={forged}"), token=token), 400)


def test_use_is_noted_to_the_minute(charlie: Box, django_assert_num_queries: Any) -> None:
    key = make_api_key(charlie)
    tenants.tokens.api_key._verified.clear()
    with django_assert_num_queries(2):  # found and noted, then kept
        assert [verify_api_key(key) is not None for _ in range(20)] == [True] * 20
    row = ApiKey.objects.get()
    assert row.last_used_at
    assert (row.last_used_at.second, row.last_used_at.microsecond) == (0, 0)
    assert dt.timedelta(0) <= timezone.now() - row.last_used_at < dt.timedelta(minutes=2)


def test_the_same_request_again_makes_no_second_key(api: ApiClient, charlie: Box) -> None:
    body, token = {"name": "app", "scopes": ["read"]}, api.token_of(charlie)
    answers = [api.post(charlie.path("api-keys"), body, token=token, **{"Idempotency-Key": "k1"}) for _ in range(2)]
    assert [answer.status for answer in answers] == [201, 201]
    assert answers[0].raw == answers[1].raw
    assert ApiKey.objects.count() == 1


def test_a_key_guessed_at_costs_the_same_whether_its_prefix_is_known(
    charlie: Box, django_assert_num_queries: Any
) -> None:
    key = make_api_key(charlie)
    for guess in (ATTACKS["another secret under the prefix"](key), reseal("dz_live_00000000_" + "A" * 43)):
        with django_assert_num_queries(1):
            assert verify_api_key(guess) is None


@pytest.mark.fault
def test_eight_who_create_at_once_get_two(committed_box: Box) -> None:
    make = partial(
        create_api_key,
        committed_box.dazbox.id,
        name="app",
        scopes=["read"],
        lifetime=dt.timedelta(days=1),
        created_by="test",
    )
    made = run_together([make] * 8)
    assert len([new for new in made if not isinstance(new, Exception)]) == 2
    assert {new.status for new in made if isinstance(new, Exception)} == {409}  # type: ignore[attr-defined]


@pytest.fixture
def committed_box(committed_db: None) -> Box:
    return make_box("racer")


def test_a_key_is_exchanged_for_a_token_of_a_minute_that_says_the_same(api: ApiClient, alice: Box) -> None:
    key = make_api_key(alice, scopes=("read",))

    given = api.call("POST", EXCHANGE, token=key)

    assert (given.status, given.json["expires_in"]) == (200, 60)
    claims = jwt.decode(given.json["access"], options={"verify_signature": False})
    assert (claims["tenant_id"], claims["scope"]) == (str(alice.tenant.id), "read")
    assert 0 < claims["exp"] - claims["iat"] <= 60
    assert api.get(alice.path("info"), token=given.json["access"]).status == 200
    assert_problem(api.call("POST", EXCHANGE, token=given.json["access"]), 403)  # it would live for ever


def test_a_key_that_ended_is_exchanged_for_nothing(api: ApiClient, alice: Box) -> None:
    key = make_api_key(alice, scopes=("read",))
    revoke_api_key(alice.tenant.id, ApiKey.objects.get(prefix=key[:16]).id)
    assert_problem(api.call("POST", EXCHANGE, token=key), 401)
