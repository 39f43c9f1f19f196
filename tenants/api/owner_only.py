"""What the owner's apps write and a box's own token does not."""

from rest_framework.request import Request

from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import Problem


def refuse_box(request: Request) -> None:
    """Raises Problem 403 for a box that writes. A stolen device key must not outlive its revocation in what it set."""
    if request.method != "GET" and "device" in principal_of(request).scopes:
        raise Problem(
            403,
            "owner-only",
            "This is for the owner's apps",
            detail="A box's own token does not write this: use an API key of its owner with the scope act.",
        )
