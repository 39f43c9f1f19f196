"""The device-authorization flow (RFC 8628): a box without a claim code is linked by an owner who reads its code."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from rest_framework.request import Request

from mcp_saas.api.auth import Open
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.rate_limit import find_address
from mcp_saas.api.view import ApiView
from mcp_saas.kit.errors import Problem
from tenants.api.auth import DEVICE_SCOPE, NO_STORE
from tenants.api.contract.authorization import (
    AuthorizationAnswer,
    AuthorizationBody,
    AuthorizationView,
    DevicePollBody,
    DeviceTokenAnswer,
)
from tenants.api.device_keys import check_device_key
from tenants.api.operations import find_provisioning
from tenants.api.owner import owner_of, owner_only, signed_in_box
from tenants.api.proof import ProofView
from tenants.models.device_authorization import DeviceAuthorization
from tenants.provisioning.authorization import (
    INTERVAL_S,
    LIFETIME,
    begin_authorization,
    decide_authorization,
    find_authorization,
    poll_authorization,
)
from tenants.provisioning.device import NewBox, NodeProof
from tenants.provisioning.proof import note_wrong_code, refuse_code_guessing
from tenants.tokens.refresh import issue_tokens


class AuthorizationsView(ProofView):
    permission_classes = (Open,)
    authentication_classes = ()

    @endpoint(
        "begin_device_authorization",
        summary="A box without a claim code asks to be linked (RFC 8628)",
        tag="provisioning",
        body=AuthorizationBody,
        answers={200: AuthorizationAnswer},
        is_open=True,
        idempotency="optional",
    )
    def post(self, request: Request) -> HttpResponse:
        """After a challenge signed by its node, the box gets two codes: one to show to its owner, with the page to
        enter it on, and one to poll with, no more often than `interval` says, until `expires_in` is over.
        """
        body = read_body(request, AuthorizationBody)
        check_device_key(body.device_key.x)
        self.refuse_guessing(request, body.pubkey)
        box = NewBox(body.pubkey, body.alias, device_key=body.device_key.x, agent_version=body.agent.version)
        address = find_address(request.META, proxies=settings.ENV.proxy_count)
        new = begin_authorization(box, NodeProof(body.nonce, body.signature), address=address[:64])
        page = settings.ENV.link_url
        shown = AuthorizationAnswer(
            device_code=new.device_code,
            user_code=new.user_code,
            verification_uri=page,
            verification_uri_complete=f"{page}?{urlencode({'user_code': new.user_code})}",
            expires_in=int(LIFETIME.total_seconds()),
            interval=INTERVAL_S,
        )
        return answer(shown, headers=NO_STORE)


class DevicePollView(ApiView):
    rate_class = "auth"
    permission_classes = (Open,)
    authentication_classes = ()

    @endpoint(
        "poll_device_authorization",
        summary="Has an owner approved the box? If so, its tokens; else the RFC's `error`",
        tag="provisioning",
        body=DevicePollBody,
        answers={200: DeviceTokenAnswer},
        problems=(409,),
        is_open=True,
    )
    def post(self, request: Request) -> HttpResponse:
        """While the owner has not decided, and when they refused, the answer is a problem whose `error` is the word of
        RFC 8628, section 3.5. Once approved, the box is in service or being built: `status_url` tells.
        """
        linked = poll_authorization(read_body(request, DevicePollBody).device_code)
        dazbox = linked.dazbox
        pair = issue_tokens(subject=str(dazbox.id), scope=DEVICE_SCOPE, dazbox=dazbox, device_key=linked.key)
        body = DeviceTokenAnswer(
            access_token=pair.access,
            refresh_token=pair.refresh,
            expires_in=pair.expires_in,
            scope=DEVICE_SCOPE,
            device_id=dazbox.id,
            status_url=reverse("operation", args=[find_provisioning(dazbox).id]),
        )
        return answer(body, headers=NO_STORE)


class UserCodeView(ApiView):
    """What an owner does with a code: five wrong ones lock this for the rest of 15 minutes.

    By a device's token: a box that an API key approved would speak for the owner when the key has ended.
    """

    rate_class = "provisioning"
    permission_classes = (signed_in_box, owner_only)
    _owner_id: UUID | None = None

    def enter_code(self, request: Request) -> UUID:
        """The owner. Raises Problem 429 for one who is guessing."""
        self._owner_id = owner_id = owner_of(request)
        refuse_code_guessing(owner_id)
        return owner_id

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Problem) and exc.code == "user-code-unknown" and self._owner_id:
            note_wrong_code(self._owner_id)
        return super().handle_exception(exc)


class AuthorizationDetailView(UserCodeView):
    @endpoint(
        "get_device_authorization",
        summary="The box that shows this code",
        tag="provisioning",
        answers={200: AuthorizationView},
        problems=(404, 410),
    )
    def get(self, request: Request, user_code: str) -> HttpResponse:
        """What an owner looks at before approving: node, alias, agent and the network address it asked from. Five
        wrong codes lock the owner out for the rest of 15 minutes.
        """
        return answer(_describe(find_authorization(user_code, self.enter_code(request))))


class ApproveView(UserCodeView):
    @endpoint(
        "approve_device_authorization",
        summary="Link the box that shows this code",
        tag="provisioning",
        answers={200: AuthorizationView},
        problems=(404, 409, 410),
        idempotency="optional",
    )
    def post(self, request: Request, user_code: str) -> HttpResponse:
        """The box becomes one of the caller's, who is signed in with another: no API key links one. Only while the code
        is good and nobody has decided otherwise.
        """
        return answer(_describe(decide_authorization(user_code, self.enter_code(request), approves=True)))


class DenyView(UserCodeView):
    @endpoint(
        "deny_device_authorization",
        summary="Refuse the box that shows this code",
        tag="provisioning",
        answers={200: AuthorizationView},
        problems=(404, 409, 410),
        idempotency="optional",
    )
    def post(self, request: Request, user_code: str) -> HttpResponse:
        """The box learns it when it polls next, and its code is good for nothing more."""
        return answer(_describe(decide_authorization(user_code, self.enter_code(request), approves=False)))


def _describe(row: DeviceAuthorization) -> AuthorizationView:
    return AuthorizationView(
        pubkey=row.pubkey,
        alias=row.alias,
        agent_version=row.agent_version,
        address=row.address,
        state=row.state,
        created_at=row.created_at,
        expires_at=row.expires_at,
        device_id=row.dazbox_id,
    )
