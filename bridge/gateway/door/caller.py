"""Who calls, as its verified token says."""

from uuid import UUID

from msgspec import Struct


class Caller(Struct, frozen=True):
    """A bearer of a tenant's token. `token` is for the built-in server alone; no other ever sees it."""

    subject: str
    tenant_id: UUID
    scopes: frozenset[str]
    session: str  # jti: one sign-in or refresh
    token: str
    expires_at: float  # seconds since 1970

    @property
    def is_guest(self) -> bool:
        """One without a token, as they are let in on a loopback address alone: it is the operator's own machine."""
        return not self.token


class Operator(Struct, frozen=True):
    """An operator's token: it is of no tenant, sees the status and the metrics, and calls no tool."""

    subject: str
    expires_at: float


Visitor = Caller | Operator
