"""The owner says how: the fee policy."""

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of
from nodes.api.contract import FeePolicyAnswer
from nodes.engine.document import FeePolicy
from nodes.pipeline.control import store_policy
from nodes.selectors.node import latest_policy_version
from tenants.api.view import NodeView


class ControlView(NodeView):
    def get_permissions(self):  # type: ignore[no-untyped-def]
        return [require_scope("read", "device")() if self.request.method == "GET" else require_scope("act", "device")()]


class FeePolicyView(ControlView):
    @endpoint(
        "get_fee_policy",
        summary="The fee policy in force",
        tag="node",
        answers={200: FeePolicyAnswer},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Rules, limits and tags the next run prices by. Version 0 stands for the defaults of a node that has no
        document of its own. Its JSON Schema is at `fee-policy/schema`.
        """
        row = latest_policy_version()
        return answer(FeePolicyAnswer(row.version, row.document) if row else FeePolicyAnswer(0, FeePolicy()))

    @endpoint(
        "set_fee_policy",
        summary="Replace the fee policy by a new version",
        tag="node",
        body=FeePolicy,
        answers={200: FeePolicyAnswer},
        problems=(404,),
        needs_match=True,
    )
    def put(self, request: Request, pubkey: str) -> HttpResponse:
        """The document is replaced as a whole and counted up; the next run prices by it. A limit that contradicts
        another is refused with a pointer to it.
        """
        document = read_body(request, FeePolicy)
        version = store_policy(document, created_by=principal_of(request).subject)
        return answer(FeePolicyAnswer(version, document))
