"""Suspend, resume, delete and restore a box."""

from collections.abc import Callable
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import View, endpoint
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import Problem
from tenants.api.contract.device import DeletionAnswer, DeviceAnswer, ReasonBody
from tenants.api.describe import describe
from tenants.api.owner import find_box, may_act, owner_only
from tenants.models.dazbox import Dazbox
from tenants.provisioning.lifecycle import (
    delete_dazbox,
    lift_suspension,
    pause_dazbox,
    restore_dazbox,
    suspend_dazbox,
    unpause_dazbox,
)

PURGE_PARAMETERS = [
    OpenApiParameter(
        "purge",
        {"type": "string", "enum": ["now"]},
        description="destroy it after 24 hours, not 30 days; with a device's token alone",
    )
]


def changing(name: str, *, summary: str) -> Callable[[View], View]:
    """The contract of a change of state: a reason goes in, the box comes back."""
    return endpoint(
        name,
        summary=summary,
        tag="provisioning",
        body=ReasonBody,
        answers={200: DeviceAnswer},
        problems=(404, 409, 410),
        idempotency="optional",
    )


class StateView(ApiView):
    rate_class = "provisioning"
    permission_classes = (may_act,)


class SuspendView(StateView):
    @changing("suspend_device", summary="Take a Dazbox out of service")
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """By an operator: only an operator lifts it again. By its owner: a pause. The reason is kept in its journal and
        shown to whoever asks for the box.
        """
        return answer_change(request, device_id, act=suspend_dazbox if is_operator(request) else pause_dazbox)


class ResumeView(StateView):
    @changing("resume_device", summary="Put a Dazbox back into service")
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """An operator lifts the suspension by operators, an owner the pause by its owner; the box is back when neither
        is left.
        """
        return answer_change(request, device_id, act=lift_suspension if is_operator(request) else unpause_dazbox)


class RestoreView(StateView):
    permission_classes = (owner_only,)

    @changing("restore_device", summary="Keep a Dazbox that was to be deleted")
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """Possible until it is destroyed. It comes back as it was, suspensions included; a box that is not to be
        deleted stays as it is.
        """
        return answer_change(request, device_id, act=restore_dazbox)


def answer_change(request: Request, device_id: UUID, *, act: Callable[..., Dazbox]) -> HttpResponse:
    body, dazbox = read_body(request, ReasonBody), find_box(request, device_id)
    return answer(describe(act(dazbox.id, actor=principal_of(request).subject, reason=body.reason)))


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


def is_operator(request: Request) -> bool:
    return "operator" in principal_of(request).scopes
