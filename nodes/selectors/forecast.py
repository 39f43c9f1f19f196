"""What is expected of the channels of the tenant we are in."""

import datetime as dt

from msgspec import Struct

from nodes.engine.forecast import MAIN_HORIZON, ChannelForecast, Interval, Method, NodeForecast, Why
from nodes.models.forecast import Forecast

OUTDATED_AFTER = dt.timedelta(days=3)  # of a box that has not reported since: nothing is said any more


class ExpectedFlow(Struct, frozen=True, kw_only=True):
    """Of one channel: net flow a day over `horizon_days` (above 0: our side drains), days until a side is empty."""

    flow_sat_per_day: Interval | None
    days_until_depleted: Interval | None
    side: str | None  # local or remote: which is emptied
    horizon_days: int
    skill: float | None
    method: Method
    why_none: Why | None
    as_of: dt.datetime


def read_forecast(now: dt.datetime) -> NodeForecast | None:
    """The newest; None: never made, or of days ago."""
    row = Forecast.objects.filter(made_at__gt=now - OUTDATED_AFTER).first()
    return row.content if row else None


def find_forecasts(now: dt.datetime) -> dict[str, ExpectedFlow]:
    """By short_channel_id, each by the horizon its depletion was worked out from, else by that of a week."""
    found = read_forecast(now)
    return {one.short_channel_id: _choose(one, found.as_of) for one in found.channels} if found else {}


def _choose(channel: ChannelForecast, as_of: dt.datetime) -> ExpectedFlow:
    depletion = channel.depletion
    horizon = depletion.horizon_days if depletion else MAIN_HORIZON
    flow = next(flow for flow in channel.flows if flow.horizon_days == horizon)
    return ExpectedFlow(
        flow_sat_per_day=flow.sat_per_day,
        days_until_depleted=depletion.days if depletion else None,
        side=depletion.side if depletion else None,
        horizon_days=horizon,
        skill=flow.skill,
        method=flow.method,
        why_none=channel.why_none,
        as_of=as_of,
    )
