"""Signing in: shops and operators by secret, boxes by their key."""

import hashlib
import time
import uuid
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.contrib.auth.models import User
from django.utils import timezone

from tenants.models.client import ProvisioningClient
from tenants.models.refresh_token import SpentAssertion
from tenants.tokens.access import mint_access_token
from tests.api.case import cases
from tests.api.problem import assert_problem, assert_refused_at
from tests.api.tenants.forgery import by_hmac, read_token, seal, unsigned
from tests.conftest import ApiClient
from tests.factories import Box

TOKEN, DEVICE_TOKEN = "/api/v1/auth/token", "/api/v1/auth/device-token"
ACCESS_CLAIMS = {"iss", "aud", "sub", "tenant_id", "tv", "scope", "jti", "kid", "typ", "iat", "exp"}
INFINITE = float("inf")
WRONG_CLAIMS: dict[str, dict[str, Any]] = {
    "lives longer than a minute": {"exp": int(time.time()) + 3600},
    "expired": {"iat": int(time.time()) - 200, "exp": int(time.time()) - 140},
    "issued in the future": {"iat": int(time.time()) + 86_400, "exp": int(time.time()) + 86_430},
    "for another audience": {"aud": "another-cloud"},
    "issuer unknown": {"iss": str(uuid.uuid4())},
    "issuer no UUID": {"iss": "alice"},
    "subject is not the issuer": {"sub": str(uuid.uuid4())},
    "exp a string": {"exp": str(int(time.time()) + 60)},
    "exp infinite": {"exp": INFINITE},
    "exp true": {"exp": True},
    "exp far": {"exp": 1e300},
    "iat infinite": {"iat": INFINITE},
    "iat long ago": {"iat": -1e300},
    "jti a number": {"jti": 5},
    "jti a list": {"jti": ["x"]},
    "jti null": {"jti": None},
    "jti empty": {"jti": ""},
    "NUL in the jti": {"jti": "a\x00b"},
    "newline after the jti": {"jti": "a\n"},
    "jti of 129 characters": {"jti": "x" * 129},
    "jti not ASCII": {"jti": "é"},
    "exp null": {"exp": None},
}
GARBAGE = {
    "words": "let me in",
    "dots": "..",
    "no JWT": "a.b.c",
    "unicode": "é.é.é",
    "NUL": "\x00",
    "4,096 characters": "x" * 4096,
    "claims a list": f"{jwt.utils.base64url_encode(b'{}').decode()}.{jwt.utils.base64url_encode(b'[1]').decode()}.",
}
NO_CREDENTIALS = {
    "nothing": {},
    "half a client": {"client_id": "shop"},
    "half an operator": {"password": "secret"},
    "one half each": {"client_id": "shop", "password": "secret"},
    "both": {"client_id": "a", "client_secret": "b", "username": "c", "password": "d"},
    "nulls": {"client_id": None, "client_secret": None},
}


@pytest.fixture
def shop(db: None) -> dict[str, str]:
    secret = "a-secret-of-the-shop"
    digest = hashlib.sha256(secret.encode()).digest()
    ProvisioningClient.objects.create(client_id="shop", name="The shop", secret_digest=digest)
    return {"client_id": "shop", "client_secret": secret}


@pytest.fixture
def operator(db: None) -> dict[str, str]:
    User.objects.create_user("olga", password="a-long-password", is_staff=True)
    return {"username": "olga", "password": "a-long-password"}


def describe_refusal(answer: Any) -> dict[str, Any]:
    """All of it but the request's id."""
    assert_problem(answer, 401)
    return {name: value for name, value in answer.json.items() if name != "instance"}


def test_a_shop_signs_in_with_its_secret(api: ApiClient, shop: dict[str, str]) -> None:
    answer = api.post(TOKEN, shop)
    assert answer.status == 200
    assert set(answer.json) == {"access", "expires_in", "token_type"}
    assert (answer.json["expires_in"], answer.json["token_type"]) == (900, "Bearer")
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.get("/api/v1/provisioning/devices", token=answer.json["access"]).status == 200


def test_an_operator_signs_in_with_the_password(api: ApiClient, operator: dict[str, str]) -> None:
    answer = api.post(TOKEN, operator)
    assert answer.status == 200
    _, claims = read_token(answer.json["access"])
    assert (claims["scope"], claims["tenant_id"]) == ("operator", None)
    assert api.get("/api/v1/provisioning/devices", token=answer.json["access"]).status == 200


def test_a_wrong_secret_and_an_unknown_id_cannot_be_told_apart(api: ApiClient, shop: Any, operator: Any) -> None:
    User.objects.create_user("ned", password="a-long-password", is_staff=False)
    User.objects.create_user("ida", password="a-long-password", is_staff=True, is_active=False)
    digest = ProvisioningClient.objects.get().secret_digest
    ProvisioningClient.objects.create(client_id="closed", name="", secret_digest=digest, is_active=False)
    attempts = [
        shop | {"client_secret": "wrong"},
        shop | {"client_id": "unknown"},
        shop | {"client_id": "closed"},
        operator | {"password": "wrong"},
        operator | {"username": "unknown"},
        operator | {"username": "ned"},
        operator | {"username": "ida"},
    ]
    refusals = [describe_refusal(api.post(TOKEN, attempt)) for attempt in attempts]
    assert [refusal for refusal in refusals if refusal != refusals[0]] == []


@cases(NO_CREDENTIALS)
def test_credentials_come_as_one_whole_pair(api: ApiClient, db: None, case: dict[str, Any]) -> None:
    assert_refused_at(api.post(TOKEN, case), "")


def test_fields_of_credentials_are_checked(api: ApiClient, shop: dict[str, str]) -> None:
    assert_refused_at(api.post(TOKEN, shop | {"scope": "operator"}), "/scope", code="unknown-field")
    assert_refused_at(api.post(TOKEN, shop | {"client_id": "s\x00"}), "/client_id")
    assert_refused_at(api.post(TOKEN, shop | {"client_secret": "s" * 129}), "/client_secret")


def test_an_access_token_says_what_the_contract_says(api: ApiClient, alice: Box) -> None:
    header, claims = read_token(api.token_of(alice))
    assert set(claims) == ACCESS_CLAIMS
    assert (claims["iss"], claims["aud"], claims["typ"]) == ("https://dazbox.cloud", "dazbox-cloud", "access")
    assert claims["sub"] == claims["tenant_id"] == str(alice.dazbox.id)
    assert claims["scope"].split() == ["device", "read", "act"]
    assert claims["exp"] - claims["iat"] == 900
    assert header == {"alg": "ES256", "typ": "JWT", "kid": claims["kid"]}


def test_two_access_tokens_differ_in_jti(api: ApiClient, alice: Box) -> None:
    first, second = (read_token(api.token_of(alice))[1] for _ in range(2))
    assert first["jti"] != second["jti"]


def test_the_published_keys_verify_an_access_token(api: ApiClient, alice: Box) -> None:
    answer = api.get("/.well-known/jwks.json")
    assert answer.status == 200
    assert "max-age" in answer.headers["Cache-Control"]
    for key in answer.json["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg"}  # and no private part
        assert (key["kty"], key["crv"], key["use"], key["alg"]) == ("EC", "P-256", "sig", "ES256")
    token = api.token_of(alice)
    keys = jwt.PyJWKSet.from_dict(answer.json)
    key = keys[read_token(token)[0]["kid"]]
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="dazbox-cloud", issuer="https://dazbox.cloud")
    assert claims["tenant_id"] == str(alice.dazbox.id)


def test_a_box_signs_in_with_its_key(api: ApiClient, alice: Box) -> None:
    answer = api.post(DEVICE_TOKEN, {"assertion": alice.sign_assertion()})
    assert answer.status == 200
    assert set(answer.json) == {"access", "refresh", "expires_in", "token_type"}
    assert answer.headers["Cache-Control"] == "no-store"
    assert api.get(alice.path("mode"), token=answer.json["access"]).status == 200


def test_an_assertion_is_good_once(api: ApiClient, charlie: Box) -> None:
    assertion = charlie.sign_assertion(jti="once")
    assert api.post(DEVICE_TOKEN, {"assertion": assertion}).status == 200
    assert_problem(api.post(DEVICE_TOKEN, {"assertion": assertion}), 401)
    again = charlie.sign_assertion(jti="once", exp=int(time.time()) + 30)
    assert_problem(api.post(DEVICE_TOKEN, {"assertion": again}), 401)


def test_a_spent_assertion_is_remembered_for_as_long_as_it_could_be_replayed(api: ApiClient, charlie: Box) -> None:
    assertion = charlie.sign_assertion()
    assert api.post(DEVICE_TOKEN, {"assertion": assertion}).status == 200
    [spent] = SpentAssertion.objects.all()
    assert spent.expires_at.timestamp() == read_token(assertion)[1]["exp"] + 30
    assert spent.expires_at > timezone.now()


def test_the_jti_of_one_box_is_no_matter_of_another(api: ApiClient, alice: Box, bob: Box) -> None:
    for box in (alice, bob):
        assert api.post(DEVICE_TOKEN, {"assertion": box.sign_assertion(jti="1")}).status == 200


@pytest.mark.parametrize("jti", ["x" * 128, "two words", "'; --"])
def test_any_printable_text_serves_as_jti(api: ApiClient, charlie: Box, jti: str) -> None:
    assertion = charlie.sign_assertion(jti=jti)
    assert [api.post(DEVICE_TOKEN, {"assertion": assertion}).status for _ in range(2)] == [200, 401]


@cases(WRONG_CLAIMS)
def test_an_assertion_with_a_wrong_claim_is_refused(api: ApiClient, charlie: Box, case: dict[str, Any]) -> None:
    assert_problem(api.post(DEVICE_TOKEN, {"assertion": charlie.sign_assertion(**case)}), 401)


@pytest.mark.parametrize("missing", ["iss", "sub", "aud", "jti", "iat", "exp"])
def test_an_assertion_without_one_of_its_claims_is_refused(api: ApiClient, charlie: Box, missing: str) -> None:
    header, claims = read_token(charlie.sign_assertion())
    del claims[missing]
    assert_problem(api.post(DEVICE_TOKEN, {"assertion": seal(header, claims, charlie.key.sign)}), 401)


def test_the_key_of_an_assertion_is_the_boxs_own(api: ApiClient, alice: Box, bob: Box) -> None:
    header, claims = read_token(alice.sign_assertion())
    assert api.post(DEVICE_TOKEN, {"assertion": seal(header, claims, alice.key.sign)}).status == 200
    claims["jti"] = "another"
    public = alice.key.public_key().public_bytes_raw()
    forgeries = {
        "another key": seal(header, claims, Ed25519PrivateKey.generate().sign),
        "bob's key": seal(header, claims, bob.key.sign),
        "bob's key and kid": seal(header | {"kid": bob.kid}, claims, bob.key.sign),
        "bob signs as alice": bob.sign_assertion(iss=str(alice.dazbox.id), sub=str(alice.dazbox.id)),
        "wrong kid": seal(header | {"kid": bob.kid}, claims, alice.key.sign),
        "no kid": seal({"alg": "EdDSA", "typ": "JWT"}, claims, alice.key.sign),
        "alg none": seal(header | {"alg": "none"}, claims, unsigned),
        "HS256 with the public key": seal(header | {"alg": "HS256"}, claims, by_hmac(public)),
        "no signature": seal(header, claims, unsigned),
    }
    answers = {name: api.post(DEVICE_TOKEN, {"assertion": forged}) for name, forged in forgeries.items()}
    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(forgeries, 401)
    refusals = [describe_refusal(answer) for answer in answers.values()]
    assert [refusal for refusal in refusals if refusal != refusals[0]] == []
    assert api.post(DEVICE_TOKEN, {"assertion": seal(header, claims, alice.key.sign)}).status == 200


@cases(GARBAGE)
def test_garbage_is_no_assertion(api: ApiClient, db: None, case: str) -> None:
    assert_problem(api.post(DEVICE_TOKEN, {"assertion": case}), 401)


def test_an_assertion_has_a_size(api: ApiClient, db: None) -> None:
    assert_refused_at(api.post(DEVICE_TOKEN, {"assertion": "x" * 4097}), "/assertion")
    assert_refused_at(api.post(DEVICE_TOKEN, {"assertion": ""}), "/assertion")


def test_no_token_is_a_401_that_names_the_scheme(api: ApiClient, alice: Box) -> None:
    answer = api.get(alice.path("mode"))
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="dazbox-cloud"'


def test_a_token_without_the_scope_is_a_403(api: ApiClient, alice: Box) -> None:
    def token(*scopes: Any) -> str:
        return mint_access_token(subject=str(alice.dazbox.id), scopes=list(scopes), tenant_id=alice.dazbox.id)

    assert api.get(alice.path("mode"), token=token("read")).status == 200
    for method, path, scopes in (
        ("POST", alice.path("snapshots"), ["read", "act"]),
        ("POST", alice.path("forwards"), ["read", "act"]),
        ("PUT", alice.path("mode"), ["read"]),
        ("PUT", alice.path("fee-policy"), ["read"]),
        ("GET", alice.path("channels"), ["act"]),
        ("GET", alice.path("channels"), []),
        ("GET", "/api/v1/provisioning/devices", ["act"]),
        ("POST", "/api/v1/provisioning/claims", ["device", "read", "act"]),
    ):
        answer = api.call(method, path, {}, token=token(*scopes))
        assert_problem(answer, 403)
        assert "scope" in answer.json["detail"]


def test_a_node_scope_without_a_tenant_opens_no_node(api: ApiClient, alice: Box) -> None:
    token = mint_access_token(subject="x", scopes=["device", "read", "act"], tenant_id=None)
    assert_problem(api.get(alice.path("mode"), token=token), 403)
