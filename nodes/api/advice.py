"""What should change and why: channels, decisions, runs and the journal."""

from collections.abc import Callable
from functools import partial
from operator import attrgetter
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from msgspec.structs import asdict
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.api.openapi import PAGE_PARAMETERS, View, endpoint
from mcp_saas.api.paging import answer_page
from mcp_saas.kit.errors import Problem, not_found
from nodes.api.contract import (
    ChannelDetail,
    ChannelPage,
    DecisionPage,
    JournalPage,
    LatestRun,
    RunView,
)
from nodes.api.describe import describe_channel, describe_decision, describe_entry
from nodes.api.filters import DECISION_FILTERS, read_decision_filter
from nodes.api.forecast_contract import describe_forecast_of
from nodes.selectors.channel import find_channel, list_channels
from nodes.selectors.decision import MAX_OPENED, TooManyError, latest_run, list_decisions, list_journal
from nodes.selectors.forecast import read_forecast
from tenants.api.view import NodeView


def reading(name: str, *, tag: str = "node", **contract: Any) -> Callable[[View], View]:
    """The contract of a read of one node, for its owner and its box."""
    return endpoint(name, tag=tag, problems=(404,), is_tagged=True, **contract)


class AdviceView(NodeView):
    permission_classes = (require_scope("read", "device"),)


class ChannelsView(AdviceView):
    @reading(
        "list_channels",
        summary="Channels with scores and decisions",
        answers={200: ChannelPage},
        parameters=[*PAGE_PARAMETERS, LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """In the order we first met them, closed ones included, each as the last snapshot showed it, with its score
        and what the newest run decided.
        """
        language = choose_language(request)
        describe = partial(describe_channel, language=language)
        page = answer_page(request, list_channels, shape=ChannelPage, describe=describe, key=attrgetter("channel.id"))
        return name_language(page, language)


class ChannelDetailView(AdviceView):
    @reading("get_channel", summary="One channel", answers={200: ChannelDetail}, parameters=[LANGUAGE])
    def get(self, request: Request, pubkey: str, short_channel_id: str) -> HttpResponse:
        """By its short channel id, as in `800000x12x1`, with how it is expected to flow. Closed channels keep their
        last state.
        """
        row = find_channel(short_channel_id)
        if row is None:
            raise not_found("The node has no such channel.")
        language = choose_language(request)
        forecast = describe_forecast_of(
            read_forecast(timezone.now()), row.channel.state.short_channel_id, language=language
        )
        shown = ChannelDetail(**asdict(describe_channel(row, language=language)), forecast=forecast)
        return name_language(answer(shown), language)


class DecisionsView(AdviceView):
    @reading(
        "list_decisions",
        summary="Decisions with reasons and inputs, newest first",
        answers={200: DecisionPage},
        parameters=[*PAGE_PARAMETERS, *DECISION_FILTERS, LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """One a channel and run, those that keep the fee included: old fee, new fee, why, by which rule, held by which
        guard, and what became of its action. With every input: deciding again from the `inputs` of a run's channels and
        its `context` gives the same decisions, byte for byte. `why` is in French for `Accept-Language: fr`.
        """
        language = choose_language(request)
        find = partial(list_decisions, chosen=read_decision_filter(request))
        describe = partial(describe_decision, language=language)
        try:
            page = answer_page(request, find, shape=DecisionPage, describe=describe)
        except TooManyError:
            detail = f"more than {MAX_OPENED} decisions would have to be opened: name a run, a channel or a later since"
            raise Problem(400, "bad-filter", "Bad filter", detail=detail) from None
        return name_language(page, language)


class LatestRunView(AdviceView):
    @reading(
        "get_latest_run",
        summary="The newest run in figures",
        answers={200: LatestRun},
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """How many fees to raise, lower and keep, how many channels to change otherwise, the expected effect with its
        interval, and the reason that weighs most. `run` is null before the first.
        """
        run = latest_run()
        if run is None:
            return answer(LatestRun(None))
        return answer(
            LatestRun(
                RunView(
                    run.id,
                    run.finished_at,
                    run.snapshot_seq,
                    run.mode,
                    run.started_by,
                    run.engine_version,
                    run.summary,
                    run.context,
                )
            )
        )


class JournalView(AdviceView):
    @reading(
        "list_journal",
        summary="What happened, newest first",
        answers={200: JournalPage},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """One sentence an event of this node, with its facts. `list_events` shows the entries with their hashes."""
        return answer_page(request, list_journal, shape=JournalPage, describe=describe_entry)
