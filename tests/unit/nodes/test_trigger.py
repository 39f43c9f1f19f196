"""What makes a box due before its turn: each thing that happens speaks once, and not again for every wobble."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.report import ChannelState, NodeSnapshot
from nodes.engine.trigger import REST, Watch, find_price, watch_forwards, watch_snapshot
from tests.factories import TAKEN_AT, make_channel, make_forward, make_snapshot

CAPACITY = 1_000_000


def make_state(percent: int, number: int = 1, **changes: Any) -> ChannelState:
    local = CAPACITY * percent // 100
    return make_channel(
        number, capacity_sat=CAPACITY, local_balance_sat=local, remote_balance_sat=CAPACITY - local, **changes
    )


def make_report(*channels: ChannelState, hours: float = 0, fees: dict[int, float] | None = None) -> NodeSnapshot:
    node = msgspec.structs.replace(
        make_snapshot().node, onchain_fees={str(target): rate for target, rate in (fees or {}).items()}
    )
    return make_snapshot(1, list(channels), node=node, taken_at=TAKEN_AT + dt.timedelta(hours=hours))


def hear(*reports: NodeSnapshot) -> list[list[str]]:
    """The kinds that speak, report by report, after the first."""
    watch, heard = Watch(), []
    for report in reports:
        watch, speaking = watch_snapshot(watch, report)
        heard.append([trigger.kind for trigger in speaking])
    assert heard[0] == []
    return heard[1:]


def hear_ratios(*percents: int) -> list[list[str]]:
    """Reports two hours apart, so that nothing rests."""
    return hear(*(make_report(make_state(percent), hours=2 * hour) for hour, percent in enumerate(percents)))


def test_a_channel_that_runs_dry_speaks_once_until_it_has_recovered() -> None:
    assert hear_ratios(50, 9, 5, 12, 9, 19, 9) == [["channel-depleted"], [], [], [], [], []]
    assert hear_ratios(50, 9, 21, 9) == [["channel-depleted"], [], ["channel-depleted"]]


def test_a_channel_that_is_full_speaks_once_until_it_has_room_again() -> None:
    assert hear_ratios(50, 91, 85, 95) == [["channel-full"], [], []]
    assert hear_ratios(50, 91, 79, 95) == [["channel-full"], [], ["channel-full"]]


@given(st.lists(st.integers(10, 20), min_size=1, max_size=30))
def test_whatever_happens_between_the_edges_nothing_speaks(percents: list[int]) -> None:
    heard = hear_ratios(50, *percents)
    assert not any(heard)


def test_of_the_first_report_nothing_is_news() -> None:
    _, speaking = watch_snapshot(Watch(), make_report(make_state(1), make_state(99, 2, active=False)))
    assert speaking == []


def test_a_peer_is_gone_with_its_last_active_channel_and_back_with_the_first() -> None:
    peer = make_channel(1).peer_pubkey

    def report(hour: int, *active: bool) -> NodeSnapshot:
        states = [make_state(50, number, peer_pubkey=peer, active=is_on) for number, is_on in enumerate(active, 1)]
        return make_report(*states, hours=2 * hour)

    heard = hear(report(0, True, True), report(1, True, False), report(2, False, False), report(3, False, True))
    assert heard == [[], ["peer-gone"], ["peer-back"]]


def test_a_peer_whose_channels_are_closed_is_not_back() -> None:
    reports = [make_report(make_state(50), make_state(50, 2, active=False)), make_report(make_state(50), hours=2)]
    assert hear(*reports) == [[]]


def test_a_new_channel_speaks() -> None:
    assert hear(make_report(make_state(50)), make_report(make_state(50), make_state(100, 2), hours=2)) == [
        ["channel-full", "channel-new"]
    ]


def test_a_flapping_peer_speaks_once_an_hour() -> None:
    minute = 1 / 60
    reports = [make_report(make_state(50, active=number % 2 == 0), hours=number * minute) for number in range(59)]
    assert [kind for kinds in hear(*reports) for kind in kinds] == ["peer-gone", "peer-back"]
    assert dt.timedelta(hours=1) == REST


def hear_prices(*prices: float) -> list[list[str]]:
    reports = [make_report(make_state(50), hours=2 * hour, fees={6: price}) for hour, price in enumerate(prices)]
    return hear(*reports)


def test_the_price_of_on_chain_fees_speaks_when_it_is_half_as_much_again() -> None:
    assert hear_prices(10, 14, 15, 20, 23) == [[], ["on-chain-fees"], [], ["on-chain-fees"]]
    assert hear_prices(30, 21, 20) == [[], ["on-chain-fees"]]


def test_a_creeping_price_is_measured_from_where_it_last_spoke() -> None:
    assert hear_prices(10, 12, 14, 16) == [[], [], ["on-chain-fees"]]


def test_where_fees_are_next_to_nothing_twice_as_much_is_still_nothing() -> None:
    assert hear_prices(1, 2, 1, 2.9) == [[], [], []]


def test_a_node_that_tells_no_price_keeps_the_last_one_known() -> None:
    reports = [make_report(make_state(50), hours=h, fees=fees) for h, fees in ((0, {6: 10.0}), (2, {}), (4, {6: 30.0}))]
    assert hear(*reports) == [[], ["on-chain-fees"]]


@pytest.mark.parametrize(
    ("estimates", "price"), [({}, None), ({2: 9.0, 6: 5.0, 144: 1.0}, 5.0), ({3: 7.0, 9: 5.0}, 7.0), ({144: 1.0}, 1.0)]
)
def test_the_price_is_that_of_about_an_hour(estimates: dict[int, float], price: float | None) -> None:
    assert find_price(estimates) == price


def make_failed(count: int, *, minutes_ago: int, first: int = 0) -> list[Any]:
    at = TAKEN_AT - dt.timedelta(minutes=minutes_ago)
    return [make_forward(number, status="failed", settled_at=at) for number in range(first, first + count)]


@pytest.mark.parametrize(
    ("recent", "before", "speaks"), [(19, 0, False), (20, 0, True), (30, 230, True), (29, 230, False), (0, 900, False)]
)
def test_a_surge_is_many_failed_forwards_and_three_times_the_usual(recent: int, before: int, speaks: bool) -> None:
    forwards = [*make_failed(before, minutes_ago=600, first=1000), *make_failed(recent, minutes_ago=5)]
    watch, speaking = watch_forwards(Watch(), forwards, now=TAKEN_AT)
    assert [trigger.kind for trigger in speaking] == (["forwards-failing"] if speaks else [])
    assert watch.waiting == speaking
    assert watch_forwards(watch, forwards, now=TAKEN_AT)[1] == []
