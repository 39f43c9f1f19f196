"""A fee policy over the node's own past."""

from typing import Annotated

from django.http import HttpResponse
from msgspec import Meta, Struct
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from nodes.engine.backtest import Backtest
from nodes.engine.document import FeePolicy
from nodes.pipeline.backtest import MAX_DAYS, backtest_policy
from tenants.api.view import NodeView


class BacktestBody(Struct, frozen=True, forbid_unknown_fields=True):
    """`document` null: the fee policy in force. `days`: how many midnights before the newest report."""

    document: FeePolicy | None = None
    days: Annotated[int, Meta(ge=1, le=MAX_DAYS)] = 60


class BacktestAnswer(Struct, frozen=True):
    """`backtest` is null before the first report of the box."""

    backtest: Backtest | None


class FeePolicyBacktestView(NodeView):
    permission_classes = (require_scope("read", "device"),)

    @endpoint(
        "backtest_fee_policy",
        summary="A fee policy over the node's own past",
        tag="node",
        body=BacktestBody,
        answers={200: BacktestAnswer},
        problems=(404,),
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """Decides at each midnight with earlier events only, and stores nothing. Tells how often it would have moved
        fees, how that agrees with what the operator did, and how well the score told which channels would earn. It
        works out no gain: what other fees would have brought is not in the history.
        """
        body = read_body(request, BacktestBody)
        return answer(BacktestAnswer(backtest_policy(body.document, days=body.days)))
