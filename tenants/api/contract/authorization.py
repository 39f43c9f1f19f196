"""Shapes of the device-authorization flow."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from mcp_saas.kit.text import Pubkey
from tenants.api.contract.device import AgentInfo, DeviceKey
from tenants.api.contract.text import Base64Of32Bytes, Short, Token


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
