"""Signing in: clients and operators by secret, boxes by their key, everybody onward by refresh token."""

import datetime as dt
from collections.abc import Callable

from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import Open, require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import View, endpoint
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import Problem
from tenants.api.contract.token import (
    AccessAnswer,
    AssertionBody,
    Credentials,
    JwksAnswer,
    RefreshBody,
    TokenPairAnswer,
)
from tenants.api.view import TenantView
from tenants.context import current_tenant
from tenants.keys import load_key_ring
from tenants.selectors import check_client, find_standing
from tenants.tokens.access import LIFETIME, mint_access_token
from tenants.tokens.api_key import is_api_key
from tenants.tokens.assertion import verify_assertion
from tenants.tokens.operator import sign_in_operator
from tenants.tokens.refresh import TokenPair, issue_tokens, revoke_refresh, rotate_refresh

KEY_TOKEN_LIFETIME = dt.timedelta(minutes=1)
DEVICE_SCOPE = "device read act"
NO_STORE = {"Cache-Control": "no-store"}


class OpenView(ApiView):
    permission_classes = (Open,)
    authentication_classes = ()
    rate_class = "auth"


def signing_in(name: str, *, summary: str, body: type, answers: dict[int, type | None]) -> Callable[[View], View]:
    """The contract of whatever takes a secret and gives a token."""
    return endpoint(name, summary=summary, tag="auth", body=body, answers=answers, problems=(401,), is_open=True)


class TokenView(OpenView):
    rate_class = "sign_in"

    @signing_in(
        "sign_in",
        summary="Sign in with a secret",
        body=Credentials,
        answers={200: AccessAnswer},
    )
    def post(self, request: Request) -> HttpResponse:
        """A shop sends its client id and secret, an operator name, password and, if the account has one, a one-time
        code. The access token carries the scope `provisioning` or `operator` and no tenant.
        """
        credentials = read_body(request, Credentials)
        access = _sign_in_client(credentials) or _sign_in_operator(credentials)
        if access is None:
            raise Problem(401, "wrong-credentials", "Wrong credentials", detail="No such id with these secrets.")
        return answer(AccessAnswer(access, int(LIFETIME.total_seconds())), headers=NO_STORE)


class DeviceTokenView(OpenView):
    @signing_in(
        "sign_in_device",
        summary="Sign in with the key of a Dazbox",
        body=AssertionBody,
        answers={200: TokenPairAnswer},
    )
    def post(self, request: Request) -> HttpResponse:
        """A Dazbox sends a JWT signed by one of its live Ed25519 keys and gets an access token bound to its tenant,
        with a refresh token. An assertion is good once and for a minute.
        """
        key = verify_assertion(read_body(request, AssertionBody).assertion)
        return _answer_pair(
            issue_tokens(subject=str(key.dazbox_id), scope=DEVICE_SCOPE, dazbox=key.dazbox, device_key=key)
        )


class ApiKeyTokenView(TenantView):
    rate_class = "auth"
    permission_classes = (require_scope("read", "act"),)

    @endpoint(
        "exchange_api_key",
        summary="Exchange an API key for an access token of a minute",
        tag="auth",
        answers={200: AccessAnswer},
    )
    def post(self, request: Request) -> HttpResponse:
        """For those who verify our tokens elsewhere, by `/.well-known/jwks.json`, and are given an API key: with its
        tenant and scopes. A key that ends is refused there a minute later at most.
        """
        caller = principal_of(request)
        standing = find_standing(current_tenant().id)
        if not is_api_key(caller) or standing is None:
            raise Problem(403, "api-key-only", "This is for API keys", detail="Send an API key (dz_live_...).")
        access = mint_access_token(
            subject=caller.subject,
            scopes=sorted(caller.scopes),
            tenant_id=caller.tenant_id,
            token_version=standing.token_version,
            lifetime=KEY_TOKEN_LIFETIME,
        )
        return answer(AccessAnswer(access, int(KEY_TOKEN_LIFETIME.total_seconds())), headers=NO_STORE)


class RefreshView(OpenView):
    @signing_in(
        "refresh_token",
        summary="Exchange a refresh token for its successor",
        body=RefreshBody,
        answers={200: TokenPairAnswer},
    )
    def post(self, request: Request) -> HttpResponse:
        """A refresh token is good once. Repeated within 30 seconds, because the answer was lost, it gives the same
        successor; used again later it ends the whole family.
        """
        return _answer_pair(rotate_refresh(read_body(request, RefreshBody).refresh))


class RevokeView(OpenView):
    @endpoint(
        "revoke_token",
        summary="End a refresh token and all its family",
        tag="auth",
        body=RefreshBody,
        answers={204: None},
        is_open=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """Also 204 for a token that nobody knows: nothing is learnt from it. Access tokens already made from the
        family run out by themselves.
        """
        revoke_refresh(read_body(request, RefreshBody).refresh)
        return HttpResponse(status=204)


class JwksView(OpenView):
    @endpoint("list_keys", summary="Keys our tokens verify with", tag="auth", answers={200: JwksAnswer}, is_open=True)
    def get(self, request: Request) -> HttpResponse:
        """The public keys (RFC 7517) of every access token that is still good, so that other services can check our
        tokens by themselves. A token names its key in `kid`.
        """
        ring = load_key_ring(settings.ENV.jwt_keys_dir)
        body = JwksAnswer([key.jwk for key in ring.keys.values()])
        return answer(body, headers={"Cache-Control": "public, max-age=300"})


def _sign_in_client(credentials: Credentials) -> str | None:
    if credentials.client_id is None or credentials.client_secret is None:
        return None
    client = check_client(credentials.client_id, credentials.client_secret)
    if client is None:
        return None
    return mint_access_token(subject=f"client:{client.client_id}", scopes=["provisioning"], tenant_id=None)


def _sign_in_operator(credentials: Credentials) -> str | None:
    if credentials.username is None or credentials.password is None:
        return None
    user = sign_in_operator(credentials.username, credentials.password, otp=credentials.otp)
    return mint_access_token(subject=f"operator:{user.pk}", scopes=["operator"], tenant_id=None) if user else None


def _answer_pair(pair: TokenPair) -> HttpResponse:
    return answer(TokenPairAnswer(pair.access, pair.refresh, pair.expires_in), headers=NO_STORE)
