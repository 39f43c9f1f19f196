import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.engine.flow import measure_days_observed, sum_flows, total_flow, total_flows
from nodes.engine.report import Forward
from nodes.engine.types import FlowTotals
from tests.unit.nodes.engine_builders import NOW, make_forward

DAY = dt.timedelta(days=1)
SINCE = NOW - 30 * DAY


def test_a_forward_counts_for_the_channel_it_came_in_by_and_for_the_one_it_left_by() -> None:
    flows = total_flows([make_forward()], now=NOW, history_since=SINCE)

    assert flows["1x1x1"].in_1d_msat == flows["1x1x1"].in_7d_msat == 2_001_000
    assert flows["1x1x1"].assist_7d_msat == 1000
    assert flows["1x1x1"].out_7d_msat == flows["1x1x1"].revenue_7d_msat == 0
    assert flows["2x2x2"].out_1d_msat == flows["2x2x2"].out_7d_msat == 2_000_000
    assert flows["2x2x2"].revenue_7d_msat == 1000
    assert flows["2x2x2"].in_7d_msat == flows["2x2x2"].assist_7d_msat == 0
    assert flows["1x1x1"].forwards_7d == flows["2x2x2"].forwards_7d == 1


@pytest.mark.parametrize(
    ("age", "week_msat", "day_msat"),
    [
        (dt.timedelta(seconds=-1), 0, 0),
        (dt.timedelta(0), 0, 0),
        (dt.timedelta(microseconds=1), 2_000_000, 2_000_000),
        (DAY, 2_000_000, 2_000_000),
        (DAY + dt.timedelta(microseconds=1), 2_000_000, 0),
        (7 * DAY, 2_000_000, 0),
        (7 * DAY + dt.timedelta(microseconds=1), 0, 0),
    ],
)
def test_the_windows_take_their_first_instant_in_and_leave_now_out(
    age: dt.timedelta, week_msat: int, day_msat: int
) -> None:
    forwards = [make_forward(settled_at=NOW - age)]
    flow = total_flow(forwards, short_channel_ids=frozenset({"2x2x2"}), now=NOW, days_observed=7.0)

    assert (flow.out_7d_msat, flow.out_1d_msat) == (week_msat, day_msat)


def test_failed_forwards_move_no_amounts_and_only_local_failures_of_a_day_are_counted() -> None:
    forwards = [
        make_forward(status="local_failed"),
        make_forward(status="local_failed", settled_at=NOW - 2 * DAY),
        make_forward(status="failed"),
    ]
    flows = total_flows(forwards, now=NOW, history_since=SINCE)

    assert flows == {"2x2x2": FlowTotals(days_observed=7.0, failed_out_1d=1)}


def test_the_large_flow_counts_what_was_sent_out_on_both_sides_in_whole_sat_a_channel() -> None:
    forwards = [
        make_forward(in_msat=1_000_500, out_msat=999_999, fee_msat=501),
        make_forward(in_msat=1_000_999, out_msat=1_000_600, fee_msat=399),
        make_forward(in_msat=1_000_600, out_msat=1_000_600, fee_msat=0, settled_at=NOW - 2 * DAY),
    ]
    flows = total_flows(forwards, now=NOW, history_since=SINCE)

    came_in, went_out = flows["1x1x1"].large, flows["2x2x2"].large
    assert (came_in.in_1d_sat, came_in.in_7d_sat, came_in.assist_7d_msat) == (1000, 2001, 399)
    assert (went_out.out_7d_sat, went_out.revenue_7d_msat) == (2001, 399)
    assert flows["1x1x1"].in_7d_msat == 1_000_500 + 1_000_999 + 1_000_600
    two_channels = sum_flows([flows["1x1x1"], flows["1x1x1"]])
    assert two_channels.large.in_7d_sat == 4002  # 2 * 2001.2 cut to 2001 each, not 4002.4 cut once


@pytest.mark.parametrize(
    ("history_since", "days"),
    [(None, 0.0), (NOW + DAY, 0.0), (NOW, 0.0), (NOW - DAY / 2, 0.5), (NOW - 3 * DAY, 3.0), (NOW - 90 * DAY, 7.0)],
)
def test_days_observed_are_those_of_the_window_that_history_covers(
    history_since: dt.datetime | None, days: float
) -> None:
    assert measure_days_observed(history_since, NOW) == days
    flows = total_flows([make_forward()], now=NOW, history_since=history_since)
    assert flows["1x1x1"].days_observed == days


def test_a_sum_knows_no_more_days_than_its_least_watched_channel_and_an_empty_one_none() -> None:
    flows = [FlowTotals(days_observed=7.0, forwards_7d=2), FlowTotals(days_observed=2.5, forwards_7d=3)]

    assert sum_flows(flows) == FlowTotals(days_observed=2.5, forwards_7d=5)
    assert sum_flows([]) == FlowTotals(days_observed=0.0)


scids = st.sampled_from(["1x1x1", "2x2x2", "3x3x3"])


@st.composite
def forwards(draw: st.DrawFn) -> Forward:
    out_msat, fee_msat = draw(st.integers(0, 3_000_000)), draw(st.integers(0, 5_000))
    return make_forward(
        incoming=draw(scids),
        outgoing=draw(scids),
        in_msat=out_msat + fee_msat,
        out_msat=out_msat,
        fee_msat=fee_msat,
        settled_at=NOW - draw(st.timedeltas(-DAY, 9 * DAY)),
        status=draw(st.sampled_from(["settled", "failed", "local_failed"])),
    )


@settings(max_examples=50)
@given(st.lists(forwards(), max_size=30), st.sets(scids))
def test_the_totals_of_several_channels_are_the_sum_of_the_totals_of_each(
    events: list[Forward], chosen: set[str]
) -> None:
    flows = total_flows(events, now=NOW, history_since=SINCE)
    together = total_flow(events, short_channel_ids=frozenset(chosen), now=NOW, days_observed=7.0)

    empty = FlowTotals(days_observed=7.0)
    assert together == sum_flows([empty, *(flows.get(scid, empty) for scid in chosen)])


@settings(max_examples=50)
@given(st.lists(forwards(), max_size=30))
def test_what_comes_in_is_what_goes_out_and_the_fees(events: list[Forward]) -> None:
    node = sum_flows(list(total_flows(events, now=NOW, history_since=SINCE).values()))

    assert node.in_7d_msat == node.out_7d_msat + node.revenue_7d_msat
    assert node.revenue_7d_msat == node.assist_7d_msat
    assert node.large.revenue_7d_msat == node.large.assist_7d_msat <= node.revenue_7d_msat
