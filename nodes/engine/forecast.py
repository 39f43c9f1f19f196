"""How a channel will flow: net flow a day over the days to come, and when a side runs empty.

Net flow is what a channel forwarded out less what came in through it, a UTC day: above 0 our side drains, below 0 the
peer's does. Amounts are msat, days whole ones. The naive forecast is the mean of the last 30 days. A model is used for
a horizon only where it beat that on this very node: at moments of the past, each with the days before it alone (rolling
origin; Tashman 2000, https://doi.org/10.1016/S0169-2070(00)00065-0). Intervals are the quantiles of the errors made
there (split conformal), so they ask for no distribution. Errors of overlapping weeks lean on each other, so only as
many count as there are weeks.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.error_bounds import MIN_DAYS, MIN_ERRORS, Erred, bound_errors, count_held, count_windows
from nodes.engine.report import Forward

HORIZONS = (1, 7, 14, 30)  # days
MAIN_HORIZON = 7
NAIVE_DAYS = 30
MAX_ORIGINS = 16  # moments of the past the model is judged at, a channel
MAX_MODELLED = 60  # channels, those that flow most; the others are told naively: a job of a worker takes seconds
MARGIN = 0.02  # a smaller gain is chance
LONGEST_DAYS = 365.0  # what comes later is not told

Method = Literal["naive", "smoothing"]
Why = Literal["history", "steady", "far"]
Model = Callable[[Sequence[int]], Sequence[float]]  # the days so far > the mean of each of the next 30


class Interval(Struct, frozen=True):
    """80 % of such forecasts or more held. `high` null: no bound."""

    low: float
    mean: float
    high: float | None


class Skill(Struct, frozen=True, kw_only=True):
    """On this node: 1 - its mean absolute error / that of the naive forecast. 0: no better; null: no data.

    `held`: share of the intervals of the method used, made at moments of the past of what was known by then, that held
    what came; null: none could be made yet.
    """

    horizon_days: int
    skill: float | None
    forecasts: int  # compared
    method: Method  # that is used for this horizon
    held: float | None = None
    intervals: int = 0  # judged for `held`


class Flow(Struct, frozen=True, kw_only=True):
    """Net flow a day over the horizon, in sat: above 0 our side drains. `coverage`: what its interval stands for."""

    horizon_days: int
    sat_per_day: Interval | None
    method: Method
    skill: float | None
    why_none: Why | None = None


class Depletion(Struct, frozen=True, kw_only=True):
    """Days until a side holds nothing, if it flows on like this and nobody moves balance otherwise."""

    side: Literal["local", "remote"]
    days: Interval
    horizon_days: int  # of the flow it was worked out from


class ChannelForecast(Struct, frozen=True, kw_only=True):
    short_channel_id: str
    flows: tuple[Flow, ...]
    depletion: Depletion | None = None
    why_none: Why | None = None  # there is no depletion: history too short, steady within chance, or more than a year


class ChannelPast(Struct, frozen=True, kw_only=True):
    """Net flow of each whole day, oldest first, and what both sides can spend now."""

    short_channel_id: str
    days_msat: Sequence[int]
    local_msat: int
    remote_msat: int


class NodeForecast(Struct, frozen=True, kw_only=True):
    """Of all channels of a node; `days`: how many whole days of forwards were looked at."""

    as_of: dt.datetime
    days: int
    skills: tuple[Skill, ...]
    channels: tuple[ChannelForecast, ...]


class _Judged(Struct, frozen=True):
    """One moment of one channel's past. Errors: what came less what was said, in msat a day, by horizon."""

    at: int  # days known
    is_later: bool
    naive: Mapping[int, float]
    model: Mapping[int, float] | None  # None: it was not asked


def sum_days(forwards: Iterable[Forward], *, first: dt.date, days: int) -> dict[str, list[int]]:
    """Net flow out of each channel that forwarded, in exact msat, for `days` UTC days from `first` on."""
    sums: dict[str, list[int]] = {}
    began_at = dt.datetime.combine(first, dt.time(), dt.UTC)
    for forward in forwards:
        number = (forward.settled_at - began_at).days
        if forward.status == "settled" and 0 <= number < days:
            sums.setdefault(forward.outgoing_scid, [0] * days)[number] += forward.out_msat
            sums.setdefault(forward.incoming_scid, [0] * days)[number] -= forward.in_msat
    return sums


def forecast_node(pasts: Sequence[ChannelPast], model: Model, *, as_of: dt.datetime) -> NodeForecast:
    """1. judge both methods at moments of the past  2. choose one a horizon, for the whole node  3. forecast."""
    models = _choose_modelled(pasts, model)
    judged = [_judge(past.days_msat, models.get(past.short_channel_id)) for past in pasts]
    both = [one for channel in judged for one in channel if one.model is not None]
    skills = tuple(_tell_held(_compare(both, horizon), judged) for horizon in HORIZONS)
    channels = tuple(
        _forecast_channel(past, models.get(past.short_channel_id), judged=moments, skills=skills)
        for past, moments in zip(pasts, judged, strict=True)
    )
    days = max((len(past.days_msat) for past in pasts), default=0)
    return NodeForecast(as_of=as_of, days=days, skills=skills, channels=channels)


def _choose_modelled(pasts: Sequence[ChannelPast], model: Model) -> dict[str, Model]:
    by_flow = sorted(pasts, key=lambda past: (-sum(map(abs, past.days_msat)), past.short_channel_id))
    return {past.short_channel_id: model for past in by_flow[:MAX_MODELLED]}


def forecast_naively(days_msat: Sequence[int]) -> float:
    """msat a day: the mean of the last 30 days, or of as many as there are."""
    recent = days_msat[-NAIVE_DAYS:]
    return sum(recent) / len(recent)


def _judge(days_msat: Sequence[int], model: Model | None) -> list[_Judged]:
    """The naive forecast after each day, the model after some of them, evenly, the newest among them: it is slow."""
    if not any(days_msat):
        return []
    count = len(days_msat)
    asked = range(count - 1, MIN_DAYS - 1, -max(1, math.ceil((count - MIN_DAYS) / MAX_ORIGINS)))
    return [_judge_at(days_msat, model if at in asked else None, at=at) for at in range(MIN_DAYS, count)]


def _judge_at(days_msat: Sequence[int], model: Model | None, *, at: int) -> _Judged:
    before = days_msat[:at]
    naive, said = forecast_naively(before), model(before) if model else None
    came = {h: sum(days_msat[at : at + h]) / h for h in HORIZONS if at + h <= len(days_msat)}
    return _Judged(
        at=at,
        is_later=2 * at >= MIN_DAYS + len(days_msat),
        naive={h: value - naive for h, value in came.items()},
        model={h: value - fmean(said[:h]) for h, value in came.items()} if said else None,
    )


def _compare(judged: Sequence[_Judged], horizon: int) -> Skill:
    """The model must be better in the earlier and in the later half of the past as well: once is chance."""
    there = [one for one in judged if horizon in one.naive]
    skill = _measure_skill(there, horizon)
    halves = [_measure_skill([one for one in there if one.is_later is half], horizon) for half in (False, True)]
    is_better = skill is not None and skill >= MARGIN and all(half is not None and half > 0 for half in halves)
    method: Method = "smoothing" if is_better and len(there) >= MIN_ERRORS else "naive"
    return Skill(horizon_days=horizon, skill=skill, forecasts=len(there), method=method)


def _tell_held(skill: Skill, judged: Sequence[Sequence[_Judged]]) -> Skill:
    counts = [count_held(_list_erred(channel, skill), horizon=skill.horizon_days) for channel in judged]
    intervals = sum(count.intervals for count in counts)
    held = round(sum(count.held for count in counts) / intervals, 4) if intervals else None
    return replace(skill, held=held, intervals=intervals)


def _list_erred(channel: Sequence[_Judged], skill: Skill) -> list[Erred]:
    """Of the method that is used."""
    made = ((one.at, one.naive if skill.method == "naive" else one.model) for one in channel)
    return [Erred(at, errors[skill.horizon_days]) for at, errors in made if errors and skill.horizon_days in errors]


def _measure_skill(judged: Sequence[_Judged], horizon: int) -> float | None:
    naive = sum(abs(one.naive[horizon]) for one in judged)
    return round(1 - sum(abs(one.model[horizon]) for one in judged if one.model) / naive, 4) if naive else None


def _forecast_channel(
    past: ChannelPast, model: Model | None, *, judged: Sequence[_Judged], skills: Sequence[Skill]
) -> ChannelForecast:
    is_modelled = model and len(judged) >= MIN_ERRORS and any(skill.method == "smoothing" for skill in skills)
    said = model(past.days_msat) if model and is_modelled else ()
    flows = tuple(_forecast_flow(past, said, judged=judged, skill=skill) for skill in skills)
    depletion, why = _find_depletion(past, flows)
    return ChannelForecast(short_channel_id=past.short_channel_id, flows=flows, depletion=depletion, why_none=why)


def _forecast_flow(past: ChannelPast, said: Sequence[float], *, judged: Sequence[_Judged], skill: Skill) -> Flow:
    horizon = skill.horizon_days
    modelled = _list_errors((one.model for one in judged if one.model), horizon)
    method: Method = "smoothing" if said and skill.method == "smoothing" and len(modelled) >= MIN_ERRORS else "naive"
    errors = modelled if method == "smoothing" else _list_errors((one.naive for one in judged), horizon)
    told = None
    if len(errors) >= MIN_ERRORS:
        mean_msat = fmean(said[:horizon]) if method == "smoothing" else forecast_naively(past.days_msat)
        told = surround(mean_msat, errors, windows=count_windows(len(past.days_msat), horizon))
    elif not any(past.days_msat) and len(past.days_msat) >= MIN_DAYS + MIN_ERRORS + horizon:
        told = Interval(0.0, 0.0, 0.0)  # it never flowed while it was watched
    why: Why | None = None if told else "history"
    return Flow(horizon_days=horizon, sat_per_day=told, method=method, skill=skill.skill, why_none=why)


def _list_errors(made: Iterable[Mapping[int, float]], horizon: int) -> list[float]:
    return sorted(one[horizon] for one in made if horizon in one)


def surround(mean_msat: float, errors: Sequence[float], *, windows: int) -> Interval:
    """In sat, by the bounds of the sorted errors (msat)."""
    lowest, highest = bound_errors(errors, windows=windows)
    return Interval(*(round((mean_msat + error) / 1000, 3) for error in (lowest, 0.0, highest)))


def _find_depletion(past: ChannelPast, flows: Sequence[Flow]) -> tuple[Depletion | None, Why | None]:
    """By the flow of the shortest horizon that reaches as far; else by the longest there is."""
    known = [flow for flow in flows if flow.sat_per_day is not None]
    if not known:
        return None, "history"
    found = [_deplete(past, flow) for flow in known]
    for flow, depletion in zip(known, found, strict=True):
        if depletion and depletion.days.mean <= flow.horizon_days:
            return depletion, None
    last = found[-1]
    if last is None:
        return None, "steady"
    return (last, None) if last.days.mean <= LONGEST_DAYS else (None, "far")


def _deplete(past: ChannelPast, flow: Flow) -> Depletion | None:
    """None: it flows neither way."""
    told = flow.sat_per_day
    if told is None or told.mean == 0 or told.high is None:
        return None
    is_local = told.mean > 0
    fast, slow = (told.high, told.low) if is_local else (-told.low, -told.high)
    stock_sat = max(0, past.local_msat if is_local else past.remote_msat) / 1000
    mean = stock_sat / abs(told.mean)
    days = Interval(round(stock_sat / fast, 2), round(mean, 2), round(stock_sat / slow, 2) if slow > 0 else None)
    return Depletion(side="local" if is_local else "remote", days=days, horizon_days=flow.horizon_days)
