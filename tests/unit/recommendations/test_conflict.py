"""Advice that cannot be done beside another names it, and no gain is counted twice."""

from msgspec.structs import replace

from recommendations.engine.advice import Advice, Estimate, Kind
from recommendations.engine.adviser import advise
from recommendations.engine.conflict import find_conflicts
from recommendations.engine.expected import add_up
from recommendations.engine.params import BelowRefill, FeeChange
from tests.unit.recommendations.builders import make_dry, make_seller, make_survey, make_surveyed
from tests.unit.recommendations.test_priority import (
    make_advice,
    make_closing,
    make_fee,
    make_opening,
    make_rebalance,
    make_unsynced,
    name,
)


def exclude_each_other(one: Advice, other: Advice) -> bool:
    found = find_conflicts([one, other])
    assert found in ({}, {one.id: (other.id,), other.id: (one.id,)})
    return bool(found)


def lower(fee: Advice) -> Advice:
    assert isinstance(fee.params, FeeChange)
    return replace(fee, params=replace(fee.params, direction="lower"))


def make_second(number: int) -> Advice:
    """Another channel to the peer of channel `number`."""
    opening = make_opening(name(number).peer_pubkey, estimated_impact=Estimate(mean=9.0))
    return replace(opening, params=replace(opening.params, is_peer=True))


def test_a_channel_is_not_closed_and_priced_filled_or_emptied_as_well() -> None:
    for other in (make_fee(1), lower(make_fee(1)), make_rebalance(1, 2), make_rebalance(2, 1), make_second(1)):
        assert exclude_each_other(make_closing(1), other)
    for other in (make_fee(2), make_rebalance(2, 3), make_second(2), make_closing(2), make_unsynced()):
        assert not exclude_each_other(make_closing(1), other)


def test_nothing_is_moved_into_a_channel_and_out_of_it() -> None:
    assert exclude_each_other(make_rebalance(1, 2), make_rebalance(2, 3))
    assert not exclude_each_other(make_rebalance(1, 2), make_rebalance(3, 4))


def test_one_demand_is_met_once() -> None:
    assert exclude_each_other(make_rebalance(1, 2), make_second(1))
    assert not exclude_each_other(make_rebalance(2, 1), make_second(1))


def test_a_fee_is_not_lowered_where_a_rebalance_counts_on_the_old_one() -> None:
    assert exclude_each_other(lower(make_fee(1)), make_rebalance(1, 2))
    assert exclude_each_other(lower(make_fee(2)), make_rebalance(1, 2))
    assert not exclude_each_other(make_fee(1), make_rebalance(1, 2))


def test_what_does_not_pay_its_refill_is_not_filled_or_cheapened() -> None:
    below = make_advice(
        Kind.COST, BelowRefill(channel=name(1), earns_ppm=1, refill_ppm=2, drain_sat_per_day=1, local_percent=9)
    )
    assert exclude_each_other(below, make_rebalance(1, 2))
    assert exclude_each_other(below, lower(make_fee(1)))
    assert not exclude_each_other(below, make_fee(1))


def test_the_sum_counts_no_sat_twice() -> None:
    """A channel that runs dry is advised to be filled, and another one beside it: both gains are of the same sats."""
    survey = make_survey(
        make_dry(1, make_seller(300_000, count=300)),
        make_surveyed(2, make_seller(1_000, ppm=1), local_balance_sat=4_900_000, remote_balance_sat=90_000),
    )
    found = advise(survey)
    [rebalance] = [one for one in found.advice if one.kind == Kind.REBALANCE]
    [opening] = [one for one in found.advice if one.kind == Kind.OPEN_CHANNEL]
    assert found.conflicts == {rebalance.id: (opening.id,), opening.id: (rebalance.id,)}
    total = add_up(found.advice, found.conflicts)
    first = next(one for one in found.advice if one.kind in {Kind.REBALANCE, Kind.OPEN_CHANNEL})
    assert (total.sat_per_day, total.counted, total.excluded) == (round(first.estimated_impact.mean or 0, 3), 1, 1)
    assert total.without_number == len(found.advice) - 2
