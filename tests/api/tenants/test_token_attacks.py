"""An access token that is not exactly one of ours opens nothing."""

import time
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tenants.keys import encode_base64url
from tests.api import lasting
from tests.api.case import cases
from tests.api.problem import assert_problem
from tests.api.tenants.forgery import by_ec, by_hmac, encode_part, our_key, our_public_pem, read_token, seal, unsigned
from tests.conftest import ApiClient
from tests.factories import Box

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db
Parts = tuple[dict[str, Any], dict[str, Any]]
Attack = Callable[[dict[str, Any], dict[str, Any]], str]
MALLORY = ec.generate_private_key(ec.SECP256R1())
MALLORY_WEB = "https://mallory.example/keys.json"


def mallory_jwk() -> dict[str, str]:
    numbers = MALLORY.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "x": encode_base64url(numbers.x.to_bytes(32)),
        "y": encode_base64url(numbers.y.to_bytes(32)),
    }


def our_public_der() -> bytes:
    return our_key().private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def claim(**changes: Any) -> Attack:
    """Our own signature under changed claims: only the check of the claim itself stands in the way."""
    return lambda header, claims: seal(header, claims | changes, by_ec(our_key().private))


def without(name: str) -> Attack:
    return lambda header, claims: seal(
        header, {key: value for key, value in claims.items() if key != name}, by_ec(our_key().private)
    )


def foreign(**header_changes: Any) -> Attack:
    """Mallory's key, under a header that recommends it."""
    return lambda header, claims: seal(header | header_changes, claims, by_ec(MALLORY))


def headed(**header_changes: Any) -> Attack:
    """Our own signature under a changed header."""
    return lambda header, claims: seal(header | header_changes, claims, by_ec(our_key().private))


def tamper(**changes: Any) -> Attack:
    """The signature of the true claims under other ones."""

    def attack(header: dict[str, Any], claims: dict[str, Any]) -> str:
        signature = seal(header, claims, by_ec(our_key().private)).rpartition(".")[2]
        return f"{encode_part(header)}.{encode_part(claims | changes)}.{signature}"

    return attack


def cut(part: slice, *, join: str = ".") -> Attack:
    return lambda header, claims: join.join(seal(header, claims, by_ec(our_key().private)).split(".")[part])


def sign_rsa(message: bytes) -> bytes:
    return rsa.generate_private_key(65537, 2048).sign(message, PKCS1v15(), SHA256())


def sign_der(message: bytes) -> bytes:
    return our_key().private.sign(message, ec.ECDSA(SHA256()))


NOW = int(time.time())
ATTACKS: dict[str, Attack] = {
    "1 alg none": lambda header, claims: seal(header | {"alg": "none"}, claims, unsigned),
    "1 alg None": lambda header, claims: seal(header | {"alg": "None"}, claims, unsigned),
    "1 alg nOnE": lambda header, claims: seal(header | {"alg": "nOnE"}, claims, unsigned),
    "1 alg none over a true signature": headed(alg="none"),
    "1 alg missing": headed(alg=None),
    "2 HS256 with the public key (PEM)": lambda header, claims: seal(
        header | {"alg": "HS256"}, claims, by_hmac(our_public_pem())
    ),
    "2 HS256 with the public key (DER)": lambda header, claims: seal(
        header | {"alg": "HS256"}, claims, by_hmac(our_public_der())
    ),
    "2 HS256 with the kid": lambda header, claims: seal(
        header | {"alg": "HS256"}, claims, by_hmac(our_key().kid.encode())
    ),
    "2 HS256 with nothing": lambda header, claims: seal(header | {"alg": "HS256"}, claims, by_hmac(b"")),
    "2 RS256": lambda header, claims: seal(header | {"alg": "RS256"}, claims, sign_rsa),
    "2 EdDSA": lambda header, claims: seal(header | {"alg": "EdDSA"}, claims, Ed25519PrivateKey.generate().sign),
    "2 ES384 under our kid": headed(alg="ES384"),
    "3 unknown kid": headed(kid="unknown"),
    "3 kid of a file": headed(kid="../../../../dev/null"),
    "3 kid with SQL": headed(kid="' OR 1=1 --"),
    "3 kid a number": headed(kid=1),
    "3 kid a list": headed(kid=["a"]),
    "3 kid missing": headed(kid=None),
    "4 jku": foreign(jku=MALLORY_WEB),
    "4 jku and a kid of its own": foreign(jku=MALLORY_WEB, kid="mallory"),
    "4 jwk": foreign(jwk=mallory_jwk()),
    "4 jwk and a kid of its own": foreign(jwk=mallory_jwk() | {"kid": "mallory"}, kid="mallory"),
    "4 x5u": foreign(x5u=MALLORY_WEB),
    "4 x5c": foreign(x5c=["MIIB"]),
    "5 expired": claim(exp=NOW - 31),
    "5 expired long ago": claim(exp=1),
    "5 exp missing": without("exp"),
    "5 exp a word": claim(exp="never"),
    "5 exp infinite": claim(exp=float("inf")),
    "6 nbf in the future": claim(nbf=NOW + 86_400),
    "6 iat in the future": claim(iat=NOW + 86_400),
    "7 other aud": claim(aud="another-cloud"),
    "7 aud missing": without("aud"),
    "7 aud null": claim(aud=None),
    "8 other iss": claim(iss="https://mallory.example"),
    "8 iss missing": without("iss"),
    "9 typ refresh": claim(typ="refresh"),
    "9 typ missing": without("typ"),
    "10 tampered tenant_id": tamper(tenant_id=str(uuid.uuid4())),
    "10 tampered scope": tamper(scope="operator provisioning device read act"),
    "10 tenant_id of no box": claim(tenant_id=str(uuid.uuid4())),
    "10 tenant_id no UUID": claim(tenant_id="../public"),
    "10 tenant_id a number": claim(tenant_id=7),
    "10 scope a list": claim(scope=["read"]),
    "10 sub missing": without("sub"),
    "10 jti missing": without("jti"),
    "11 signature missing": cut(slice(2)),
    "11 signature empty": lambda header, claims: seal(header, claims, unsigned),
    "11 signature cut": lambda header, claims: seal(header, claims, by_ec(our_key().private))[:-2],
    "11 only the header": cut(slice(1)),
    "11 a fourth part": lambda header, claims: seal(header, claims, by_ec(our_key().private)) + ".x",
    "11 parts without dots": cut(slice(3), join=""),
    "12 a foreign key under our kid": foreign(),
    "12 signature as DER": lambda header, claims: seal(header, claims, sign_der),
    "12 signature of zeros": lambda header, claims: seal(header, claims, lambda message: bytes(64)),
}
HEADERS = {
    "nothing after Bearer": "Bearer",
    "two tokens": "Bearer a b",
    "empty parts": "Bearer ..",
    "no token": "Bearer é",
    "20 kB": "Bearer " + "a" * 20_000,
    "basic": "Basic YWxpY2U6c2VjcmV0",
    "another scheme": "Token abc",
    "blank": " ",
}


def try_token(api: ApiClient, box: Box, token: str) -> Any:
    return api.get(box.path("mode"), Authorization=f"Bearer {token}")


def test_a_token_put_together_by_hand_from_true_parts_opens(api: ApiClient, charlie: Box) -> None:
    """So the attacks below fail for what they change, and for nothing else."""
    header, claims = read_token(api.token_of(charlie))
    assert try_token(api, charlie, claim()(header, claims)).status == 200
    assert try_token(api, charlie, headed(jku=MALLORY_WEB, jwk=mallory_jwk())(header, claims)).status == 200


@cases(ATTACKS)
def test_a_forged_token_is_refused(api: ApiClient, charlie: Box, case: Attack) -> None:
    header, claims = read_token(api.token_of(charlie))
    answer = try_token(api, charlie, case(header, claims))
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_the_opaque_refresh_token_is_no_access_token(api: ApiClient, charlie: Box) -> None:
    pair = api.post("/api/v1/auth/device-token", {"assertion": charlie.sign_assertion()}).json
    assert_problem(try_token(api, charlie, pair["refresh"]), 401)
    assert_problem(try_token(api, charlie, charlie.sign_assertion()), 401)


def test_a_token_of_a_moment_ago_still_opens_within_the_leeway_for_clocks(api: ApiClient, charlie: Box) -> None:
    header, claims = read_token(api.token_of(charlie))
    assert try_token(api, charlie, claim(exp=int(time.time()) - 5)(header, claims)).status == 200


@cases(HEADERS)
def test_an_authorization_header_that_is_none_is_refused(api: ApiClient, charlie: Box, case: str) -> None:
    answer = api.get(charlie.path("mode"), Authorization=case)
    assert_problem(answer, 401)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "ErrorDetail" not in answer.json["detail"]


@pytest.mark.parametrize("way", ["access_token=", "token=", "jwt="])
def test_a_token_in_the_address_or_a_cookie_is_not_looked_at(api: ApiClient, charlie: Box, way: str) -> None:
    token = api.token_of(charlie)
    assert_problem(api.get(charlie.path(f"mode?{way}{token}")), 401)
    assert_problem(api.get(charlie.path("mode"), Cookie=f"{way}{token}"), 401)
