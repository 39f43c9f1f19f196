"""What should change and why: channels, decisions, runs, actions and the journal."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer
from mcp_saas.api.openapi import PAGE_PARAMETERS, endpoint
from mcp_saas.api.paging import cut_page, read_window
from mcp_saas.kit.errors import Problem, not_found
from nodes.api.contract import (
    ActionList,
    ChannelPage,
    ChannelView,
    DecisionPage,
    JournalItem,
    JournalPage,
    LatestRun,
    RunView,
)
from nodes.api.describe import describe_action, describe_channel, describe_decision
from nodes.engine.short_channel_id import channel_id_from_scid
from nodes.models.action import ActionState
from nodes.selectors.channel import ChannelRow, find_channel, list_channels
from nodes.selectors.decision import latest_run, list_actions, list_decisions, list_journal
from tenants.api.view import NodeView

_reader = (require_scope("read", "device"),)
_RUN = OpenApiParameter("run", {"type": "string", "enum": ["latest"]}, description="only the newest run's")
_STATE = OpenApiParameter(
    "state", {"type": "string", "enum": ActionState.values, "default": "approved"}, description="actions in this state"
)
MAX_ACTIONS = 100


class ChannelsView(NodeView):
    permission_classes = _reader

    @endpoint(
        "list_channels",
        summary="Channels with scores and decisions",
        tag="node",
        answers={200: ChannelPage},
        problems=(404,),
        parameters=PAGE_PARAMETERS,
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        window = read_window(request)
        rows = list_channels(after=window.after, limit=window.limit + 1)
        page = cut_page(rows, window, key=lambda row: row.channel.id)
        body = ChannelPage([describe_channel(row) for row in page.items], page.next_cursor)
        return answer(body, headers=page.link(request, limit=window.limit))


class ChannelDetailView(NodeView):
    permission_classes = _reader

    @endpoint(
        "get_channel", summary="One channel", tag="node", answers={200: ChannelView}, problems=(404,), is_tagged=True
    )
    def get(self, request: Request, pubkey: str, short_channel_id: str) -> HttpResponse:
        row = _find_channel(short_channel_id)
        if row is None:
            raise not_found("The node has no such channel.")
        return answer(describe_channel(row))


def _find_channel(short_channel_id: str) -> ChannelRow | None:
    """None also for text that is no short channel id: PostgreSQL would stumble over a NUL in it."""
    try:
        channel_id_from_scid(short_channel_id)
    except ValueError:
        return None
    return find_channel(short_channel_id)


class DecisionsView(NodeView):
    permission_classes = _reader

    @endpoint(
        "list_decisions",
        summary="Decisions with reasons and inputs, newest first",
        tag="node",
        answers={200: DecisionPage},
        problems=(404,),
        parameters=[*PAGE_PARAMETERS, _RUN],
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        window = read_window(request)
        if request.GET.get("run") not in {None, "latest"}:
            raise Problem(400, "bad-filter", "Bad filter", detail="run can only be `latest`")
        rows = list_decisions(
            after=window.after, limit=window.limit + 1, newest_run_only=request.GET.get("run") == "latest"
        )
        page = cut_page(rows, window, key=lambda decision: decision.id)
        body = DecisionPage([describe_decision(decision) for decision in page.items], page.next_cursor)
        return answer(body, headers=page.link(request, limit=window.limit))


class LatestRunView(NodeView):
    permission_classes = _reader

    @endpoint(
        "get_latest_run",
        summary="The newest run in figures",
        tag="node",
        answers={200: LatestRun},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        run = latest_run()
        if run is None:
            return answer(LatestRun(None))
        return answer(
            LatestRun(RunView(run.id, run.finished_at, run.snapshot_seq, run.mode, run.engine_version, run.summary))
        )


class ActionsView(NodeView):
    permission_classes = _reader

    @endpoint(
        "list_actions",
        summary="Actions in a state, oldest first",
        tag="box",
        answers={200: ActionList},
        problems=(404,),
        parameters=[_STATE],
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        state = request.GET.get("state", ActionState.APPROVED)
        if state not in ActionState.values:
            raise Problem(400, "bad-filter", "Bad filter", detail=f"state is one of {', '.join(ActionState.values)}")
        return answer(ActionList([describe_action(action) for action in list_actions(state, limit=MAX_ACTIONS)]))


class JournalView(NodeView):
    permission_classes = _reader

    @endpoint(
        "list_journal",
        summary="What happened, newest first",
        tag="node",
        answers={200: JournalPage},
        problems=(404,),
        parameters=PAGE_PARAMETERS,
        is_tagged=True,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        window = read_window(request)
        page = cut_page(list_journal(after=window.after, limit=window.limit + 1), window, key=lambda entry: entry.id)
        items = [
            JournalItem(entry.id, entry.at, entry.kind, entry.detail.text, entry.detail.facts) for entry in page.items
        ]
        return answer(JournalPage(items, page.next_cursor), headers=page.link(request, limit=window.limit))
