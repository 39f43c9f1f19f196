"""Shapes of signing in and of API keys."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from mcp_saas.kit.text import spelled, without_nul
from tenants.api.contract.text import Short, Token


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
