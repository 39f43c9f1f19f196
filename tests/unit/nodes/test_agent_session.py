"""A box proves its device key, keeps its tokens in memory, and gets new ones when the cloud no longer takes the old."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from nodes.agent.cloud import open_cloud
from nodes.agent.device_key import DeviceKey, read_device_key
from nodes.agent.errors import CloudError
from nodes.agent.session import Session
from tests.clock import Clock
from tests.fakes.box import Box, start_box
from tests.fakes.cloud import refuse
from tests.fakes.json_server import Reply
from tests.fakes.lnd_rest import OWN

# RFC 8037, appendix A: a published Ed25519 key, its thumbprint and a signature made with it.
RFC_PRIVATE = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"
RFC_PUBLIC = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
RFC_THUMBPRINT = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
FORWARDS = f"/node/{OWN}/forwards"
QUESTION = b'{"events":[],"cursor":null}'


@pytest.fixture
def clock() -> Clock:
    return Clock(1_727_000_000.0)


@pytest.fixture
def box(tmp_path: Path, clock: Clock) -> Iterator[Box]:
    with start_box(tmp_path) as started:
        assert started.claim() == 0
        started.cloud.clock = clock
        yield started


@pytest.fixture
def session(box: Box, clock: Clock) -> Iterator[Session]:
    key = read_device_key(box.home)
    opened = Session(open_cloud(box.cloud.url), device_id=box.cloud.device_id, key=key, clock=clock)
    yield opened
    opened.close()


def paths(box: Box) -> list[str]:
    return [call.path.rsplit("/", 1)[-1] for call in box.cloud.calls[2:]]  # the first two were the claim


def test_the_published_key_has_the_published_thumbprint_and_a_verifiable_signature() -> None:
    key = DeviceKey(Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(RFC_PRIVATE + "=")))

    assert key.jwk == {"kty": "OKP", "crv": "Ed25519", "x": RFC_PUBLIC}
    assert key.thumbprint == RFC_THUMBPRINT
    token = key.sign_jwt({"sub": "box"})
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "typ": "JWT", "kid": RFC_THUMBPRINT}
    assert jwt.decode(token, jwt.PyJWK(key.jwk | {"alg": "EdDSA"}), algorithms=["EdDSA"]) == {"sub": "box"}


def test_the_assertion_says_who_signs_for_whom_and_not_for_long(box: Box, session: Session, clock: Clock) -> None:
    session.sign_in()
    session.sign_in()

    assertions = [json.loads(call.body)["assertion"] for call in box.cloud.calls_to("/auth/device-token")]
    first, second = (jwt.decode(assertion, options={"verify_signature": False}) for assertion in assertions)
    assert (first["iss"], first["sub"], first["aud"]) == (box.cloud.device_id, box.cloud.device_id, "dazbox-cloud")
    assert first["iat"] == clock.now_s
    assert 0 < first["exp"] - first["iat"] <= 60
    assert first["jti"] != second["jti"]
    assert jwt.get_unverified_header(assertions[0])["kid"] == read_device_key(box.home).thumbprint


def test_one_sign_in_serves_many_calls(box: Box, session: Session) -> None:
    for _ in range(3):
        session.post(FORWARDS, QUESTION)

    assert paths(box) == ["device-token", "forwards", "forwards", "forwards"]


def test_an_access_token_is_renewed_before_it_ends(box: Box, session: Session, clock: Clock) -> None:
    session.post(FORWARDS, QUESTION)
    clock.now_s += 869
    session.post(FORWARDS, QUESTION)
    clock.now_s += 2
    session.post(FORWARDS, QUESTION)

    assert paths(box) == ["device-token", "forwards", "forwards", "refresh", "forwards"]
    assert len(box.cloud.refresh_tokens) == 1


def test_an_access_token_that_the_cloud_ended_is_replaced_once(box: Box, session: Session) -> None:
    session.post(FORWARDS, QUESTION)
    box.cloud.access_tokens.clear()
    session.post(FORWARDS, QUESTION)

    assert paths(box) == ["device-token", "forwards", "forwards", "refresh", "forwards"]
    keys = [call.headers["Idempotency-Key"] for call in box.cloud.calls_to("/forwards")]
    assert keys[1] == keys[2] != keys[0]  # the same request again, not a new one


def test_an_ended_family_of_tokens_is_replaced_by_the_device_key(box: Box, session: Session) -> None:
    session.post(FORWARDS, QUESTION)
    box.cloud.access_tokens.clear()
    box.cloud.refresh_tokens.clear()
    session.post(FORWARDS, QUESTION)

    assert paths(box) == ["device-token", "forwards", "forwards", "refresh", "device-token", "forwards"]


def test_a_box_that_the_cloud_no_longer_knows_does_not_insist(box: Box, session: Session) -> None:
    box.cloud.failures["device-token"] = [refuse(401, "Sign in again", "No such box.")]

    with pytest.raises(CloudError, match="Sign in again: No such box") as caught:
        session.post(FORWARDS, QUESTION)
    assert caught.value.permanent
    assert paths(box) == ["device-token"]


def test_a_refresh_that_failed_on_the_way_is_tried_with_the_same_token(
    box: Box, session: Session, clock: Clock
) -> None:
    session.post(FORWARDS, QUESTION)
    clock.now_s += 1_000
    box.cloud.failures["refresh"] = [Reply(status=503, body=b"")]
    with pytest.raises(CloudError, match="503") as caught:
        session.post(FORWARDS, QUESTION)
    assert not caught.value.permanent
    session.post(FORWARDS, QUESTION)

    first, second = (json.loads(call.body)["refresh"] for call in box.cloud.calls_to("/auth/refresh"))
    assert first == second


@pytest.mark.parametrize(
    ("status", "permanent"),
    [(status, True) for status in (302, 400, 403, 404, 410, 413, 422)]
    + [(status, False) for status in (408, 409, 429, 500, 502, 503)],
)
def test_a_refusal_says_whether_trying_again_can_help(
    box: Box,
    session: Session,
    status: int,
    permanent: bool,
) -> None:
    box.cloud.failures["forwards"] = [refuse(status, "Device suspended", "Ask your shop.")]

    with pytest.raises(CloudError, match=f"{status}: Device suspended: Ask your shop") as caught:
        session.post(FORWARDS, QUESTION)
    assert caught.value.permanent is permanent


def test_a_refusal_points_at_the_field(box: Box, session: Session) -> None:
    problem = {"title": "Not valid", "errors": [{"pointer": "/channels/3/capacity_sat", "detail": "must be >= 1"}]}
    box.cloud.failures["forwards"] = [Reply(status=422, body=problem)]

    with pytest.raises(CloudError, match="Not valid: /channels/3/capacity_sat must be >= 1"):
        session.post(FORWARDS, QUESTION)


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [("120", 120.0), ("999999999", 3600.0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0), ("soon", None), ("-5", None)],
)
def test_the_pause_the_cloud_asks_for_is_understood_and_bounded(
    box: Box, session: Session, header: str, wait_s: float | None
) -> None:
    box.cloud.failures["forwards"] = [Reply(status=429, body=b"slow down", headers={"Retry-After": header})]

    with pytest.raises(CloudError, match="429: without a reason") as caught:
        session.post(FORWARDS, QUESTION)
    assert caught.value.retry_after_s == wait_s


@pytest.mark.parametrize(
    "answer",
    [
        {"refresh": "r", "expires_in": 900},
        {"access": "a", "refresh": "", "expires_in": 900},
        {"access": "a\r\nX-Forged: 1", "refresh": "r", "expires_in": 900},
        {"access": "a", "refresh": "r", "expires_in": "900"},
        {"access": "é", "refresh": "r", "expires_in": 900},
    ],
)
def test_tokens_that_are_none_are_not_used_and_not_shown(box: Box, session: Session, answer: dict[str, object]) -> None:
    box.cloud.failures["device-token"] = [Reply(body=answer)]

    with pytest.raises(CloudError, match="without access, refresh and expires_in") as caught:
        session.post(FORWARDS, QUESTION)
    assert "X-Forged" not in str(caught.value)
    assert paths(box) == ["device-token"]
