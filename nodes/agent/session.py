"""A device's standing with the cloud: tokens for its signature, kept in memory alone, and the calls that need them."""

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeGuard

import httpx

from nodes.agent.device_key import DeviceKey
from nodes.agent.errors import CloudError
from nodes.agent.problem import read_result
from nodes.sources.driver.door import Answer, Door

API = "/api/v1"
AUDIENCE = "dazbox-cloud"
ASSERTION_LIFETIME_S = 45  # the cloud takes 60 at most; what is left allows for a clock that runs fast
RENEWAL_MARGIN_S = 30  # an access token is not used in its last seconds


@dataclass(frozen=True, kw_only=True, repr=False)
class TokenPair:
    access: str
    refresh: str
    expires_in_s: int


class Session:
    """Signs in when needed. All methods raise CloudError."""

    def __init__(self, door: Door, *, device_id: str, key: DeviceKey, clock: Callable[[], float] = time.time) -> None:
        self._door = door
        self._device_id = device_id
        self._key = key
        self._clock = clock
        self._tokens: TokenPair | None = None
        self._renew_at_s = 0.0

    def close(self) -> None:
        self._door.close()

    def sign_in(self) -> TokenPair:
        """New tokens for an assertion signed with the device key."""
        now_s = int(self._clock())
        claims = {"iss": self._device_id, "sub": self._device_id, "aud": AUDIENCE, "jti": str(uuid.uuid4())}
        assertion = self._key.sign_jwt(claims | {"iat": now_s, "exp": now_s + ASSERTION_LIFETIME_S})
        return self._keep(self._post_open("/auth/device-token", {"assertion": assertion}))

    def post(self, path: str, content: bytes, *, headers: Mapping[str, str] | None = None) -> dict[str, object]:
        """POST JSON as this device. An access token that the cloud no longer takes is replaced once."""
        sent = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())} | dict(headers or {})
        return self._call("POST", path, content=content, headers=sent)

    def get(self, path: str) -> dict[str, object]:
        return self._call("GET", path, content=None, headers={})

    def _call(self, method: str, path: str, *, content: bytes | None, headers: Mapping[str, str]) -> dict[str, object]:
        answer = self._send_signed(method, path, content=content, headers=headers)
        if answer.status == httpx.codes.UNAUTHORIZED:
            self._renew_at_s = 0.0
            answer = self._send_signed(method, path, content=content, headers=headers)
        return read_result(answer, self._door.name)

    def _send_signed(self, method: str, path: str, *, content: bytes | None, headers: Mapping[str, str]) -> Answer:
        authorised = {**headers, "Authorization": f"Bearer {self._current().access}"}
        return self._door.send(method, f"{API}{path}", content=content, headers=authorised)

    def _current(self) -> TokenPair:
        if self._tokens is None:
            return self.sign_in()
        return self._tokens if self._clock() < self._renew_at_s else self._renew(self._tokens)

    def _renew(self, tokens: TokenPair) -> TokenPair:
        answer = self._post_open("/auth/refresh", {"refresh": tokens.refresh})
        return self.sign_in() if answer.status == httpx.codes.UNAUTHORIZED else self._keep(answer)

    def _post_open(self, path: str, fields: Mapping[str, str]) -> Answer:
        headers = {"Content-Type": "application/json"}
        return self._door.send("POST", f"{API}{path}", content=json.dumps(fields).encode(), headers=headers)

    def _keep(self, answer: Answer) -> TokenPair:
        self._tokens = read_tokens(read_result(answer, self._door.name))
        self._renew_at_s = self._clock() + self._tokens.expires_in_s - RENEWAL_MARGIN_S
        return self._tokens


def read_tokens(fields: Mapping[str, object]) -> TokenPair:
    access, refresh, expires_in_s = fields.get("access"), fields.get("refresh"), fields.get("expires_in")
    if not is_token(access) or not is_token(refresh) or type(expires_in_s) is not int:
        raise CloudError("the cloud answered the sign-in without access, refresh and expires_in")
    return TokenPair(access=access, refresh=refresh, expires_in_s=expires_in_s)


def is_token(value: object) -> TypeGuard[str]:
    """Fit for a header."""
    return isinstance(value, str) and bool(value) and value.isascii() and value.isprintable()
