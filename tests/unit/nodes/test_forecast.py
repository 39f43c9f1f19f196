"""Forecasts of flow: exact sums, intervals around their mean, a model only where it beats the naive forecast."""

import datetime as dt
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.engine.error_bounds import MIN_DAYS, MIN_ERRORS, Erred, bound_errors, count_held, count_windows
from nodes.engine.forecast import (
    HORIZONS,
    MAX_MODELLED,
    ChannelForecast,
    ChannelPast,
    Flow,
    Model,
    NodeForecast,
    forecast_naively,
    forecast_node,
    sum_days,
    surround,
)
from nodes.engine.language.forecast import WORDS, tell_why
from nodes.engine.report import Forward
from nodes.engine.smoothing import smooth_days
from nodes.simulator.seed import seed_random

ROOT = Path(__file__).resolve().parents[3]
FIRST, AS_OF = dt.date(2026, 5, 1), dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
DAYS = st.lists(st.integers(-(10**15), 10**15), max_size=70)
BALANCE = st.integers(0, 10**15)


def make_past(days_msat: Sequence[int], number: int = 1, *, local: int = 10**9, remote: int = 10**9) -> ChannelPast:
    scid = f"800000x{number}x0"
    return ChannelPast(short_channel_id=scid, days_msat=days_msat, local_msat=local, remote_msat=remote)


def forecast(*pasts: ChannelPast, model: Model = lambda days: [forecast_naively(days)] * 30) -> NodeForecast:
    return forecast_node(pasts, model, as_of=AS_OF)


def flow_of(channel: ChannelForecast, horizon: int) -> Flow:
    return next(flow for flow in channel.flows if flow.horizon_days == horizon)


def make_forward(number: int, in_msat: int, out_msat: int, *, day: int, status: str = "settled") -> Forward:
    at = dt.datetime.combine(FIRST, dt.time(23, 59, 59), dt.UTC) + dt.timedelta(days=day)
    return Forward(
        id=str(number), incoming_scid="800000x1x0", outgoing_scid="800000x2x0", in_msat=in_msat, out_msat=out_msat,
        fee_msat=in_msat - out_msat, settled_at=at, status=status,
    )  # fmt: skip


@given(st.lists(st.tuples(st.integers(1, 10**14), st.integers(0, 10**9), st.integers(-3, 12)), max_size=30))
def test_sums_are_exact_to_the_msat(given_forwards: list[tuple[int, int, int]]) -> None:
    forwards = [
        make_forward(number, amount + fee, amount, day=day) for number, (amount, fee, day) in enumerate(given_forwards)
    ]
    sums = sum_days(forwards, first=FIRST, days=10)
    inside = [(amount, fee, day) for amount, fee, day in given_forwards if 0 <= day < 10]
    assert sum(sums.get("800000x2x0", [])) == sum(amount for amount, _, _ in inside)
    assert sum(sums.get("800000x1x0", [])) == -sum(amount + fee for amount, fee, _ in inside)
    assert all(type(value) is int for days in sums.values() for value in days)


def test_what_did_not_settle_did_not_flow() -> None:
    assert sum_days([make_forward(1, 1001, 1000, day=0, status="failed")], first=FIRST, days=3) == {}


@settings(max_examples=60)
@given(DAYS, BALANCE, BALANCE)
def test_intervals_hold_their_mean_and_no_day_is_negative(days: list[int], local: int, remote: int) -> None:
    [channel] = forecast(make_past(days, local=local, remote=remote), model=smooth_quickly).channels
    for flow in channel.flows:
        assert (flow.sat_per_day is None) == (flow.why_none is not None)
        if flow.sat_per_day is not None and flow.sat_per_day.high is not None:
            assert flow.sat_per_day.low <= flow.sat_per_day.mean <= flow.sat_per_day.high
    assert (channel.depletion is None) == (channel.why_none is not None)
    if channel.depletion is not None:
        until = channel.depletion.days
        assert 0 <= until.low <= until.mean
        assert until.high is None or until.mean <= until.high


def smooth_quickly(days: Sequence[int]) -> list[float]:
    level = float(days[0])
    for value in days:
        level += 0.3 * (value - level)
    return [level] * 30


@given(st.floats(-1e15, 1e15), st.lists(st.floats(-1e15, 1e15), min_size=1), st.integers(1, 200))
def test_an_interval_is_around_its_mean(mean: float, errors: list[float], windows: int) -> None:
    told = surround(mean, sorted(errors), windows=windows)
    assert told.high is not None
    assert told.low <= told.mean <= told.high


def test_the_fewer_windows_the_wider_the_interval() -> None:
    errors = [float(1000 * number) for number in range(-100, 101)]
    few, many = surround(0.0, errors, windows=3), surround(0.0, errors, windows=200)
    assert (few.low, few.high) == (-100.0, 100.0)
    assert (many.low, many.high) == (-81.0, 81.0)


def test_few_windows_that_erred_to_one_side_bound_neither() -> None:
    errors = [float(1000 * number) for number in range(-5, 101)]
    few, enough = surround(0.0, errors, windows=4), surround(0.0, errors, windows=5)
    assert (few.low, few.high) == (-100.0, 100.0)
    assert (enough.low, enough.high) == (-5.0, 100.0)


@pytest.mark.parametrize("horizon", HORIZONS)
def test_as_many_days_as_are_said_are_needed(horizon: int) -> None:
    series = [10**6 * (number % 3) for number in range(MIN_DAYS + MIN_ERRORS - 1 + horizon)]
    enough, short = (forecast(make_past(days)).channels[0] for days in (series, series[1:]))
    assert flow_of(enough, horizon).sat_per_day is not None
    assert (flow_of(short, horizon).sat_per_day, flow_of(short, horizon).why_none) == (None, "history")


def test_more_days_never_take_a_forecast_away() -> None:
    told = [
        [flow.sat_per_day is not None for flow in forecast(make_past([7] * days)).channels[0].flows]
        for days in range(15, 100)
    ]
    assert all(
        after >= before for earlier, later in pairwise(told) for before, after in zip(earlier, later, strict=True)
    )


def test_without_any_day_there_is_no_data() -> None:
    made = forecast(make_past([]))
    assert (made.days, made.channels[0].depletion, made.channels[0].why_none) == (0, None, "history")
    assert [skill.skill for skill in made.skills] == [None] * 4


def test_a_channel_that_never_flowed_is_steady() -> None:
    [channel] = forecast(make_past([0] * 90)).channels
    assert flow_of(channel, 7).sat_per_day is not None
    assert (channel.depletion, channel.why_none) == (None, "steady")


@pytest.mark.parametrize(("flow", "side"), [(10**8, "local"), (-(10**8), "remote")])
def test_a_steady_drain_empties_a_side_when_it_must(flow: int, side: str) -> None:
    [channel] = forecast(make_past([flow] * 90, local=10**9, remote=10**9)).channels
    assert channel.depletion is not None
    assert (channel.depletion.side, channel.depletion.days.mean, channel.depletion.horizon_days) == (side, 10.0, 14)


def test_an_empty_side_is_empty_today_and_a_year_is_far() -> None:
    [empty] = forecast(make_past([10**6] * 90, local=0)).channels
    [far] = forecast(make_past([10**6] * 90, local=10**9)).channels
    assert empty.depletion is not None
    assert empty.depletion.days.mean == 0
    assert (far.depletion, far.why_none) == (None, "far")


def test_a_model_that_knows_better_is_used_and_its_errors_make_the_interval() -> None:
    series = [10**6] * 45 + [10**8] * 45
    made = forecast(*(make_past(series, number) for number in range(3)), model=lambda days: [float(days[-1])] * 30)
    by_horizon = {skill.horizon_days: skill for skill in made.skills}
    assert by_horizon[7].skill is not None
    assert by_horizon[7].skill > 0.3
    told = flow_of(made.channels[0], 7)
    if by_horizon[7].method == "smoothing":
        assert told.sat_per_day is not None
        assert told.sat_per_day.mean == 10**5


def test_a_model_that_is_worse_is_not_used() -> None:
    rng = seed_random("worse")
    series = [rng.randrange(10**8) for _ in range(90)]
    made = forecast(make_past(series), model=lambda days: [float(days[-1])] * 30)
    assert {skill.method for skill in made.skills} == {"naive"}
    assert all(skill.skill is not None and skill.skill < 0 for skill in made.skills if skill.horizon_days < 30)
    told = flow_of(made.channels[0], 7).sat_per_day
    assert told is not None
    assert told.mean == round(sum(series[-30:]) / 30 / 1000, 3)


def test_a_model_that_was_lucky_once_is_not_used() -> None:
    """Right about one jump in the newer half, no better than naive in the older."""
    series = [10**6] * 70 + [10**8] * 20
    made = forecast(make_past(series), model=lambda days: [float(days[-1])] * 30)
    assert made.skills[1].method == "naive"


def test_nothing_of_the_future_is_seen() -> None:
    rng = seed_random("future")
    series = [rng.randrange(10**8) for _ in range(60)]
    seen: list[list[int]] = []

    def watch(days: Sequence[int]) -> list[float]:
        seen.append(list(days))
        return [0.0] * 30

    forecast(make_past(series), model=watch)
    assert len(seen) > MIN_ERRORS
    assert all(days == series[: len(days)] and MIN_DAYS <= len(days) < 60 for days in seen)


@given(st.lists(st.integers(-50, 50), max_size=60), st.sampled_from(HORIZONS))
def test_how_often_intervals_held_is_counted_by_what_was_known_then(errors: list[int], horizon: int) -> None:
    made = [Erred(MIN_DAYS + number, float(error)) for number, error in enumerate(errors)]
    inside: list[bool] = []
    for at, error in made:
        known = sorted(one.error for one in made if one.at + horizon <= at)
        if len(known) >= MIN_ERRORS:
            lowest, highest = bound_errors(known, windows=count_windows(at, horizon))
            inside.append(lowest <= error <= highest)
    assert count_held(made, horizon=horizon) == (sum(inside), len(inside))


def test_intervals_of_an_even_past_hold_about_as_often_as_they_say() -> None:
    rng = seed_random("held")
    pasts = [make_past([rng.randrange(-(10**8), 10**8) for _ in range(180)], number) for number in range(20)]
    by_horizon = {skill.horizon_days: skill for skill in forecast(*pasts).skills}
    assert by_horizon[1].intervals == 20 * (180 - MIN_DAYS - MIN_ERRORS)
    assert 0.75 <= (by_horizon[1].held or 0) <= 0.9
    assert all((skill.held or 0) >= 0.75 for skill in by_horizon.values())


def test_without_errors_of_its_own_past_nobody_says_how_often_intervals_held() -> None:
    [skill, *_] = forecast(make_past([1000] * (MIN_DAYS + MIN_ERRORS))).skills
    assert (skill.held, skill.intervals) == (None, 0)


def test_of_many_channels_the_busiest_are_modelled() -> None:
    asked: set[int] = set()

    def watch(days: Sequence[int]) -> list[float]:
        asked.add(days[0])
        return [0.0] * 30

    made = forecast(*(make_past([number] * 40, number) for number in range(1, MAX_MODELLED + 11)), model=watch)
    assert asked == set(range(11, MAX_MODELLED + 11))
    assert len(made.channels) == MAX_MODELLED + 10


def test_smoothing_follows_a_level_that_moves_and_averages_one_that_does_not() -> None:
    rng = seed_random("level")
    moved = [round(rng.gauss(0, 10**6)) for _ in range(60)] + [round(rng.gauss(10**8, 10**6)) for _ in range(15)]
    still = [round(rng.gauss(10**6, 10**8)) for _ in range(90)]
    assert smooth_days(moved)[0] > 0.9 * 10**8 > forecast_naively(moved)
    assert abs(smooth_days(still)[0] - sum(still) / 90) < 3 * 10**7
    assert smooth_days([0] * 20) == [0.0] * 30
    assert len(set(smooth_days(still))) == 1


def test_smoothing_beats_naive_where_the_level_moves_in_both_halves() -> None:
    series = [10**6 * level for level in (1, 40, 5, 60, 10, 80) for _ in range(25)]
    made = forecast(*(make_past(series, number) for number in range(4)), model=smooth_days)
    assert made.skills[0].method == made.skills[1].method == "smoothing"


def test_each_reason_has_words_in_both_languages() -> None:
    assert WORDS["en"].keys() == WORDS["fr"].keys() == {"history", "steady", "far"}
    assert "21" in (tell_why("history", "fr") or "")
    assert tell_why(None, "en") is None


def test_neither_web_nor_worker_load_the_library_before_they_need_it() -> None:
    code = (
        "import os, sys\n"
        "os.environ['DJANGO_SETTINGS_MODULE'] = 'mcp_saas.settings.base'\n"
        "import django; django.setup()\n"
        "import mcp_saas.urls, nodes.tasks, nodes.management.commands.forecast\n"
        "print([name for name in ('statsmodels', 'scipy', 'pandas') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
