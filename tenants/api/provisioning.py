"""The shop makes claims; a box redeems one; both see what came of it."""

import datetime as dt
from functools import partial
from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.urls import reverse
from msgspec import UNSET, to_builtins
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.api.auth import Open, require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import PAGE_PARAMETERS, endpoint
from mcp_saas.api.paging import answer_page
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import Problem
from tenants.api.claims import describe_claim
from tenants.api.contract.claim import ClaimAnswer, ClaimPage, ClaimsAnswer, ClaimsBody
from tenants.api.contract.device import (
    ChallengeAnswer,
    ChallengeBody,
    DeletionAnswer,
    DeviceAnswer,
    DeviceBody,
    DeviceChange,
    DevicePage,
    RegistrationAnswer,
)
from tenants.api.describe import describe, describe_registration
from tenants.api.device_keys import check_device_key
from tenants.api.lifecycle import PURGE_PARAMETERS, answer_deletion
from tenants.api.operations import find_provisioning, tell_when
from tenants.api.owner import find_box, find_box_in_service, is_staff, may_read, owner_of, owner_only, signed_in_box
from tenants.api.proof import ProofView
from tenants.keys import thumbprint
from tenants.models.dazbox import UNBUILT_STATES
from tenants.provisioning.claim import ClaimTerms, create_claims, record_replay
from tenants.provisioning.device import DeviceRequest, Registration, register_device
from tenants.provisioning.lifecycle import rename_dazbox
from tenants.provisioning.proof import claim_message, create_challenge
from tenants.selectors import list_claims, list_dazboxes

_provisioner = require_scope("provisioning", "operator")


class ClaimsView(ApiView):
    rate_class = "provisioning"
    permission_classes = (_provisioner,)

    @endpoint(
        "create_claims",
        summary="Make one-time claim codes",
        tag="provisioning",
        body=ClaimsBody,
        answers={201: ClaimsAnswer},
        problems=(422,),
        idempotency="required",
    )
    def post(self, request: Request) -> HttpResponse:
        """The codes are in this answer and nowhere else: we keep a hash. A claim can be bound to one node. Whoever
        redeems it is a new owner: a box of an owner who has some joins by their approval alone.
        """
        wanted = read_body(request, ClaimsBody)
        terms = ClaimTerms(
            label=wanted.label,
            expires_in=dt.timedelta(seconds=wanted.expires_in),
            plan=wanted.plan,
            allowed_pubkey=wanted.allowed_pubkey or "",
        )
        made = create_claims(wanted.count, terms, created_by=principal_of(request).subject)
        items = [ClaimAnswer(new.claim.id, new.code, new.claim.prefix, new.claim.expires_at) for new in made]
        return answer(ClaimsAnswer(items), status=201, headers={"Cache-Control": "no-store"})

    @endpoint(
        "list_claims",
        summary="Claims and what became of them",
        tag="provisioning",
        answers={200: ClaimPage},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request) -> HttpResponse:
        """With what became of each: unused, used (by which box), expired or revoked. The codes are not kept."""
        return answer_page(request, list_claims, shape=ClaimPage, describe=describe_claim)


class ChallengesView(ApiView):
    rate_class = "provisioning"
    permission_classes = (Open,)
    authentication_classes = ()

    @endpoint(
        "create_challenge",
        summary="A message for the node to sign",
        tag="provisioning",
        body=ChallengeBody,
        answers={201: ChallengeAnswer},
        is_open=True,
        idempotency="optional",
    )
    def post(self, request: Request) -> HttpResponse:
        """Step one of claiming: a nonce good once and for 300 seconds, in a message that names this cloud and the
        box's key. Sign it with `signmessage` of LND or Core Lightning.
        """
        body = read_body(request, ChallengeBody)
        check_device_key(body.device_key.x)
        challenge = create_challenge(body.pubkey)
        message = claim_message(challenge.nonce, thumbprint(to_builtins(body.device_key)))
        return answer(
            ChallengeAnswer(challenge.nonce, message, challenge.expires_at),
            status=201,
            headers={"Cache-Control": "no-store"},
        )


class DevicesView(ProofView):
    _claim_code = ""

    def handle_exception(self, exc: Exception) -> Any:
        if isinstance(exc, Problem) and exc.code == "claim-used":
            record_replay(self._claim_code)
        return super().handle_exception(exc)

    def get_authenticators(self) -> list[Any]:
        """A box that redeems a claim may still send the token it had before: nobody looks at it."""
        return [] if self.request and self.request.method == "POST" else super().get_authenticators()

    def get_permissions(self) -> list[Open]:
        return [Open()] if self.request.method == "POST" else [may_read()]  # type: ignore[list-item]

    @endpoint(
        "register_device",
        summary="Redeem a claim: the box becomes a tenant",
        tag="provisioning",
        body=DeviceBody,
        answers={200: RegistrationAnswer, 201: RegistrationAnswer, 202: RegistrationAnswer},
        is_open=True,
        idempotency="optional",
    )
    def post(self, request: Request) -> HttpResponse:
        """Step two of claiming: the code, the node's signature over the challenge's message, and the box's key. 202
        while its schema is being built: `Location` leads to the operation to watch. The same request again finds
        the same box.
        """
        body = read_body(request, DeviceBody)
        check_device_key(body.device_key.x)
        self.refuse_guessing(request, body.pubkey)
        self._claim_code = body.claim_code
        registration = register_device(
            DeviceRequest(
                claim_code=body.claim_code,
                pubkey=body.pubkey,
                alias=body.alias,
                device_key=body.device_key.x,
                agent_version=body.agent.version,
                nonce=body.nonce,
                signature=body.signature,
            )
        )
        self.concerns = registration.dazbox.id
        return answer_registration(registration)

    @endpoint(
        "list_devices",
        summary="All Dazboxes; for an owner, their own",
        tag="provisioning",
        answers={200: DevicePage},
        problems=(410,),
        parameters=PAGE_PARAMETERS,
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """Operators and shops see every box; the token of a box sees the boxes of its owner."""
        find = partial(list_dazboxes, owner_id=None if is_staff(request) else owner_of(request))
        return answer_page(request, find, shape=DevicePage, describe=describe)


def answer_registration(registration: Registration) -> HttpResponse:
    """201 or, for a repeat, 200; 202 while the box is not in service."""
    dazbox, operation = registration.dazbox, find_provisioning(registration.dazbox)
    body = describe_registration(dazbox, status_url=reverse("operation", args=[operation.id]))
    if dazbox.state in UNBUILT_STATES:
        return answer(body, status=202, headers=tell_when(operation))
    return answer(body, status=201 if registration.is_new else 200)


class DeviceView(ApiView):
    rate_class = "provisioning"

    def get_permissions(self) -> list[BasePermission]:
        """To shorten the grace is for a device's token: what an API key deletes, its owner has 30 days to restore."""
        if self.request.method == "GET":
            return [may_read()]
        is_final = self.request.method == "DELETE" and self.request.GET.get("purge") == "now"
        return [signed_in_box(), owner_only()] if is_final else [owner_only()]

    @endpoint(
        "get_device",
        summary="One Dazbox",
        tag="provisioning",
        answers={200: DeviceAnswer},
        problems=(404, 410),
        is_tagged=True,
    )
    def get(self, request: Request, device_id: UUID) -> HttpResponse:
        """Its state, and if it is out of service who took it out and why."""
        return answer(describe(find_box(request, device_id)))

    @endpoint(
        "change_device",
        summary="Change a Dazbox",
        tag="provisioning",
        body=DeviceChange,
        answers={200: DeviceAnswer},
        problems=(404, 410),
        needs_match=True,
    )
    def patch(self, request: Request, device_id: UUID) -> HttpResponse:
        """Fields that are left out stay as they are. Only a box in service can be changed."""
        change, dazbox = read_body(request, DeviceChange), find_box_in_service(request, device_id)
        if change.alias is not UNSET:
            dazbox = rename_dazbox(dazbox, change.alias, actor=principal_of(request).subject)
        return answer(describe(dazbox))

    @endpoint(
        "delete_device",
        summary="Delete a Dazbox after a grace",
        tag="provisioning",
        answers={202: DeletionAnswer},
        problems=(404, 409, 410),
        parameters=PURGE_PARAMETERS,
    )
    def delete(self, request: Request, device_id: UUID) -> HttpResponse:
        """Out of service at once; destroyed with all its data after 30 days, with `purge=now`, which takes a
        device's token, after 24 hours. Until then its owner can restore it.
        """
        return answer_deletion(request, device_id)
