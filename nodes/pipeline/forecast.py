"""Forecasts once a day, out of the operator's own stored forwards."""

import datetime as dt

from nodes.engine.forecast import ChannelPast, Model, NodeForecast, forecast_node, sum_days
from nodes.engine.report import ChannelState
from nodes.models.forecast import Forecast
from nodes.selectors.channel import list_open_channels
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node

MAX_DAYS = 180  # what was longer ago says nothing of next week
DAY = dt.timedelta(days=1)


def is_forecast_due(now: dt.datetime) -> bool:
    """Of the tenant we are in: once a UTC day, once it has reported."""
    has_reported = read_own_node().last_taken_at is not None
    return has_reported and not Forecast.objects.filter(made_at__gte=_midnight(now)).exists()


def has_forecast() -> bool:
    return Forecast.objects.exists()


def keep_forecast(now: dt.datetime) -> NodeForecast | None:
    """Makes today's and keeps it over yesterday's. None: the box has not reported."""
    made = make_forecast(now)
    if made is not None:
        Forecast.objects.update_or_create(id=1, defaults={"made_at": now, "content": made})
    return made


def make_forecast(now: dt.datetime) -> NodeForecast | None:
    """1. whole days of forwards, as far as the box has told  2. net flow a channel and day  3. judge and forecast."""
    node = read_own_node()
    if node.last_taken_at is None:
        return None
    until = _midnight(min(now, node.last_taken_at))
    since = until if node.history_since is None else max(_next_midnight(node.history_since), until - MAX_DAYS * DAY)
    days = max(0, (until - since) // DAY)
    sums = sum_days(load_forwards(since=since, until=until), first=since.date(), days=days) if days else {}
    channels = [channel.state for channel in list_open_channels()]
    pasts = [_look_back(channel, sums.get(channel.short_channel_id, [0] * days), since=since) for channel in channels]
    return forecast_node(pasts, _load_model(), as_of=now)


def _look_back(channel: ChannelState, days_msat: list[int], *, since: dt.datetime) -> ChannelPast:
    """From the day after its opening on, where that is known."""
    younger = max(0, (_next_midnight(channel.opened_at) - since) // DAY) if channel.opened_at else 0
    return ChannelPast(
        short_channel_id=channel.short_channel_id,
        days_msat=days_msat[younger:],
        local_msat=channel.local_balance_sat * 1000,
        remote_msat=channel.remote_balance_sat * 1000,
    )


def _load_model() -> Model:
    """Here and not above: statsmodels takes a second and 130 MB to load, which the web process never needs."""
    from nodes.engine.smoothing import smooth_days

    return smooth_days


def _midnight(moment: dt.datetime) -> dt.datetime:
    return moment.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _next_midnight(moment: dt.datetime) -> dt.datetime:
    at = _midnight(moment)
    return at if at == moment else at + DAY
