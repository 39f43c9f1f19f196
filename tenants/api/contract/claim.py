"""Shapes of claims, and of a box that changes hands by one."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from mcp_saas.kit.text import Pubkey
from tenants.api.contract.text import Short
from tenants.engine.plan import DEFAULT_PLAN, PlanCode
from tenants.provisioning.claim import ClaimStatus


class ClaimsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """How many claim codes to make, and what they are good for. `expires_in` is seconds, at most 90 days."""

    count: Annotated[int, Meta(ge=1, le=500)] = 1
    plan: PlanCode = DEFAULT_PLAN
    expires_in: Annotated[int, Meta(ge=60, le=90 * 86_400)] = 30 * 86_400
    label: Short = ""
    allowed_pubkey: Pubkey | None = None


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
    """How a Dazbox changes hands. Whoever redeems the code is a new owner."""

    wipe_history: bool = False
    expires_in: Annotated[int, Meta(ge=60, le=90 * 86_400)] = 30 * 86_400


class TransferAnswer(Struct, frozen=True):
    """A Dazbox that changes hands, and the claim code for its next owner. It is shown this once."""

    device_id: UUID
    claim: ClaimAnswer
