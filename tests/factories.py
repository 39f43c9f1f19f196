"""Values and rows for tests. Everything is valid unless a test says otherwise."""

import base64
import dataclasses
import datetime as dt
import hashlib
import json
import time
import uuid
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mcp_saas.kit.node_message import derive_pubkey, sign_message
from nodes.engine.credential import CredentialOffer
from nodes.engine.rebalance import Rebalance
from nodes.engine.report import ChannelPolicy, ChannelState, Forward, NodeSnapshot, NodeState, PeerPolicy
from tenants.context import TenantRef
from tenants.models.api_key import ApiKey
from tenants.models.dazbox import Dazbox
from tenants.provisioning.claim import ClaimTerms, create_claims
from tenants.provisioning.device import DeviceRequest, register_device
from tenants.provisioning.proof import claim_message, create_challenge
from tenants.selectors import refer_to
from tenants.tokens.api_key import create_api_key
from tenants.tokens.device_key import kid_of

TAKEN_AT = dt.datetime(2026, 11, 1, 12, 0, tzinfo=dt.UTC)


@cache
def pubkey_of(name: str) -> str:
    """The node key for a name."""
    return derive_pubkey(identity_of(name))


def identity_of(name: str) -> bytes:
    """The secret key of `pubkey_of(name)`."""
    return hashlib.sha256(name.encode()).digest()


def make_device_request(name: str, *, code: str | None = None, key: Ed25519PrivateKey | None = None) -> DeviceRequest:
    """What a box sends to redeem a (new) claim code for the node of that name, proof included."""
    if code is None:
        [new] = create_claims(1, ClaimTerms(label=name, expires_in=dt.timedelta(days=1)), created_by="test")
        code = new.code
    x = encode_key(key or Ed25519PrivateKey.generate())
    nonce = create_challenge(pubkey_of(name)).nonce
    unsigned = DeviceRequest(code, pubkey_of(name), name, x, "1.0", nonce, signature="")
    message = claim_message(nonce, unsigned.device_kid)
    return dataclasses.replace(unsigned, signature=sign_message(identity_of(name), message.encode()))


@dataclass
class Box:
    """A provisioned Dazbox and the key it signs with."""

    name: str
    dazbox: Dazbox
    key: Ed25519PrivateKey
    channels: list[ChannelState] = field(default_factory=list)

    @property
    def tenant(self) -> TenantRef:
        return refer_to(self.dazbox)

    @property
    def kid(self) -> str:
        return kid_of(encode_key(self.key))

    @property
    def pubkey(self) -> str:
        return self.dazbox.pubkey

    def path(self, rest: str) -> str:
        return f"/api/v1/node/{self.pubkey}/{rest}"

    def sign_assertion(self, **claims: Any) -> str:
        now = int(time.time())
        body = {
            "iss": str(self.dazbox.id),
            "sub": str(self.dazbox.id),
            "aud": "dazbox-cloud",
            "jti": uuid.uuid4().hex,
            "iat": now,
            "exp": now + 60,
        } | claims
        return jwt.encode(body, self.key, "EdDSA", headers={"kid": self.kid})


def make_box(name: str) -> Box:
    """A box that redeemed a claim, with a schema of its own, in service."""
    key = Ed25519PrivateKey.generate()
    return Box(name, register_device(make_device_request(name, key=key)).dazbox, key)


def make_older_report(pubkey: str, **changes: Any) -> dict[str, Any]:
    """A node as dazbrel tells it, with one channel."""
    channel = {
        "channel_id": "879609302225846273",
        "peer_pubkey": pubkey_of("peer 1"),
        "capacity": 1_000_000,
        "local_balance": 400_000,
        "remote_balance": 590_000,
        "fees_earned": 1_000,
        "forwards_count": 50,
        "uptime_percentage": 99.5,
    }
    return {
        "pubkey": pubkey,
        "alias": "older",
        "channels": [channel],
        "wallet_balance": 2_000_000,
        "channel_balance": 400_000,
        "total_capacity": 1_000_000,
        "routing_fees_earned": 1_000,
        "timestamp": "2026-11-01T10:00:00.123456789Z",
    } | changes


def make_api_key(box: Box, *, scopes: tuple[str, ...] = ("read", "act"), name: str = "app", **changes: Any) -> str:
    """A live API key of the box; `changes` to its row."""
    lifetime = dt.timedelta(days=1)
    new = create_api_key(box.dazbox.id, name=name, scopes=list(scopes), lifetime=lifetime, created_by="test")
    if changes:
        ApiKey.objects.filter(id=new.row.id).update(**changes)
    return new.key


def encode_key(key: Ed25519PrivateKey) -> str:
    return base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()


def make_policy(**changes: Any) -> ChannelPolicy:
    fields = {
        "base_fee_msat": 1000,
        "fee_rate_ppm": 300,
        "time_lock_delta": 80,
        "min_htlc_msat": 1000,
        "max_htlc_msat": 4_950_000_000,
    }
    return ChannelPolicy(**(fields | changes))


def make_peer_policy(**changes: Any) -> PeerPolicy:
    return PeerPolicy(**(msgspec.structs.asdict(make_policy()) | changes))


def make_channel(number: int = 1, **changes: Any) -> ChannelState:
    fields: dict[str, Any] = {
        "short_channel_id": f"800000x{number}x0",
        "channel_point": f"{number:064x}:0",
        "peer_pubkey": pubkey_of(f"peer {number}"),
        "peer_alias": f"peer {number}",
        "capacity_sat": 5_000_000,
        "local_balance_sat": 4_000_000,
        "remote_balance_sat": 990_000,
        "active": True,
        "initiator": True,
        "own_policy": make_policy(),
        "peer_policy": make_peer_policy(),
        "uptime_s": 990_000,
        "lifetime_s": 1_000_000,
    }
    return ChannelState(**(fields | changes))


def make_snapshot(seq: int = 1, channels: list[ChannelState] | None = None, **changes: Any) -> NodeSnapshot:
    fields: dict[str, Any] = {
        "seq": seq,
        "taken_at": TAKEN_AT + dt.timedelta(minutes=seq),
        "node": NodeState(
            alias="node", implementation="lnd", version="0.20", block_height=920_000, synced_to_chain=True
        ),
        "channels": channels if channels is not None else [make_channel(1), make_channel(2, local_balance_sat=100_000)],
    }
    return NodeSnapshot(**(fields | changes))


def make_forward(number: int = 1, **changes: Any) -> Forward:
    fields: dict[str, Any] = {
        "id": f"forward-{number}",
        "incoming_scid": "800000x2x0",
        "outgoing_scid": "800000x1x0",
        "in_msat": 50_015_000,
        "out_msat": 50_000_000,
        "fee_msat": 15_000,
        "settled_at": TAKEN_AT - dt.timedelta(hours=number),
    }
    return Forward(**(fields | changes))


def make_rebalance(number: int = 1, **changes: Any) -> Rebalance:
    """Sats that left by channel 2 and came back by channel 1."""
    fields: dict[str, Any] = {
        "id": f"rebalance-{number}",
        "outgoing_scid": "800000x2x0",
        "incoming_scid": "800000x1x0",
        "amount_msat": 100_000_000,
        "fee_msat": 20_000,
        "settled_at": TAKEN_AT - dt.timedelta(hours=number),
    }
    return Rebalance(**(fields | changes))


def make_offer(secret: str = "sk-" + "0123456789abcdef" * 3, **changes: Any) -> CredentialOffer:
    """A key at a third party; with `url` what opens a server of the owner's own."""
    return CredentialOffer(secret, **changes)


def as_json(value: object) -> Any:
    """A struct as the plain JSON value a client would send, for tests to spoil."""
    return json.loads(msgspec.json.encode(value))
