"""Shapes of sign-in and provisioning."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from mcp_saas.kit.text import Pubkey, spelled, without_nul
from tenants.engine.plan import DEFAULT_PLAN, LimitName, PlanCode
from tenants.provisioning.claim import ClaimStatus

Short = Annotated[str, without_nul(max_length=128)]
Reason = Annotated[str, without_nul(min_length=1, max_length=200)]
Base64Of32Bytes = Annotated[str, spelled(r"[A-Za-z0-9_-]{43}", "32 bytes in base64url without padding: 43 characters")]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]


class Credentials(Struct, frozen=True, forbid_unknown_fields=True):
    """A provisioning client's (client_id, client_secret) or an operator's (username, password, otp)."""

    client_id: Short | None = None
    client_secret: Short | None = None
    username: Short | None = None
    password: Short | None = None
    otp: Annotated[str, spelled(r"[0-9]{6}", "a one-time code (RFC 6238): 6 digits")] | None = None

    def __post_init__(self) -> None:
        client = self.client_id is not None and self.client_secret is not None
        operator = self.username is not None and self.password is not None
        if client == operator or (client and self.otp is not None):
            raise ValueError("give client_id and client_secret, or username, password and the account's one-time code")


class AccessAnswer(Struct, frozen=True):
    """An access token."""

    access: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's name of the scheme


class TokenPairAnswer(Struct, frozen=True):
    """An access token and the refresh token to get the next with."""

    access: str
    refresh: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105


class AssertionBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A JWT signed by the box's Ed25519 key."""

    assertion: Token


class RefreshBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A refresh token."""

    refresh: Token


class ApiKeyBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What the API key is for, and for how long."""

    name: Annotated[str, without_nul(min_length=1, max_length=64)]
    scopes: Annotated[list[Literal["read", "act"]], Meta(min_length=1, max_length=2)]
    expires_in_s: Annotated[int, Meta(ge=60, le=366 * 86_400)] = 90 * 86_400


class ApiKeyAnswer(Struct, frozen=True):
    """An API key as it is listed: `prefix` tells it apart, the key itself is not kept."""

    id: UUID
    name: str
    prefix: str
    scopes: list[Literal["read", "act"]]
    is_live: bool
    created_by: str
    created_at: dt.datetime
    expires_at: dt.datetime
    last_used_at: dt.datetime | None
    revoked_at: dt.datetime | None


class NewApiKeyAnswer(Struct, frozen=True):
    """A new API key. It is shown this once."""

    key: str
    api_key: ApiKeyAnswer


class ApiKeyPage(Struct, frozen=True):
    """A page of API keys."""

    items: list[ApiKeyAnswer]
    next_cursor: str | None


class JwksAnswer(Struct, frozen=True):
    """The public keys our tokens verify with (RFC 7517)."""

    keys: list[dict[str, str]]


class ClaimsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """How many claim codes to make, and what they are good for. `expires_in` is seconds, at most 90 days."""

    count: Annotated[int, Meta(ge=1, le=500)] = 1
    plan: PlanCode = DEFAULT_PLAN
    expires_in: Annotated[int, Meta(ge=60, le=90 * 86_400)] = 30 * 86_400
    label: Short = ""
    allowed_pubkey: Pubkey | None = None
    owner_id: UUID | None = None


class ClaimAnswer(Struct, frozen=True):
    """A claim code. It is shown this once."""

    id: UUID
    code: str
    prefix: str
    expires_at: dt.datetime


class ClaimsAnswer(Struct, frozen=True):
    """The new claim codes."""

    items: list[ClaimAnswer]


class ClaimView(Struct, frozen=True):
    """A claim as its maker sees it later: without the code."""

    id: UUID
    prefix: str
    label: str
    plan: str
    status: ClaimStatus
    owner_id: UUID | None
    allowed_pubkey: str | None
    created_by: str
    created_at: dt.datetime
    expires_at: dt.datetime
    used_at: dt.datetime | None
    device_id: UUID | None


class ClaimPage(Struct, frozen=True):
    """A page of claims."""

    items: list[ClaimView]
    next_cursor: str | None


class TransferBody(Struct, frozen=True, forbid_unknown_fields=True):
    """How a Dazbox changes hands. Without `owner_id`, whoever redeems the code is a new owner."""

    owner_id: UUID | None = None
    wipe_history: bool = False
    expires_in: Annotated[int, Meta(ge=60, le=90 * 86_400)] = 30 * 86_400


class TransferAnswer(Struct, frozen=True):
    """A Dazbox that changes hands, and the claim code for its next owner. It is shown this once."""

    device_id: UUID
    claim: ClaimAnswer


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


class AuthorizationBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A box without a claim code; its node has signed a challenge for its key."""

    pubkey: Pubkey
    nonce: Base64Of32Bytes
    signature: Annotated[str, Meta(min_length=1, max_length=128)]
    device_key: DeviceKey
    alias: Short = ""
    agent: AgentInfo = AgentInfo()


class AuthorizationAnswer(Struct, frozen=True):
    """RFC 8628, section 3.2: a code for the box to poll with and one for its owner to type. Shown this once."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class DevicePollBody(Struct, frozen=True, forbid_unknown_fields=True):
    """RFC 8628, section 3.4, as JSON."""

    device_code: Token
    grant_type: Literal["urn:ietf:params:oauth:grant-type:device_code"] = "urn:ietf:params:oauth:grant-type:device_code"
    client_id: Short = ""


class DeviceTokenAnswer(Struct, frozen=True):
    """The tokens of a box that was approved (RFC 6749, section 5.1), and which box it is."""

    access_token: str
    refresh_token: str
    expires_in: int
    scope: str
    device_id: UUID
    status_url: str
    token_type: str = "Bearer"  # noqa: S105


class AuthorizationView(Struct, frozen=True):
    """A box that asks to be linked, for its owner to recognise."""

    pubkey: str
    alias: str
    agent_version: str
    address: str
    state: str
    created_at: dt.datetime
    expires_at: dt.datetime
    device_id: UUID | None


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


class DevicePlan(Struct, frozen=True, forbid_unknown_fields=True):
    """The plan of a Dazbox."""

    plan: PlanCode


class PlanAnswer(Struct, frozen=True):
    """How much of each thing a Dazbox with this plan may have."""

    code: PlanCode
    title: str
    is_self_service: bool
    limits: dict[LimitName, int]


class PlanList(Struct, frozen=True):
    """All plans, the smallest first."""

    items: list[PlanAnswer]


class ReasonBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Why: it is kept in the box's journal, and shown."""

    reason: Reason


class DeletionAnswer(Struct, frozen=True):
    """A Dazbox that will be destroyed, and when."""

    device_id: UUID
    state: str
    purge_at: dt.datetime


class DevicePage(Struct, frozen=True):
    """A page of Dazboxes."""

    items: list[DeviceAnswer]
    next_cursor: str | None
