"""Suspend, resume, delete and restore a box."""

from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.api.auth import Principal
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import Problem
from tenants.api.contract import DeletionAnswer, DeviceAnswer, ReasonBody
from tenants.api.describe import describe
from tenants.api.owner import find_box, may_act, owner_only
from tenants.provisioning.lifecycle import (
    delete_dazbox,
    lift_suspension,
    pause_dazbox,
    restore_dazbox,
    suspend_dazbox,
    unpause_dazbox,
)

PURGE_PARAMETERS = [
    OpenApiParameter("purge", {"type": "string", "enum": ["now"]}, description="destroy it after 24 hours, not 30 days")
]


class SuspendView(ApiView):
    rate_class = "provisioning"
    permission_classes = (may_act,)

    @endpoint(
        "suspend_device",
        summary="Take a Dazbox out of service",
        tag="provisioning",
        body=ReasonBody,
        answers={200: DeviceAnswer},
        problems=(404, 409, 410),
        idempotency="optional",
    )
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        body, dazbox, caller = read_body(request, ReasonBody), find_box(request, device_id), principal_of(request)
        act = suspend_dazbox if is_operator(caller) else pause_dazbox
        return answer(describe(act(dazbox.id, actor=caller.subject, reason=body.reason)))


class ResumeView(ApiView):
    rate_class = "provisioning"
    permission_classes = (may_act,)

    @endpoint(
        "resume_device",
        summary="Put a Dazbox back into service",
        tag="provisioning",
        body=ReasonBody,
        answers={200: DeviceAnswer},
        problems=(404, 409, 410),
        idempotency="optional",
    )
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        body, dazbox, caller = read_body(request, ReasonBody), find_box(request, device_id), principal_of(request)
        act = lift_suspension if is_operator(caller) else unpause_dazbox
        return answer(describe(act(dazbox.id, actor=caller.subject, reason=body.reason)))


class RestoreView(ApiView):
    rate_class = "provisioning"
    permission_classes = (owner_only,)

    @endpoint(
        "restore_device",
        summary="Keep a Dazbox that was to be deleted",
        tag="provisioning",
        body=ReasonBody,
        answers={200: DeviceAnswer},
        problems=(404, 409, 410),
        idempotency="optional",
    )
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        body, dazbox = read_body(request, ReasonBody), find_box(request, device_id)
        return answer(describe(restore_dazbox(dazbox.id, actor=principal_of(request).subject, reason=body.reason)))


def answer_deletion(request: Request, device_id: UUID) -> HttpResponse:
    """202: it is destroyed later, and can be restored until then."""
    if request.GET.get("purge") not in {None, "now"}:
        raise Problem(400, "bad-filter", "Bad filter", detail="purge can only be `now`")
    dazbox = delete_dazbox(
        find_box(request, device_id).id,
        actor=principal_of(request).subject,
        reason="asked for by its owner",
        at_once=request.GET.get("purge") == "now",
    )
    if dazbox.purge_at is None:
        raise Problem(409, "wrong-state", "Not possible in this state", detail="The Dazbox was restored meanwhile.")
    return answer(DeletionAnswer(dazbox.id, dazbox.state, dazbox.purge_at), status=202)


def is_operator(principal: Principal) -> bool:
    return "operator" in principal.scopes
