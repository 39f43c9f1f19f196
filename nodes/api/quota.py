"""What a box uses of its plan."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.body import answer
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView
from nodes.api.contract import QuotaAnswer, QuotaItem
from tenants.api.owner import find_built_box, may_read
from tenants.context import enter_tenant
from tenants.engine.plan import LIMIT_NAMES, PLANS
from tenants.events import count_usage
from tenants.selectors import refer_to


class QuotaView(ApiView):
    rate_class = "provisioning"
    permission_classes = (may_read,)

    @endpoint(
        "get_quota",
        summary="What a Dazbox uses of its plan",
        tag="provisioning",
        answers={200: QuotaAnswer},
        problems=(404, 409, 410),
    )
    def get(self, request: Request, device_id: UUID) -> HttpResponse:
        """Each limit of its plan with what is used of it. `used` is null where nothing counts it yet."""
        dazbox = find_built_box(request, device_id)
        with enter_tenant(refer_to(dazbox)):
            used = count_usage()
        limits = PLANS[dazbox.plan].limits
        items = [QuotaItem(name, limits[name], used.get(name), is_counted=name in used) for name in LIMIT_NAMES]
        return answer(QuotaAnswer(dazbox.id, dazbox.plan, items))
