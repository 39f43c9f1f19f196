"""The owner's credentials of other systems: set, replaced and deleted, and never shown."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of
from mcp_saas.kit.errors import not_found
from nodes.api.contract import CredentialList, CredentialView
from nodes.engine.credential import NODE_SERVICES, CredentialOffer, Service
from nodes.models.credential import NAMES
from nodes.pipeline.credential import delete_credential, set_credential
from nodes.pipeline.schedule import request_cycle
from nodes.selectors.credential import find_credential, list_credentials
from nodes.selectors.node import read_own_node
from tenants.api.owner_only import refuse_box
from tenants.api.view import NodeView
from tenants.context import current_tenant

_SERVICE = OpenApiParameter(
    "service",
    {"type": "string", "enum": NAMES},
    OpenApiParameter.PATH,
    description="what the credential opens",
)


class OwnersView(NodeView):
    """The owner's apps alone write: a box's own token does not, and no operator sees through the glass."""

    opens_to_leave = False

    def get_permissions(self) -> list[BasePermission]:
        return [require_scope("read")() if self.request.method == "GET" else require_scope("act")()]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        refuse_box(request)


class CredentialsView(OwnersView):
    @endpoint(
        "list_credentials",
        summary="Which credentials of other systems are set",
        tag="credentials",
        answers={200: CredentialList},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Every service there is; `set_at` is null where nothing is set. Secrets and addresses are never shown."""
        found, line = list_credentials(), read_own_node().connection
        views = [CredentialView.describe(service, found.get(service), connection=line) for service in Service]
        return answer(CredentialList(views))


class CredentialDetailView(OwnersView):
    @endpoint(
        "get_credential",
        summary="Whether the credential of a service is set",
        tag="credentials",
        answers={200: CredentialView},
        problems=(404,),
        parameters=[_SERVICE],
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str, service: str) -> HttpResponse:
        """`hint` is the end of a secret long enough to show four characters of it. `last_used_at` is true to the
        hour. The ETag is what `set_credential` wants in If-Match, also where nothing is set yet.
        """
        known = _find_service(service)
        return answer(CredentialView.describe(known, find_credential(known), connection=read_own_node().connection))

    @endpoint(
        "set_credential",
        summary="Set or replace the credential of a service",
        tag="credentials",
        body=CredentialOffer,
        answers={200: CredentialView},
        problems=(404, 422),
        parameters=[_SERVICE],
        needs_match=True,
    )
    def put(self, request: Request, pubkey: str, service: str) -> HttpResponse:
        """`lnd` (macaroon, hex or base64), `cln` (rune) and `lnbits` need a `url`: https, port 443 or 8443, a public
        host. With `lnd` or `cln` the cloud reads the node itself before each cycle, and soon after this call; of a
        node, `tls_certificate` is then the only one taken. `sparkseer`, `amboss` and `openai` take the secret alone,
        `telegram` its bot's token and the `chat_id` it writes to. It is sealed and given out to nobody.
        """
        known = _find_service(service)
        offer = read_body(request, CredentialOffer)
        credential = set_credential(known, offer, actor=principal_of(request).subject)
        if known in NODE_SERVICES:
            request_cycle(current_tenant().id, timezone.now())
        return answer(CredentialView.describe(known, credential))

    @endpoint(
        "delete_credential",
        summary="Delete the credential of a service",
        tag="credentials",
        answers={204: None},
        problems=(404,),
        parameters=[_SERVICE],
    )
    def delete(self, request: Request, pubkey: str, service: str) -> HttpResponse:
        """Nothing is asked of the service from now on. Repeating it is harmless; revoke the secret there as well."""
        delete_credential(_find_service(service), actor=principal_of(request).subject)
        return HttpResponse(status=204)


def _find_service(name: str) -> Service:
    if name not in NAMES:
        raise not_found(f"There is no such service; there are {', '.join(NAMES)}.")
    return Service(name)
