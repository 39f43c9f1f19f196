"""The owner's API keys of one box, managed with the box's own token: a key makes no keys."""

import datetime as dt
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import PAGE_PARAMETERS, endpoint
from mcp_saas.api.paging import answer_page
from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import not_found
from tenants.api.contract.token import ApiKeyAnswer, ApiKeyBody, ApiKeyPage, NewApiKeyAnswer
from tenants.api.view import NodeView
from tenants.context import current_tenant
from tenants.models.api_key import ApiKey
from tenants.tokens.api_key import create_api_key, list_api_keys, revoke_api_key

NO_STORE = {"Cache-Control": "no-store"}


class BoxOnlyView(NodeView):
    """Device tokens alone, with `act` for what changes anything. API keys never have the scope `device`."""

    def get_permissions(self) -> list[BasePermission]:
        needed = require_scope("read") if self.request.method == "GET" else require_scope("act")
        return [require_scope("device")(), needed()]


class ApiKeysView(BoxOnlyView):
    @endpoint(
        "create_api_key",
        summary="Make an API key: it is shown this once",
        tag="api-keys",
        body=ApiKeyBody,
        answers={201: NewApiKeyAnswer},
        problems=(404, 409),
        idempotency="required",
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """For apps of the owner, with `read` or `act` or both. Only the box's own token makes keys; a key makes none.
        We keep a hash of it.
        """
        body = read_body(request, ApiKeyBody)
        new = create_api_key(
            current_tenant().id,
            name=body.name,
            scopes=sorted(set(body.scopes)),
            lifetime=dt.timedelta(seconds=body.expires_in_s),
            created_by=principal_of(request).subject,
        )
        return answer(NewApiKeyAnswer(new.key, _describe(new.row)), status=201, headers=NO_STORE)

    @endpoint(
        "list_api_keys",
        summary="All API keys of the box, without the keys themselves",
        tag="api-keys",
        answers={200: ApiKeyPage},
        problems=(404,),
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """The prefix tells keys apart. Keys that ended stay listed with the moment they did."""
        find = partial(list_api_keys, current_tenant().id)
        return answer_page(request, find, shape=ApiKeyPage, describe=_describe)


class ApiKeyView(BoxOnlyView):
    @endpoint(
        "revoke_api_key",
        summary="End an API key, everywhere within five seconds",
        tag="api-keys",
        answers={204: None},
        problems=(404,),
    )
    def delete(self, request: Request, pubkey: str, key_id: UUID) -> HttpResponse:
        """Repeating it is harmless. Another box's key answers 404."""
        if not revoke_api_key(current_tenant().id, key_id):
            raise not_found("The Dazbox has no such API key.")
        return HttpResponse(status=204)


def _describe(row: ApiKey) -> ApiKeyAnswer:
    scopes: Any = row.scope.split()  # only `create_api_key` writes it
    is_live = row.revoked_at is None and row.expires_at > timezone.now()
    return ApiKeyAnswer(
        id=row.id,
        name=row.name,
        prefix=row.prefix,
        scopes=scopes,
        is_live=is_live,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
