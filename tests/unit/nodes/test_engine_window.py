"""Sums of forwards over the periods a fee policy asks for."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.engine.cycle import FlowWindow
from nodes.engine.report import Forward
from nodes.engine.window import make_empty_windows, measure_windows
from tests.unit.nodes.engine_builders import NOW, make_forward

HOUR, DAY, FORTNIGHT = 3_600, 86_400, 14 * 86_400
LONG_AGO = NOW - dt.timedelta(days=900)


def test_a_forward_counts_in_every_period_that_holds_it_and_on_both_sides() -> None:
    forwards = [
        make_forward(settled_at=NOW - dt.timedelta(minutes=30)),
        make_forward(settled_at=NOW - dt.timedelta(days=2)),
        make_forward(settled_at=NOW - dt.timedelta(minutes=30), status="failed"),
    ]
    windows = measure_windows(forwards, [FORTNIGHT, HOUR], now=NOW, history_since=LONG_AGO)

    assert windows["1x1x1"][HOUR] == FlowWindow(
        is_covered=True, htlcs_in=1, in_sat=2_001, in_msat=2_001_000, assist_msat=1_000
    )
    assert windows["2x2x2"][FORTNIGHT] == FlowWindow(
        is_covered=True, htlcs_out=2, out_sat=4_000, out_msat=4_000_000, revenue_msat=2_000
    )


def test_a_period_begins_at_its_first_second_and_ends_before_the_snapshot() -> None:
    forwards = [
        make_forward(settled_at=NOW - dt.timedelta(seconds=DAY)),
        make_forward(settled_at=NOW - dt.timedelta(seconds=DAY, microseconds=1)),
        make_forward(settled_at=NOW),
    ]
    windows = measure_windows(forwards, [DAY], now=NOW, history_since=LONG_AGO)

    assert windows["1x1x1"][DAY].htlcs_in == 1


def test_a_period_the_history_does_not_reach_over_says_so() -> None:
    windows = make_empty_windows([DAY, HOUR], now=NOW, history_since=NOW - dt.timedelta(hours=5))

    assert {period: window.is_covered for period, window in windows.items()} == {HOUR: True, DAY: False}
    assert not make_empty_windows([HOUR], now=NOW, history_since=None)[HOUR].is_covered


forwards_of_a_month = st.lists(
    st.builds(
        lambda age_s, out_msat: make_forward(
            settled_at=NOW - dt.timedelta(seconds=age_s), out_msat=out_msat, in_msat=out_msat + 1_000
        ),
        st.integers(0, 30 * DAY),
        st.integers(0, 5_000_000),
    ),
    max_size=20,
)


@settings(max_examples=40)
@given(forwards_of_a_month, st.lists(st.integers(1, 30 * DAY), min_size=1, max_size=4))
def test_each_window_is_the_sum_of_the_forwards_it_holds(forwards: list[Forward], periods: list[int]) -> None:
    windows = measure_windows(forwards, periods, now=NOW, history_since=LONG_AGO).get("2x2x2", {})
    for period in periods:
        held = [event for event in forwards if 0 < (NOW - event.settled_at).total_seconds() <= period]
        window = windows.get(period, FlowWindow(is_covered=True))
        assert (window.htlcs_out, window.out_msat) == (len(held), sum(event.out_msat for event in held))
