"""The audit of a box: calls of MCP tools in its name."""

from functools import partial

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from bridge.api.answer_contract import CallPage
from bridge.api.describe import describe_call
from bridge.api.view import TAG
from bridge.engine.naming import LONGEST, is_valid
from bridge.selectors.call import list_calls, name_place
from mcp_saas.api.auth import require_scope
from mcp_saas.api.openapi import PAGE_PARAMETERS, endpoint
from mcp_saas.api.paging import answer_page
from mcp_saas.kit.errors import Problem
from tenants.api.view import NodeView

OUTCOMES = ("ok", "tool_error", "refused", "timeout", "lost", "cancelled")
FILTERS = [
    OpenApiParameter("server", {"type": "string", "maxLength": LONGEST}, description="only calls of this server"),
    OpenApiParameter("outcome", {"type": "string", "enum": list(OUTCOMES)}, description="only calls that ended so"),
]


class CallsView(NodeView):
    permission_classes = (require_scope("device", "read"),)

    @endpoint(
        "list_mcp_calls",
        summary="Calls of MCP tools in the name of this box",
        tag=TAG,
        answers={200: CallPage},
        problems=(404,),
        parameters=[*PAGE_PARAMETERS, *FILTERS],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Every call, refused ones included, a few seconds after it ended. Arguments by their SHA-256, and themselves
        where the operator of the server logs them.
        """
        server, outcome = request.GET.get("server", ""), request.GET.get("outcome", "")
        if (server and not is_valid(server)) or outcome not in {"", *OUTCOMES}:
            raise Problem(400, "bad-filter", "Bad filter", detail=f"outcome is one of {', '.join(OUTCOMES)}")
        return answer_page(
            request,
            partial(list_calls, server=server, outcome=outcome),
            shape=lambda items, cursor: CallPage(items, cursor, settings.ENV.mcp_audit_days),
            describe=describe_call,
            key=name_place,
        )
