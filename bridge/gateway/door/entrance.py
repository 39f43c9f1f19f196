"""The door: whose token it is, before anything is done for it."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from bridge.gateway.door.caller import Caller, Operator
from bridge.gateway.door.keys import KeySet
from bridge.gateway.refusal import CODES, Refusal

Scope = Mapping[str, Any]  # ASGI's


class Door:
    """`anonymous`: the tenant of callers without a token; only on a loopback address."""

    def __init__(
        self,
        keys: KeySet | None,
        *,
        issuer: str,
        audience: str,
        resource: str,
        anonymous: UUID | None = None,
    ) -> None:
        self._keys, self._issuer, self._audience = keys, issuer, audience
        self._resource, self._anonymous = resource, anonymous

    def revoke(self, closed: Collection[UUID], token_versions: Mapping[UUID, int]) -> None:
        """As the catalogue has it now; looked at on each call."""

    async def admit(self, scope: Scope) -> Caller:
        """Raises Refusal 401 without a good token, 403 for one of no tenant."""
        visitor = await self.admit_visitor(scope)
        if isinstance(visitor, Caller):
            return visitor
        raise Refusal("forbidden", "A token of a tenant is needed here.", status=403, code=CODES["forbidden"])

    async def admit_visitor(self, scope: Scope) -> Caller | Operator:
        """A tenant's token or an operator's: for the status and the metrics."""
        if self._anonymous is None:
            raise Refusal("unauthorized", "A bearer token is needed.", status=401, code=CODES["unauthorized"])
        return Caller("anonymous", self._anonymous, frozenset({"read", "act"}), "", "", float("inf"))
