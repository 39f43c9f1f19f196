"""A node is claimed only by who holds its identity key."""

import datetime as dt
import io
import uuid
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.management import CommandError, call_command
from django.utils import timezone

from mcp_saas.kit.node_message import sign_message
from tenants.models.challenge import Challenge
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox
from tenants.provisioning.claim import ClaimTerms, create_claims
from tests.api.case import cases
from tests.api.problem import assert_problem, assert_refused_at
from tests.conftest import ApiClient
from tests.factories import encode_key, identity_of, pubkey_of

CHALLENGES, DEVICES = "/api/v1/provisioning/challenges", "/api/v1/provisioning/devices"
WRONG = {
    "another node's": {"signer": "mallory"},
    "of another message": {"message": "hi"},
    "for another device key": {"thumbprint": "A" * 43},
    "for another cloud": {"audience": "elsewhere"},
    "of another nonce": {"nonce": "A" * 43},
}


@pytest.fixture
def code(db: None) -> str:
    [new] = create_claims(1, ClaimTerms(label="test", expires_in=dt.timedelta(days=1)), created_by="test")
    return new.code


def ask(api: ApiClient, name: str = "node", key: Ed25519PrivateKey | None = None) -> dict[str, Any]:
    """A challenge, and the body that answers it but for code and signature."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode_key(key or Ed25519PrivateKey.generate())}
    answer = api.post(CHALLENGES, {"pubkey": pubkey_of(name), "device_key": jwk})
    assert answer.status == 201
    return dict(answer.json) | {"body": {"pubkey": pubkey_of(name), "device_key": jwk, "nonce": answer.json["nonce"]}}


def redeem(api: ApiClient, code: str, challenge: dict[str, Any], *, signer: str = "node", **wrong: str) -> Any:
    """Redeems with the signature of `signer`, over the message with some of its parts replaced."""
    parts = dict(zip(("name", "v", "audience", "nonce", "thumbprint"), challenge["message"].split(":"), strict=True))
    message = wrong.pop("message", ":".join((parts | wrong).values()))
    signature = sign_message(identity_of(signer), message.encode())
    return api.post(DEVICES, challenge["body"] | {"claim_code": code, "signature": signature})


def test_the_message_names_this_cloud_this_nonce_and_this_device_key(api: ApiClient, db: None) -> None:
    challenge = ask(api)
    name, version, audience, nonce, thumbprint = challenge["message"].split(":")
    assert (name, version, audience, nonce) == ("dazno-claim", "v1", "dazbox-cloud", challenge["nonce"])
    assert len(thumbprint) == 43
    expires_in = dt.datetime.fromisoformat(challenge["expires_at"]) - timezone.now()
    assert dt.timedelta(seconds=290) < expires_in <= dt.timedelta(seconds=300)


@cases(WRONG)
def test_a_wrong_signature_is_refused_and_the_claim_stays_good(api: ApiClient, code: str, case: dict[str, str]) -> None:
    challenge = ask(api)
    answer = redeem(api, code, challenge, **case)
    assert_refused_at(answer, "/signature", status=422, code="wrong-signature")
    assert Claim.objects.get().used_at is None
    assert not Dazbox.objects.exists()
    assert redeem(api, code, challenge).status == 201


def test_a_nonce_is_good_once(api: ApiClient, code: str) -> None:
    challenge = ask(api)
    assert redeem(api, code, challenge).status == 201
    assert redeem(api, code, challenge).status == 200  # the answer was lost: the same box
    Dazbox.objects.update(pubkey=pubkey_of("moved away"))
    [second] = create_claims(1, ClaimTerms(label="", expires_in=dt.timedelta(days=1)), created_by="test")
    answer = redeem(api, second.code, challenge)
    assert_problem(answer, 422)
    assert answer.json["type"].endswith("/challenge-spent")
    assert Claim.objects.get(id=second.claim.id).used_at is None


def test_a_nonce_is_good_for_300_seconds(api: ApiClient, code: str) -> None:
    challenge = ask(api)
    Challenge.objects.update(expires_at=timezone.now())
    answer = redeem(api, code, challenge)
    assert_problem(answer, 422)
    assert answer.json["type"].endswith("/challenge-spent")


def test_a_nonce_of_another_node_is_none(api: ApiClient, code: str) -> None:
    challenge = ask(api, "mallory")
    challenge["body"]["pubkey"] = pubkey_of("node")
    answer = redeem(api, code, challenge)
    assert_problem(answer, 422)
    assert answer.json["type"].endswith("/challenge-unknown")


def test_after_five_failures_nobody_at_this_address_tries_for_this_node(api: ApiClient, code: str) -> None:
    """Check 35."""
    challenge = ask(api)
    statuses = [redeem(api, code, challenge, signer="mallory").status for _ in range(7)]
    assert statuses == [422] * 5 + [429] * 2
    refused = redeem(api, code, challenge)
    assert_problem(refused, 429)
    assert int(refused.headers["Retry-After"]) > 0
    assert redeem(api, code, ask(api, "other"), signer="other").status == 201


def test_failures_are_counted_under_an_idempotency_key_as_well(api: ApiClient, code: str) -> None:
    challenge = ask(api)
    body = challenge["body"] | {"claim_code": code, "signature": "y" * 104}
    statuses = [api.post(DEVICES, body, **{"Idempotency-Key": str(uuid.uuid4())}).status for _ in range(6)]
    assert statuses == [422] * 5 + [429]


def test_guessing_codes_ends_as_well(api: ApiClient, db: None) -> None:
    statuses = [redeem(api, f"dzc_{number}", ask(api)).status for number in range(7)]
    assert statuses == [422] * 5 + [429] * 2


def test_a_node_has_ten_open_challenges(api: ApiClient, db: None) -> None:
    for _ in range(10):
        ask(api)
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode_key(Ed25519PrivateKey.generate())}
    assert_problem(api.post(CHALLENGES, {"pubkey": pubkey_of("node"), "device_key": jwk}), 429)
    assert ask(api, "other")


def test_an_operator_on_the_server_can_vouch_for_one_node_and_no_other(api: ApiClient, db: None) -> None:
    printed = io.StringIO()
    call_command("vouch_for_node", pubkey_of("node"), stdout=printed)
    code = printed.getvalue().strip()
    stranger = redeem(api, code, ask(api, "stranger"), signer="stranger")
    assert_problem(stranger, 422)
    assert stranger.json["type"].endswith("/claim-of-another-node")
    assert redeem(api, code, ask(api), signer="mallory").status == 201
    assert Dazbox.objects.get().pubkey == pubkey_of("node")


def test_vouching_takes_public_keys_only(db: None) -> None:
    with pytest.raises(CommandError, match="not a node's public key"):
        call_command("vouch_for_node", "carol")
    assert not Claim.objects.exists()
