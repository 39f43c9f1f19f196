"""From the Authorization header to a Principal, through simplejwt."""

from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import Token

from mcp_saas.api.auth import Principal
from mcp_saas.kit.errors import Problem
from tenants.tokens.access import AccessToken, read_principal


class BearerAuthentication(JWTAuthentication):
    """Our access tokens and nothing else. The tenant is what the verified token says: no host, header or path."""

    def authenticate(self, request: Request) -> tuple[Principal, Token] | None:  # type: ignore[override]
        header = self.get_header(request)
        try:
            raw = self.get_raw_token(header) if header else None
            if raw is None:
                return None
            token = AccessToken(raw)  # type: ignore[arg-type]
            return read_principal(token), token
        except (AuthenticationFailed, TokenError, ValueError):
            problem = Problem(401, "invalid-token", "Sign in again", detail="The access token is not valid (any more).")
            problem.headers["WWW-Authenticate"] = 'Bearer realm="dazbox-cloud", error="invalid_token"'
            raise problem from None
