"""A box signs in with a short assertion under its own key: every other one is refused, and each is good once."""

import base64
import hashlib
import hmac
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_saas.kit.errors import Problem
from tenants.models.dazbox import Dazbox
from tenants.models.refresh_token import SpentAssertion
from tenants.tokens.assertion import verify_assertion
from tests.committed import run_together
from tests.factories import Box, encode_key, make_box

Forge = Callable[[Box, Box], str]


def claims_of(box: Box, **changes: Any) -> dict[str, Any]:
    now = int(time.time())
    own = {"iss": str(box.dazbox.id), "sub": str(box.dazbox.id), "aud": "dazbox-cloud", "jti": uuid.uuid4().hex}
    return own | {"iat": now, "exp": now + 60} | changes


def sign(box: Box, claims: dict[str, Any], *, header: dict[str, Any] | None = None, key: Any = None) -> str:
    return jwt.encode(claims, key or box.key, "EdDSA", headers={"kid": box.dazbox.device_kid} | (header or {}))


def sign_raw(box: Box, payload: bytes) -> str:
    """With the right key and header, over bytes that need not be a JWT's claims."""
    head = base64.urlsafe_b64encode(msgspec.json.encode({"alg": "EdDSA", "kid": box.dazbox.device_kid}))
    signed = head.rstrip(b"=") + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
    return (signed + b"." + base64.urlsafe_b64encode(box.key.sign(signed)).rstrip(b"=")).decode()


def use_public_key_as_secret(box: Box) -> str:
    """HS256 over our public key: the classic confusion of algorithms."""
    head = base64.urlsafe_b64encode(msgspec.json.encode({"alg": "HS256", "kid": box.dazbox.device_kid})).rstrip(b"=")
    signed = head + b"." + base64.urlsafe_b64encode(msgspec.json.encode(claims_of(box))).rstrip(b"=")
    digest = hmac.digest(encode_key(box.key).encode(), signed, hashlib.sha256)
    return (signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode()


def cut_signature(assertion: str) -> str:
    return assertion.rpartition(".")[0] + "."


NOW = int(time.time())
FORGERIES: dict[str, Forge] = {
    "no signature": lambda ours, _: jwt.encode(claims_of(ours), None, "none", headers={"kid": ours.dazbox.device_kid}),
    "signature cut off": lambda ours, _: cut_signature(sign(ours, claims_of(ours))),
    "public key as HMAC secret": lambda ours, _: use_public_key_as_secret(ours),
    "another algorithm": lambda ours, _: jwt.encode(
        claims_of(ours), ec.generate_private_key(ec.SECP256R1()), "ES256", headers={"kid": ours.dazbox.device_kid}
    ),
    "another box's key": lambda ours, other: sign(ours, claims_of(ours), key=other.key),
    "another box's key and kid": lambda ours, other: sign(other, claims_of(ours)),
    "a new key": lambda ours, _: sign(ours, claims_of(ours), key=Ed25519PrivateKey.generate()),
    "another kid": lambda ours, other: sign(ours, claims_of(ours), header={"kid": other.dazbox.device_kid}),
    "a kid that is no string": lambda ours, _: sign_raw_header(ours, {"alg": "EdDSA", "kid": 7}),
    "a key in the header": lambda ours, other: sign(
        ours,
        claims_of(ours),
        header={"jwk": {"kty": "OKP", "crv": "Ed25519", "x": encode_key(other.key)}},
        key=other.key,
    ),
    "another audience": lambda ours, _: sign(ours, claims_of(ours, aud="another-service")),
    "another subject": lambda ours, other: sign(ours, claims_of(ours, sub=str(other.dazbox.id))),
    "an unknown box": lambda ours, _: sign(ours, claims_of(ours, iss=str(uuid.uuid4()))),
    "an issuer that is no id": lambda ours, _: sign(ours, claims_of(ours, iss="' OR 1=1")),
    "expired": lambda ours, _: sign(ours, claims_of(ours, iat=NOW - 200, exp=NOW - 140)),
    "valid for too long": lambda ours, _: sign(ours, claims_of(ours, exp=NOW + 3600)),
    "valid for ever": lambda ours, _: sign(ours, claims_of(ours, exp=10**18)),
    "from the future": lambda ours, _: sign(ours, claims_of(ours, iat=NOW + 600, exp=NOW + 660)),
    "not yet valid": lambda ours, _: sign(ours, claims_of(ours, nbf=NOW + 600)),
    "exp is text": lambda ours, _: sign(ours, claims_of(ours, exp=str(NOW + 60))),
    "exp is endless": lambda ours, _: sign_raw(
        ours, msgspec.json.encode(claims_of(ours)).replace(b'"exp":', b'"exp":1e999,"x":')
    ),
    "exp is NaN": lambda ours, _: sign_raw(
        ours, msgspec.json.encode(claims_of(ours)).replace(b'"exp":', b'"exp":NaN,"x":')
    ),
    "jti is null": lambda ours, _: sign_raw(ours, msgspec.json.encode(claims_of(ours, jti=None))),
    "jti is not text": lambda ours, _: sign_raw(ours, msgspec.json.encode(claims_of(ours, jti=["a"]))),
    "claims are a list": lambda ours, _: sign_raw(ours, b"[1, 2]"),
    "claims are no JSON": lambda ours, _: sign_raw(ours, b"\xff\xfe"),
    "empty": lambda ours, _: "",
    "no JWT": lambda ours, _: "a.b.c",
    "not ASCII": lambda ours, _: "ü.ü.ü",
    **{
        f"without {name}": partial(
            lambda ours, _, name: sign(ours, {key: value for key, value in claims_of(ours).items() if key != name}),
            name=name,
        )
        for name in ("iss", "sub", "aud", "jti", "iat", "exp")
    },
}


def sign_raw_header(box: Box, header: dict[str, Any]) -> str:
    head = base64.urlsafe_b64encode(msgspec.json.encode(header)).rstrip(b"=")
    signed = head + b"." + base64.urlsafe_b64encode(msgspec.json.encode(claims_of(box))).rstrip(b"=")
    return (signed + b"." + base64.urlsafe_b64encode(box.key.sign(signed)).rstrip(b"=")).decode()


def is_refused(assertion: str) -> bool:
    try:
        verify_assertion(assertion)
    except Problem as problem:
        return (problem.status, problem.code) == (401, "invalid-assertion")
    return False


def test_a_boxs_own_assertion_names_the_box(db: None) -> None:
    box = make_box("ours")
    assert verify_assertion(sign(box, claims_of(box))) == box.dazbox
    assert SpentAssertion.objects.count() == 1


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_assertion_is_refused_and_spends_nothing(db: None, forge: Forge) -> None:
    ours, other = make_box("ours"), make_box("other")
    assert is_refused(forge(ours, other))
    assert SpentAssertion.objects.count() == 0
    assert not is_refused(sign(ours, claims_of(ours)))


def test_an_assertion_is_good_once(db: None) -> None:
    box = make_box("ours")
    assertion = sign(box, claims_of(box))
    assert not is_refused(assertion)
    assert is_refused(assertion)
    assert is_refused(sign(box, claims_of(box, jti=jwt.decode(assertion, options={"verify_signature": False})["jti"])))


def test_of_the_same_assertion_at_once_one_is_taken(committed_db: None) -> None:
    box = make_box("ours")
    answers = run_together([partial(verify_assertion, sign(box, claims_of(box)))] * 8)
    assert len([answer for answer in answers if isinstance(answer, Dazbox)]) == 1
    assert len([answer for answer in answers if isinstance(answer, Problem)]) == 7
