"""Device assertions, beside what the API tests show: keys that come along with the token, and the race for one use."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_saas.kit.errors import Problem
from tenants.models.device_key import DeviceKey
from tenants.models.refresh_token import SpentAssertion
from tenants.tokens.assertion import verify_assertion
from tests.committed import run_together
from tests.factories import Box, encode_key, make_box

THIEF = Ed25519PrivateKey.generate()
THIEFS_JWK = {"kty": "OKP", "crv": "Ed25519", "x": encode_key(THIEF)}


def resign(box: Box, *, key: Any, algorithm: str = "EdDSA", **header: Any) -> str:
    """A good assertion of the box under another key."""
    claims = jwt.decode(box.sign_assertion(), options={"verify_signature": False})
    return jwt.encode(claims, key, algorithm, headers={"kid": box.kid} | header)


FORGERIES: dict[str, Callable[[Box], str]] = {
    "key in the header": lambda box: resign(box, key=THIEF, jwk=THIEFS_JWK),
    "address of keys in the header": lambda box: resign(box, key=THIEF, jku="https://thief.example/jwks.json"),
    "another algorithm": lambda box: resign(box, key=ec.generate_private_key(ec.SECP256R1()), algorithm="ES256"),
    "an extension we do not know": lambda box: resign(box, key=box.key, crit=["exp"]),
    "not yet valid": lambda box: box.sign_assertion(nbf=int(time.time()) + 600),
}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_assertion_is_refused_and_spends_nothing(db: None, forge: Callable[[Box], str]) -> None:
    box = make_box("ours")
    with pytest.raises(Problem) as refused:
        verify_assertion(forge(box))
    assert (refused.value.status, refused.value.code) == (401, "invalid-assertion")
    assert SpentAssertion.objects.count() == 0
    assert verify_assertion(box.sign_assertion()).dazbox == box.dazbox


def test_of_the_same_assertion_at_once_one_is_taken(committed_db: None) -> None:
    box = make_box("ours")
    answers = run_together([partial(verify_assertion, box.sign_assertion())] * 8)
    assert len([answer for answer in answers if isinstance(answer, DeviceKey)]) == 1
    assert len([answer for answer in answers if isinstance(answer, Problem)]) == 7
