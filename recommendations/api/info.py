"""All about the node in one answer."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import JSON
from mcp_saas.api.openapi import endpoint
from mcp_saas.kit.errors import Problem
from recommendations.engine.info import NodeInfoAnswer
from recommendations.pipeline.info import InfoText, read_info
from tenants.api.view import NodeView

USE_CACHE = OpenApiParameter(
    "use_cache",
    {"type": "boolean", "default": True},
    description="false: made anew, whatever is kept",
)
INCLUDE_HISTORICAL = OpenApiParameter(
    "include_historical",
    {"type": "boolean", "default": False},
    description="also the last thirty days, one by one",
)


class InfoView(NodeView):
    permission_classes = (require_scope("read", "device"),)

    @endpoint(
        "get_node_info",
        summary="All about the node",
        tag="intelligence",
        answers={200: NodeInfoAnswer},
        problems=(404,),
        parameters=[INCLUDE_HISTORICAL, USE_CACHE],
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """From the newest snapshot, the forwards of the week before it, and the public graph: alias, sums, channels,
        and its place among all nodes; and from Sparkseer, LNbits and Amboss, where the owner has set a key: they are
        waited for a second at most, and `degraded` names those that failed. Kept for five minutes (15 seconds, where
        one failed), or until a report, a run or an action comes in. What is not known is null. The ETag is of what is
        told, not of when.
        """
        info = read_info(
            include_historical=read_flag(request, "include_historical", default=False),
            use_cache=read_flag(request, "use_cache", default=True),
        )
        return answer_info(info)


def answer_info(info: InfoText) -> HttpResponse:
    return HttpResponse(info.body, content_type=JSON, headers={"ETag": info.tag})


def read_flag(request: Request, name: str, *, default: bool) -> bool:
    """Raises Problem 400."""
    given = request.GET.get(name, str(default).lower())
    if given not in {"true", "false"}:
        raise Problem(400, "bad-filter", "Bad filter", detail=f"{name} is true or false")
    return given == "true"
