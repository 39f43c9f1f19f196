"""A minimal cloud: claims, tokens, snapshots and forwards as the HTTP contract has them."""

import base64
import gzip
import json
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import jwt

from mcp_saas.kit.node_message import recover_signer
from tenants.keys import thumbprint
from tests.fakes.json_server import Call, JsonServer, Reply

CLAIM_CODE = "DAZ-GOOD-CODE"


class FakeCloud(JsonServer):
    """Holds what boxes sent. `failures` (by the last word of the path) are answered first, one a call."""

    def __init__(self) -> None:
        self.messages: dict[str, str] = {}  # by nonce: what the node was asked to sign
        self.message = ""  # asked to be signed instead of the right one
        self.clock: Callable[[], float] = time.time
        self.device_id = str(uuid4())
        self.device: dict[str, Any] | None = None
        self.access_tokens: set[str] = set()
        self.refresh_tokens: set[str] = set()
        self.spent: set[str] = set()
        self.snapshots: list[dict[str, Any]] = []
        self.forwards: dict[str, dict[str, Any]] = {}
        self.cursor: str | None = None
        self.rebalances: dict[str, dict[str, Any]] = {}
        self.rebalance_cursor: str | None = None
        self.rebalances_until: str | None = None
        self.expires_in = 900
        self.actions: list[dict[str, Any]] = []  # handed over to whoever asks
        self.results: list[tuple[str, dict[str, Any]]] = []  # by the action's id
        self.failures: dict[str, list[Reply]] = {}
        super().__init__(self._respond_as_cloud)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _respond_as_cloud(self, call: Call) -> Reply:
        path = urlsplit(call.path).path
        name = path.rsplit("/", 1)[-1]
        if self.failures.get(name):
            return self.failures[name].pop(0)
        content = gzip.decompress(call.body) if call.headers.get("Content-Encoding") == "gzip" else call.body
        answers = {
            "challenges": self._challenge, "devices": self._redeem, "device-token": self._sign_in,
            "refresh": self._refresh,
            "snapshots": self._take_snapshot, "forwards": self._take_forwards,
            "rebalances": self._take_rebalances,
        }  # fmt: skip
        if name in {"snapshots", "forwards", "rebalances", "actions", "result"} and not self._is_authorised(call):
            return refuse(401, "Sign in again", "The token is not valid.")
        if name == "actions":
            return Reply(body={"items": self.actions})
        if name == "result":
            return self._take_result(path.split("/")[-2], json.loads(content))
        return answers[name](json.loads(content))

    def _is_authorised(self, call: Call) -> bool:
        return call.headers.get("Authorization", "").removeprefix("Bearer ") in self.access_tokens

    def _challenge(self, body: dict[str, Any]) -> Reply:
        nonce, kid = secrets.token_urlsafe(32), thumbprint(body["device_key"])
        self.messages[nonce] = f"dazno-claim:v1:dazbox-cloud:{nonce}:{kid}" if not self.message else self.message
        return Reply(status=201, body={"nonce": nonce, "message": self.messages[nonce], "expires_at": ""})

    def _redeem(self, body: dict[str, Any]) -> Reply:
        if recover_signer(self.messages[body["nonce"]].encode(), body["signature"]) != body["pubkey"]:
            return refuse(422, "Wrong signature", "The node did not sign this message.")
        if body["claim_code"] != CLAIM_CODE:
            return refuse(404, "Claim not found", "This claim code is not known.")
        if self.device is None:
            self.device = body
            return Reply(status=201, body=self._describe(body))
        if (self.device["pubkey"], self.device["device_key"]) != (body["pubkey"], body["device_key"]):
            return refuse(409, "Claim used", "Another box has redeemed this claim code.")
        return Reply(status=200, body=self._describe(body))

    def _describe(self, body: dict[str, Any]) -> dict[str, Any]:
        ids = {"device_id": self.device_id, "tenant_id": self.device_id}
        return ids | {"pubkey": body["pubkey"], "state": "active"}

    def _sign_in(self, body: dict[str, str]) -> Reply:
        assert self.device is not None
        public_key = jwt.PyJWK(self.device["device_key"] | {"alg": "EdDSA"})
        required = ["exp", "iat", "iss", "sub", "aud", "jti"]
        options: Any = {"require": required, "verify_exp": False, "verify_iat": False}  # by our own clock, below
        try:
            claims = jwt.decode(
                body["assertion"], public_key, algorithms=["EdDSA"], audience="dazbox-cloud", issuer=self.device_id,
                options=options,
            )  # fmt: skip
        except jwt.PyJWTError as error:
            return refuse(401, "Sign in again", str(error))
        if not claims["iat"] <= self.clock() < claims["exp"] <= claims["iat"] + 60:
            return refuse(401, "Sign in again", "The assertion is not of this minute.")
        if claims["sub"] != claims["iss"] or claims["jti"] in self.spent:
            return refuse(401, "Sign in again", "The assertion was used before.")
        self.spent.add(claims["jti"])
        return self._issue()

    def _refresh(self, body: dict[str, str]) -> Reply:
        if body["refresh"] not in self.refresh_tokens:
            return refuse(401, "Sign in again", "The refresh token is unknown, expired or already used.")
        self.refresh_tokens.remove(body["refresh"])
        return self._issue()

    def _issue(self) -> Reply:
        access, refresh = (base64.urlsafe_b64encode(secrets.token_bytes(24)).decode() for _ in range(2))
        self.access_tokens.add(access)
        self.refresh_tokens.add(refresh)
        pair = {"access": access, "refresh": refresh, "token_type": "Bearer", "expires_in": self.expires_in}
        return Reply(body=pair)

    def _take_snapshot(self, body: dict[str, Any]) -> Reply:
        self.snapshots.append(body)
        return Reply(status=201, body={"seq": body["seq"]})

    def _take_result(self, action_id: str, body: dict[str, Any]) -> Reply:
        self.results.append((action_id, body))
        self.actions = [action for action in self.actions if action["id"] != action_id]
        return Reply(body={"id": action_id, "state": "sent"})

    def _take_forwards(self, body: dict[str, Any]) -> Reply:
        known = len(self.forwards)
        self.forwards |= {event["id"]: event for event in body["events"]}
        self.cursor = body["cursor"] or self.cursor
        return Reply(body={"cursor": self.cursor, "stored": len(self.forwards) - known})

    def _take_rebalances(self, body: dict[str, Any]) -> Reply:
        known = len(self.rebalances)
        self.rebalances |= {event["id"]: event for event in body.get("events", [])}
        self.rebalance_cursor = body.get("cursor") or self.rebalance_cursor
        self.rebalances_until = body.get("until") or self.rebalances_until
        return Reply(body={"cursor": self.rebalance_cursor or "", "stored": len(self.rebalances) - known})


def refuse(status: int, title: str, detail: str, **headers: str) -> Reply:
    problem = {"type": "about:blank", "title": title, "status": status, "detail": detail, "instance": "request-1"}
    return Reply(status=status, body=problem, headers={"Content-Type": "application/problem+json", **headers})
