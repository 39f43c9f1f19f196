"""The base of every API view: open or scoped, without a tenant. Tenant views: `tenants.api.view`."""

from collections.abc import Mapping
from typing import Any, ClassVar
from uuid import UUID

from rest_framework.request import Request
from rest_framework.views import APIView

from mcp_saas.api.auth import Principal
from mcp_saas.api.errors import CHALLENGE
from mcp_saas.api.rate_limit import check_rate, name_caller, name_stranger
from mcp_saas.kit.errors import Problem


class ApiView(APIView):
    """A view parses (`read_body`), calls, answers (`answer`). Subclasses declare `permission_classes`."""

    rate_class: ClassVar[str | None] = "default"  # of mcp_saas.settings.rates; None: not counted
    rate_headers: Mapping[str, str] = {}
    concerns: UUID | None = None  # the Dazbox this answer tells of, where it is not the one whose door we are behind

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        self.concerns = kwargs.get("device_id")

    def get_authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def perform_authentication(self, request: Request) -> None:
        """Who brings a token that is none is counted by address, so that tokens cannot be guessed at full speed."""
        try:
            super().perform_authentication(request)
        except Problem:
            self.rate_headers = check_rate("auth", name_stranger(request))
            raise

    def check_throttles(self, request: Request) -> None:
        if self.rate_class is not None:
            self.rate_headers = check_rate(self.rate_class, name_caller(request))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        for name, value in self.rate_headers.items():
            response.headers.setdefault(name, value)
        return super().finalize_response(request, response, *args, **kwargs)


def principal_of(request: Request) -> Principal:
    """The caller. Raises Problem 401 when nobody signed in."""
    if not isinstance(request.user, Principal):
        raise Problem(401, "unauthenticated", "Sign in first")
    return request.user
