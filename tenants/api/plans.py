"""The plans there are, and the plan of a box."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.api.auth import Open, require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from tenants.api.contract.plan import DevicePlan, PlanAnswer, PlanList
from tenants.api.owner import find_box, find_box_in_service, find_built_box, is_staff, may_read
from tenants.engine.plan import PLANS, PlanCode
from tenants.models.dazbox import Dazbox
from tenants.provisioning.plan import change_plan, refuse_unless_self_service


class PlansView(ApiView):
    rate_class = "provisioning"
    permission_classes = (Open,)
    authentication_classes = ()

    @endpoint(
        "list_plans",
        summary="The plans and their limits",
        tag="provisioning",
        answers={200: PlanList},
        is_open=True,
        is_tagged=True,
    )
    def get(self, request: Request) -> HttpResponse:
        """For everybody. `is_self_service` plans an owner may choose; the others are given by operators and shops."""
        plans = [PlanAnswer(plan.code, plan.title, plan.is_self_service, dict(plan.limits)) for plan in PLANS.values()]
        return answer(PlanList(plans))


class DevicePlanView(ApiView):
    rate_class = "provisioning"

    def get_permissions(self) -> list[BasePermission]:
        if self.request.method == "GET":
            return [may_read()]
        return [require_scope("operator", "provisioning", "act")()]

    @endpoint(
        "get_device_plan",
        summary="The plan of a Dazbox",
        tag="provisioning",
        answers={200: DevicePlan},
        problems=(404, 410),
        is_tagged=True,
    )
    def get(self, request: Request, device_id: UUID) -> HttpResponse:
        """Its code, one of `list_plans`. What the box uses of it is in `get_quota`."""
        return answer(DevicePlan(_plan_of(find_box(request, device_id))))

    @endpoint(
        "set_device_plan",
        summary="Change the plan of a Dazbox",
        tag="provisioning",
        body=DevicePlan,
        answers={200: DevicePlan},
        problems=(404, 409, 410),
        needs_match=True,
    )
    def put(self, request: Request, device_id: UUID) -> HttpResponse:
        """In force at once. An owner chooses among the self-service plans, operators and shops among all."""
        plan, find = read_body(request, DevicePlan).plan, find_built_box if is_staff(request) else find_box_in_service
        dazbox = find(request, device_id)
        if not is_staff(request):
            refuse_unless_self_service(plan)
        change_plan(dazbox, plan, actor=principal_of(request).subject)
        return answer(DevicePlan(plan))


def _plan_of(dazbox: Dazbox) -> PlanCode:
    return PLANS[dazbox.plan].code
