"""CSV files for spreadsheets: decisions, actions, forwards."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter
from msgspec import Struct
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import CSV, CsvRenderer, JsonRenderer
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.api.openapi import View, endpoint
from mcp_saas.kit.errors import Problem
from nodes.api.filters import (
    CHANNEL,
    DECISION_FILTERS,
    SINCE,
    UNTIL,
    read_channel,
    read_decision_filter,
    read_instant,
)
from nodes.engine.report import Forward
from nodes.models.action import ActionState
from nodes.selectors.action import filter_actions
from nodes.selectors.csv_file import stream_csv
from nodes.selectors.lines import ActionLine, DecisionLine, batch_actions, batch_decisions, batch_forwards
from tenants.api.view import NodeView
from tenants.context import current_tenant

_ANY_STATE = OpenApiParameter(
    "state",
    {"type": "string", "enum": ActionState.values},
    description="only actions in this state; `confirmed`: verified or not",
)


class TableView(NodeView):
    rate_class = "default"
    permission_classes = (require_scope("read", "device"),)
    renderer_classes = (JsonRenderer, CsvRenderer)


def table(name: str, *, summary: str, parameters: list[OpenApiParameter]) -> Callable[[View], View]:
    return endpoint(name, summary=summary, tag="node", answers={200: str}, problems=(404,), parameters=parameters)


class DecisionsTableView(TableView):
    @table("download_decisions", summary="Decisions as CSV", parameters=[*DECISION_FILTERS, LANGUAGE])
    def get(self, request: Request, pubkey: str) -> Any:
        """All that the filters leave, newest first; `why` is in French for `Accept-Language: fr`."""
        language = choose_language(request)
        batches = batch_decisions(read_decision_filter(request), language)
        return name_language(_answer("decisions", batches, shape=DecisionLine), language)


class ActionsTableView(TableView):
    @table("download_actions", summary="Actions as CSV", parameters=[_ANY_STATE, CHANNEL, SINCE, LANGUAGE])
    def get(self, request: Request, pubkey: str) -> Any:
        """All of them, rollbacks too, oldest first; reading hands nothing over. `since`: created. `why` is in French
        for `Accept-Language: fr`.
        """
        state = request.GET.get("state")
        if state not in {None, *ActionState.values}:
            raise Problem(400, "bad-filter", "Bad filter", detail=f"state is one of {', '.join(ActionState.values)}")
        rows = filter_actions(state=state, channel=read_channel(request), since=read_instant(request, "since"))
        language = choose_language(request)
        return name_language(_answer("actions", batch_actions(rows, language), shape=ActionLine), language)


class ForwardsTableView(TableView):
    @table("download_forwards", summary="Forwards as CSV", parameters=[SINCE, UNTIL])
    def get(self, request: Request, pubkey: str) -> Any:
        """As the box reported them, failed ones too, oldest first, by `settled_at`."""
        batches = batch_forwards(read_instant(request, "since"), read_instant(request, "until"))
        return _answer("forwards", batches, shape=Forward)


def _answer(name: str, batches: Iterator[Sequence[Struct]], *, shape: type[Struct]) -> Any:
    headers = {"Cache-Control": "no-store", "Content-Disposition": f'attachment; filename="{name}.csv"'}
    pieces = stream_csv(current_tenant(), batches, shape=shape)
    return StreamingHttpResponse(pieces, content_type=f"{CSV}; charset=utf-8; header=present", headers=headers)
