"""Forecasts of channels, as JSON."""

import datetime as dt

from msgspec import Struct

from nodes.engine.error_bounds import COVERAGE
from nodes.engine.forecast import ChannelForecast, Depletion, Interval, Method, NodeForecast, Skill
from nodes.engine.language.forecast import tell_why
from nodes.engine.language.sentence import Language


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


def describe_forecast(found: NodeForecast | None, language: Language) -> ForecastsAnswer:
    if found is None:
        return ForecastsAnswer(None, 0, COVERAGE, [], [])
    channels = [_describe_channel(one, language) for one in found.channels]
    return ForecastsAnswer(found.as_of, found.days, COVERAGE, list(found.skills), channels)


def describe_forecast_of(
    found: NodeForecast | None, short_channel_id: str, *, language: Language
) -> ChannelForecastView | None:
    """None: there is none of this channel."""
    of_channel = (one for one in found.channels if one.short_channel_id == short_channel_id) if found else iter(())
    one = next(of_channel, None)
    return None if one is None else _describe_channel(one, language)


def _describe_channel(one: ChannelForecast, language: Language) -> ChannelForecastView:
    flows = [
        FlowView(flow.horizon_days, flow.sat_per_day, flow.method, flow.skill, tell_why(flow.why_none, language))
        for flow in one.flows
    ]
    return ChannelForecastView(one.short_channel_id, flows, one.depletion, tell_why(one.why_none, language))
