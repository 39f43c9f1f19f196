"""Shapes of boxes: redeeming, keys, lifecycle, operations."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from mcp_saas.kit.text import Pubkey, telling, without_nul
from tenants.api.contract.text import Base64Of32Bytes, Reason, Short


class DeviceKey(Struct, frozen=True, forbid_unknown_fields=True):
    """The box's public key as a JWK (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: Base64Of32Bytes


class DeviceKeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The box's next key."""

    device_key: DeviceKey


class DeviceKeyAnswer(Struct, frozen=True):
    """A key of a box, without the key. `expires_at`: when its successor will have taken over."""

    kid: str
    is_live: bool
    created_at: dt.datetime
    expires_at: dt.datetime | None
    revoked_at: dt.datetime | None


class DeviceKeyList(Struct, frozen=True):
    """All keys a box ever had."""

    items: list[DeviceKeyAnswer]


class AgentInfo(Struct, frozen=True, forbid_unknown_fields=True):
    """The software on the box."""

    version: Annotated[str, without_nul(max_length=64)] = ""
    platform: Short = ""


class ChallengeBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The node to be claimed, and the key of the box that will speak for it."""

    pubkey: Pubkey
    device_key: DeviceKey


class ChallengeAnswer(Struct, frozen=True):
    """What the node's identity key must sign (`signmessage`) to show that the box speaks for it."""

    nonce: str
    message: str
    expires_at: dt.datetime


class DeviceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A box redeeming its claim."""

    claim_code: Annotated[str, Meta(min_length=1, max_length=128)]
    pubkey: Pubkey
    nonce: Base64Of32Bytes
    signature: Annotated[
        str, Meta(min_length=1, max_length=128, description="zbase32, by `signmessage` of LND or Core Lightning")
    ]
    device_key: DeviceKey
    alias: Short = ""
    agent: AgentInfo = AgentInfo()


class DeviceAnswer(Struct, frozen=True):
    """A Dazbox as its owner and its provisioner see it."""

    device_id: UUID
    tenant_id: UUID
    owner_id: UUID | None
    pubkey: str
    alias: str
    plan: str
    state: str
    state_since: dt.datetime
    owner_pause_reason: str | None
    operator_suspension_reason: str | None
    purge_at: dt.datetime | None
    agent_version: str
    created_at: dt.datetime
    last_seen_at: dt.datetime | None


class RegistrationAnswer(DeviceAnswer, frozen=True):
    """A Dazbox that redeemed its claim, and where it is told how far its schema is."""

    status_url: str


class OperationAnswer(Struct, frozen=True):
    """A piece of work that outlives its request. One that failed is tried again as long as there is a Retry-After."""

    operation_id: UUID
    device_id: UUID
    kind: str
    status: Literal["pending", "running", "succeeded", "failed"]
    step: str
    attempts: int
    error: str | None
    created_at: dt.datetime
    finished_at: dt.datetime | None


class DeviceChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What an owner may change of a Dazbox; a field that is left out stays."""

    alias: Short | UnsetType = UNSET


class ReasonBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why: it is kept in the box's journal, and shown."""

    reason: Reason


class BreakGlassBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why an operator must read a box, and for how long: the owner sees both."""

    reason: Annotated[str, telling(min_length=10, max_length=200)]
    minutes: Annotated[int, Meta(ge=1, le=60)] = 15


class BreakGlassAnswer(Struct, frozen=True):
    """Leave to read a box, with the token it was taken with and no other."""

    id: UUID
    device_id: UUID
    opened_at: dt.datetime
    expires_at: dt.datetime


class DeletionAnswer(Struct, frozen=True):
    """A Dazbox that will be destroyed, and when."""

    device_id: UUID
    state: str
    purge_at: dt.datetime


class DevicePage(Struct, frozen=True):
    """A page of Dazboxes."""

    items: list[DeviceAnswer]
    next_cursor: str | None
