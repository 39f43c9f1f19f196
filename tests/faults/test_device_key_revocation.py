"""A revoked device key: two web processes, and what the one has done the other knows within five seconds."""

import time
import uuid

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.factories import Box, encode_key, make_box
from tests.faults.embedded_instance import eventually
from tests.faults.web_process import WebProcess, web_process

pytestmark = pytest.mark.fault


def call(web: WebProcess, method: str, path: str, *, token: str = "", json: object = None) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    headers["Idempotency-Key"] = str(uuid.uuid4())
    return httpx.request(method, f"{web.url}{path}", json=json, headers=headers, trust_env=False, timeout=90)


def sign_in(web: WebProcess, box: Box) -> httpx.Response:
    return call(web, "POST", "/api/v1/auth/device-token", json={"assertion": box.sign_assertion()})


def test_a_key_revoked_at_one_web_process_is_refused_by_the_other_within_five_seconds(committed_db: None) -> None:
    box = make_box("stolen")
    successor = Box(box.name, box.dazbox, Ed25519PrivateKey.generate())
    keys = f"/api/v1/provisioning/devices/{box.dazbox.id}/keys"
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": encode_key(successor.key)}
    with web_process() as one, web_process() as other:
        stolen = sign_in(one, box).json()["access"]
        assert call(one, "POST", keys, token=stolen, json={"device_key": jwk}).status_code == 201
        token = sign_in(one, successor).json()["access"]

        let_in_at_s: list[float] = []  # when those that were let in had been asked

        def status_at_other() -> int:
            asked_at_s = time.monotonic()
            status = call(other, "GET", box.path("mode"), token=stolen).status_code
            let_in_at_s.extend([asked_at_s] * (status == 200))
            return status

        assert status_at_other() == 200  # it now knows the token and the box's standing
        assert call(one, "DELETE", f"{keys}/{box.kid}", token=token).status_code == 204
        revoked_at_s = time.monotonic()
        assert sign_in(other, box).status_code == 401
        assert eventually(lambda: status_at_other() == 401)
        assert let_in_at_s[-1] - revoked_at_s < 5
        assert call(one, "GET", box.path("mode"), token=stolen).status_code == 401
        again = sign_in(other, successor).json()["access"]
        assert call(other, "GET", box.path("mode"), token=again).status_code == 200
