"""From the Authorization header to a Principal, through simplejwt."""

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError

from mcp_saas.api.auth import Principal
from mcp_saas.kit.errors import Problem
from tenants.selectors import find_standing
from tenants.tokens.access import AccessGrant, verify_access_token
from tenants.tokens.api_key import START, verify_api_key

API_KEY_START = START.encode()


class BearerAuthentication(JWTAuthentication):
    """Our access tokens and API keys, and nothing else. The tenant is what they say: no host, header or path."""

    def authenticate(self, request: Request) -> tuple[Principal, None] | None:  # type: ignore[override]
        header = self.get_header(request)
        try:
            raw = self.get_raw_token(header) if header else None
        except AuthenticationFailed:
            raise _refuse_unknown() from None
        return None if raw is None else (recognise(raw), None)


def recognise(raw: bytes) -> Principal:
    """The bearer of an access token or API key. Raises Problem 401."""
    try:
        if raw.startswith(API_KEY_START):
            return _accept_api_key(raw)
        grant = verify_access_token(raw)
    except (TokenError, ValueError):
        raise _refuse_unknown() from None
    if is_revoked(grant):
        raise refuse_token("The access token was revoked.")
    return grant.principal


def _accept_api_key(raw: bytes) -> Principal:
    principal = verify_api_key(raw.decode("ascii"))  # a UnicodeDecodeError is a ValueError
    if principal is None:
        raise ValueError("no live API key")
    return principal


def is_revoked(grant: AccessGrant) -> bool:
    """Whether the box's tokens were revoked after this one was made. Of a box out of service `tenant_of` tells."""
    tenant_id = grant.principal.tenant_id
    standing = find_standing(tenant_id) if tenant_id else None
    return standing is not None and standing.token_version != grant.token_version


def _refuse_unknown() -> Problem:
    return refuse_token("The access token or API key is not valid (any more).")


def refuse_token(detail: str) -> Problem:
    problem = Problem(401, "invalid-token", "Sign in again", detail=detail)
    problem.headers["WWW-Authenticate"] = 'Bearer realm="dazbox-cloud", error="invalid_token"'
    return problem
