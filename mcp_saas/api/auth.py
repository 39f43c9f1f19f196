"""Who calls, and what a view asks of them. The tokens themselves are checked in `tenants`."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal
from uuid import UUID

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.kit.errors import Problem

if TYPE_CHECKING:  # DRF's views import the authentication classes, which import this
    from rest_framework.views import APIView

Scope = Literal["provisioning", "operator", "device", "read", "act", "metrics"]


@dataclass(frozen=True, slots=True)
class Principal:
    """The verified bearer of a token: `subject` as in `sub`, the scopes granted, the tenant it is bound to (if any).

    `session` is the `jti` of an access token: one sign-in or refresh; empty for an API key.
    """

    subject: str
    scopes: frozenset[str]
    tenant_id: UUID | None = None
    session: str = ""
    is_authenticated: bool = field(default=True, init=False)  # DRF and Django ask a user for it


class DenyUnlessDeclared(BasePermission):
    """The default: a view that declares no permission lets nobody in."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return False


class Open(BasePermission):
    """Anybody, signed in or not."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return True


class RequireScope(BasePermission):
    """One of the `scopes` must be in the token. Raises Problem 401 without a token, 403 without the scope."""

    scopes: ClassVar[frozenset[str]] = frozenset()

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not isinstance(request.user, Principal):
            return False  # DRF makes it 401
        if request.user.scopes & self.scopes:
            return True
        wanted = " or ".join(sorted(self.scopes))
        raise Problem(
            403, "scope-missing", "Not allowed with this token", detail=f"This call needs the scope {wanted}."
        )


def require_scope(*scopes: Scope) -> type[RequireScope]:
    """A permission class for `permission_classes`."""
    return type("RequireScope", (RequireScope,), {"scopes": frozenset(scopes)})
