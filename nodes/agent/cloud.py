"""The cloud's HTTP API as a box sees it: claim once, then report and obey."""

import gzip
import json
import platform
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import httpx

from nodes.agent.config import AGENT_VERSION, USER_AGENT
from nodes.agent.device_key import DeviceKey
from nodes.agent.errors import CloudError
from nodes.agent.problem import read_result
from nodes.agent.session import API, Session
from nodes.sources.driver.door import TIMEOUT, Door
from nodes.sources.driver.driver import Identity

MAX_ANSWER_BYTES = 1 << 20
FIRST_CURSOR = "0"
MAX_CURSOR_DIGITS = 20  # 64 bits; what they mean is the driver's


@dataclass(frozen=True, kw_only=True)
class Receipt:
    cursor: str  # where to go on from
    stored: int  # how many of the page the cloud did not know yet


@dataclass(frozen=True, kw_only=True)
class Challenge:
    nonce: str
    message: str  # for the node to sign


@dataclass(frozen=True, kw_only=True)
class Proof:
    """The node's signature (zbase32) of the message with this nonce."""

    nonce: str
    signature: str


class Cloud:
    """What a claimed device may do. All methods raise CloudError."""

    def __init__(self, session: Session, pubkey: str) -> None:
        self._session = session
        self._node = f"/node/{pubkey}"

    def send_snapshot(self, snapshot: Mapping[str, object]) -> None:
        headers = {"Content-Encoding": "gzip"}
        self._session.post(f"{self._node}/snapshots", gzip.compress(encode_json(snapshot)), headers=headers)

    def ask_cursor(self) -> str:
        """Where the cloud's knowledge of this node's forwards ends."""
        return self._send_events([], cursor=None).cursor

    def send_forwards(self, events: list[dict[str, object]], cursor: str) -> Receipt:
        """`cursor` is where the page ends. A page sent twice is stored once: the cloud knows forwards by their ids."""
        return self._send_events(events, cursor=cursor)

    def ask_rebalance_cursor(self) -> str:
        return read_receipt(self._session.post(f"{self._node}/rebalances", b"{}")).cursor

    def send_rebalances(self, events: list[dict[str, object]], cursor: str, *, until: str | None) -> None:
        """`until`: all before that moment are told. What is sent twice is stored once."""
        body = encode_json({"events": events, "cursor": cursor, "until": until})
        read_receipt(self._session.post(f"{self._node}/rebalances", body))

    def fetch_actions(self, holder: str) -> list[dict[str, object]]:
        """What to write, oldest first. `holder` names this home: after a crash it is given its own again."""
        items = self._session.get(f"{self._node}/actions?state=approved&holder={holder}").get("items")
        if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
            raise CloudError("the cloud answered actions without a list of them")
        return items

    def report_action(self, action_id: str, result: Mapping[str, object]) -> None:
        """Again is harmless."""
        self._session.post(f"{self._node}/actions/{action_id}/result", encode_json(result))

    def _send_events(self, events: list[dict[str, object]], *, cursor: str | None) -> Receipt:
        body = encode_json({"events": events, "cursor": cursor})
        return read_receipt(self._session.post(f"{self._node}/forwards", body))


@cache
def load_authorities() -> ssl.SSLContext:
    """The public certificate authorities (or those of SSL_CERT_FILE), read once for all homes."""
    return httpx.create_ssl_context()


def open_cloud(url: str) -> Door:
    headers = {"User-Agent": USER_AGENT}
    client = httpx.Client(base_url=url, verify=load_authorities(), timeout=TIMEOUT, headers=headers)
    hint = "check the address, and the clock of this box"
    name = f"the cloud at {url}"
    return Door(client, name=name, error=CloudError, limit_bytes=MAX_ANSWER_BYTES, certificate_hint=hint)


def ask_challenge(door: Door, *, pubkey: str, key: DeviceKey) -> Challenge:
    """What the node must sign. Raises CloudError, also for a message that would claim it for anything but this key."""
    body = encode_json({"pubkey": pubkey, "device_key": key.jwk})
    headers = {"Content-Type": "application/json"}
    answer = read_result(door.send("POST", f"{API}/provisioning/challenges", content=body, headers=headers), door.name)
    nonce, message = answer.get("nonce"), answer.get("message")
    if not isinstance(nonce, str) or not isinstance(message, str) or not is_ours(message, nonce, key=key):
        raise CloudError(f"{door.name} wants something else signed than this claim: nothing was signed", permanent=True)
    return Challenge(nonce=nonce, message=message)


def is_ours(message: str, nonce: str, *, key: DeviceKey) -> bool:
    return message.startswith("dazno-claim:v1:") and message.endswith(f":{nonce}:{key.thumbprint}")


def claim_device(door: Door, claim_code: str, *, node: Identity, key: DeviceKey, proof: Proof) -> str:
    """Redeem the owner's claim code for this node and key; answers the device's id, the same one at every repeat.

    Raises CloudError: the code is not known, used by another box, expired; the signature is not the node's.
    """
    claim = {
        "claim_code": claim_code,
        "pubkey": node.pubkey,
        "alias": node.alias,
        "nonce": proof.nonce,
        "signature": proof.signature,
        "device_key": key.jwk,
        "agent": {"version": AGENT_VERSION, "platform": f"{platform.system()} {platform.machine()}"},
    }
    headers = {"Content-Type": "application/json"}
    answer = door.send("POST", f"{API}/provisioning/devices", content=encode_json(claim), headers=headers)
    device = read_result(answer, door.name)
    device_id = device.get("device_id")
    if not isinstance(device_id, str) or device.get("pubkey") != node.pubkey:
        raise CloudError(f"{door.name} answered the claim with another device", permanent=True)
    return device_id


def read_receipt(answer: Mapping[str, object]) -> Receipt:
    cursor, stored = answer.get("cursor") or FIRST_CURSOR, answer.get("stored")
    if not isinstance(cursor, str) or not is_index(cursor) or type(stored) is not int:
        raise CloudError("the cloud answered a report without a cursor of this box and the count it stored")
    return Receipt(cursor=cursor, stored=stored)


def is_index(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= MAX_CURSOR_DIGITS


def encode_json(value: Mapping[str, object]) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()
