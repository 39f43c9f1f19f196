"""The base of every API view: open or scoped, without a tenant. Tenant views: `tenants.api.view`."""

from rest_framework.request import Request
from rest_framework.views import APIView

from mcp_saas.api.auth import Principal
from mcp_saas.api.errors import CHALLENGE
from mcp_saas.kit.errors import Problem


class ApiView(APIView):
    """A view parses (`read_body`), calls, answers (`answer`). Subclasses declare `permission_classes`."""

    def get_authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def principal_of(request: Request) -> Principal:
    """The caller. Raises Problem 401 when nobody signed in."""
    if not isinstance(request.user, Principal):
        raise Problem(401, "unauthenticated", "Sign in first")
    return request.user
