"""How the channels are expected to flow, and how good such forecasts were so far."""

import datetime as dt

from django.http import HttpResponse
from django.utils import timezone
from msgspec import Struct
from rest_framework.request import Request

from mcp_saas.api.body import answer
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from nodes.api.advice import AdviceView, reading
from nodes.engine.forecast import COVERAGE, ChannelForecast, Depletion, Interval, Method, NodeForecast, Skill
from nodes.engine.language.forecast import tell_why
from nodes.engine.language.sentence import Language
from nodes.selectors.forecast import read_forecast


class FlowView(Struct, frozen=True):
    """Net flow a day over the horizon: above 0 our side drains. 80 % of such intervals held; null: see `why_none`."""

    horizon_days: int
    sat_per_day: Interval | None
    method: Method
    skill: float | None
    why_none: str | None


class ChannelForecastView(Struct, frozen=True):
    """One channel; `depletion` is null where `why_none` says why."""

    short_channel_id: str
    flows: list[FlowView]
    depletion: Depletion | None
    why_none: str | None


class ForecastsAnswer(Struct, frozen=True):
    """Of the node's open channels. `as_of` null: none was made in the last three days."""

    as_of: dt.datetime | None
    days: int  # of forwards that were looked at
    coverage: float  # of the intervals
    skills: list[Skill]
    channels: list[ChannelForecastView]


class ForecastsView(AdviceView):
    @reading(
        "list_forecasts",
        summary="Flow a day and days until a side is empty",
        answers={200: ForecastsAnswer},
        parameters=[LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Made once a day out of the node's own forwards. A model is used for a horizon where it beat the mean of the
        last 30 days on this node (`skills`); else that mean, with the errors it made as its interval. What is moved
        otherwise (rebalances, own payments) is not in it.
        """
        language = choose_language(request)
        return name_language(answer(describe_forecast(read_forecast(timezone.now()), language)), language)


def describe_forecast(found: NodeForecast | None, language: Language) -> ForecastsAnswer:
    if found is None:
        return ForecastsAnswer(None, 0, COVERAGE, [], [])
    channels = [_describe_channel(one, language) for one in found.channels]
    return ForecastsAnswer(found.as_of, found.days, COVERAGE, list(found.skills), channels)


def _describe_channel(one: ChannelForecast, language: Language) -> ChannelForecastView:
    flows = [
        FlowView(flow.horizon_days, flow.sat_per_day, flow.method, flow.skill, tell_why(flow.why_none, language))
        for flow in one.flows
    ]
    return ChannelForecastView(one.short_channel_id, flows, one.depletion, tell_why(one.why_none, language))
