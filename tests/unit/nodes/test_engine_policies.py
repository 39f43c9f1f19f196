"""The two strategies: their rows and borders, and the defects of others they must not repeat."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.engine.cycle import ChannelInput
from nodes.engine.document import FeePolicy, Limits, Values
from nodes.engine.policies import flow
from nodes.engine.policies.flow import PeerFlow, choose_step, price_flow
from nodes.engine.policies.proportional import prepare_proportional
from nodes.engine.strategies import FlowStrategy, ProportionalStrategy
from nodes.engine.types import FlowTotals, LargeFlow
from nodes.engine.wish import Wish
from tests.unit.nodes.engine_builders import (
    PROPORTIONAL,
    QUIET_WEEK,
    make_channel,
    make_cycle,
    make_input,
    make_policy,
)


def wish_flow(given: ChannelInput, strategy: FlowStrategy) -> Wish:
    return flow.wish_flow(make_cycle(), given, strategy=strategy)


def wish_proportional(given: ChannelInput, strategy: ProportionalStrategy = PROPORTIONAL) -> Wish:
    return prepare_proportional(make_cycle(), Values(), strategy=strategy)(given)


def make_peer_flow(**changes: int) -> PeerFlow:
    """A peer with half of 1,000,000 sat on our side, through which some payments went, in balance."""
    fields = {"capacity_sat": 1_000_000, "local_sat": 500_000, "in_1d_sat": 10_000, "in_7d_sat": 50_000}
    fields |= {"out_7d_sat": 50_000, "revenue_7d_msat": 20_000, "assist_7d_msat": 20_000, "failed_out_1d": 0}
    return PeerFlow(**(fields | changes))


IDLE = {"in_1d_sat": 0, "in_7d_sat": 0, "out_7d_sat": 0, "revenue_7d_msat": 0, "assist_7d_msat": 0}


@pytest.mark.parametrize(
    ("changes", "rule", "outbound_ppm", "inbound_ppm"),
    [
        ({"local_sat": 150_000, "failed_out_1d": 26, "in_1d_sat": 0}, "flow/low/failing", 25, -60),
        ({"local_sat": 150_000, "failed_out_1d": 25, "in_1d_sat": 0}, "flow/low/steady", 0, 0),
        ({"local_sat": 150_000, "failed_out_1d": 26, "in_1d_sat": 1000}, "flow/low/steady", 0, 0),
        ({"local_sat": 150_000, **IDLE}, "flow/low/steady", 0, 0),
        ({"local_sat": 150_001, **IDLE}, "flow/middle/idle", -15, 35),
        ({"out_7d_sat": 1_550_000}, "flow/middle/draining", 25, -62.5),
        ({"out_7d_sat": 1_050_000}, "flow/middle/steady", 0, 0),
        ({"local_sat": 949_999, **IDLE}, "flow/middle/idle", -15, 35),
        ({"local_sat": 950_000, **IDLE}, "flow/excess/idle", -25, 60),
        ({"local_sat": 950_000, "in_7d_sat": 50_001, "assist_7d_msat": 200_001}, "flow/excess/assisting", -25, 60),
        ({"local_sat": 950_000, "in_7d_sat": 50_001, "assist_7d_msat": 200_000}, "flow/excess/steady", 0, 0),
        ({"local_sat": 950_000, "in_7d_sat": 50_000, "assist_7d_msat": 200_001}, "flow/excess/steady", 0, 0),
    ],
)
def test_flow_steps_by_the_zone_of_the_peers_balance_and_what_flowed(
    changes: dict[str, int], rule: str, outbound_ppm: float, inbound_ppm: float
) -> None:
    step = choose_step(make_peer_flow(**changes), FlowStrategy())

    assert (step.rule, step.outbound_ppm, step.inbound_ppm) == (rule, outbound_ppm, inbound_ppm)


@pytest.mark.parametrize(
    ("present_ppm", "outbound_ppm", "increment_ppm", "new_ppm"),
    [
        (286, 0, 5, 285),
        (1250, 25, 100, 1300),
        (1225, 25, 100, 1200),
        (15, -25, 5, 0),
        (2490, 25, 5, 2500),
        (4, 0, 1, 4),
    ],
)
def test_flow_rounds_to_whole_increments_half_to_even_within_its_limits(
    present_ppm: int, outbound_ppm: float, increment_ppm: int, new_ppm: int
) -> None:
    step = msgspec.structs.replace(choose_step(make_peer_flow(), FlowStrategy()), outbound_ppm=outbound_ppm)
    strategy = FlowStrategy(increment_ppm=increment_ppm)

    assert price_flow(step, strategy, fee_rate_ppm=present_ppm, inbound_fee_rate_ppm=0).fee_rate_ppm == new_ppm


@pytest.mark.parametrize(("present_in", "inbound_ppm", "new_in"), [(0, -60, -60.0), (0, -600, -68.25), (-30, 60, 0.0)])
def test_a_flow_discount_is_bounded_by_the_present_outbound_rate_and_never_turns_into_a_surcharge(
    present_in: int, inbound_ppm: float, new_in: float
) -> None:
    step = msgspec.structs.replace(choose_step(make_peer_flow(), FlowStrategy()), inbound_ppm=inbound_ppm)
    price = price_flow(step, FlowStrategy(), fee_rate_ppm=105, inbound_fee_rate_ppm=present_in)

    assert price.inbound_fee_rate_ppm == pytest.approx(new_in, rel=1e-9)


def test_a_flow_wish_leaves_the_inbound_fee_alone_unless_asked_to_set_it() -> None:
    wish = wish_flow(make_input(), FlowStrategy())

    assert (wish.inbound_fee_rate_ppm, wish.inbound_base_fee_msat) == (None, None)


def test_a_flow_discount_gives_the_base_fee_back_and_takes_it_again_when_it_ends() -> None:
    failing = FlowTotals(days_observed=7.0, failed_out_1d=26)
    channel = make_channel(own_policy=make_policy(base_fee_msat=900, inbound_fee_rate_ppm=0, inbound_base_fee_msat=0))
    discount = wish_flow(
        make_input(channel=channel, peer={"local_sat": 1, "flow": failing}), FlowStrategy(set_inbound=True)
    )
    idle = wish_flow(make_input(peer={"local_sat": 500_000}), FlowStrategy(set_inbound=True))

    assert (discount.inbound_fee_rate_ppm, discount.inbound_base_fee_msat) == (-60, -900)
    assert (idle.inbound_fee_rate_ppm, idle.inbound_base_fee_msat) == (0, 0)


def test_flow_looks_at_all_channels_with_the_peer_and_not_at_the_channel() -> None:
    wish = wish_flow(make_input(peer={"capacity_sat": 10_000_000, "local_sat": 1_000_000}), FlowStrategy())

    assert wish.rule == "flow/low/steady"
    assert wish.reason.startswith("10 % of the capacity with this peer is ours")


def test_flow_reads_the_large_forwards_of_the_peer() -> None:
    large = LargeFlow(out_7d_sat=3_000_000)
    totals = FlowTotals(days_observed=7.0, out_7d_msat=0, large=large)
    wish = wish_flow(make_input(peer={"local_sat": 500_000, "flow": totals}), FlowStrategy())

    assert (wish.rule, wish.fee_rate_ppm) == ("flow/middle/draining", 840)


@pytest.mark.parametrize("changes", [{"flow": FlowTotals(days_observed=0.9)}, {"capacity_sat": 0}])
def test_flow_has_no_wish_without_data_instead_of_taking_silence_for_idleness(changes: dict[str, Any]) -> None:
    wish = wish_flow(make_input(peer=changes), FlowStrategy())

    assert (wish.rule, wish.fee_rate_ppm) == ("flow/no-data", None)
    assert "no data" in wish.reason


def test_flow_tells_the_days_it_has_seen_and_not_the_seven_it_would_like() -> None:
    two_days = FlowTotals(days_observed=2.0)

    assert "nothing flowed in 2 days" in wish_flow(make_input(peer={"flow": two_days}), FlowStrategy()).reason


def test_proportional_prices_by_our_share_of_the_balance() -> None:
    wish = wish_proportional(make_input(), PROPORTIONAL)

    assert (wish.rule, wish.fee_rate_ppm) == ("proportional", 125)  # int(50 + 0.08 * 950) = int(125.99...)
    assert wish.tell_reason() == "Local balance is 92 % of the channel"


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 5000), st.integers(0, 5000))
def test_proportional_never_gets_dearer_with_more_to_sell_and_stays_within_its_range(
    one_sat: int, other_sat: int, low_ppm: int, width_ppm: int
) -> None:
    strategy = ProportionalStrategy(min_fee_rate_ppm=low_ppm, max_fee_rate_ppm=low_ppm + width_ppm)

    def price(local_sat: int) -> int:
        channel = make_channel(local_balance_sat=local_sat, remote_balance_sat=10**6 - local_sat)
        return wish_proportional(make_input(channel), strategy).fee_rate_ppm or 0

    assert price(max(one_sat, other_sat)) <= price(min(one_sat, other_sat))
    assert low_ppm <= price(one_sat) <= low_ppm + width_ppm


# Defects of other programs, each of which must stay impossible here.


def test_two_empty_sides_are_no_division_by_zero_but_no_wish() -> None:
    """charge-lnd divides by zero."""
    wish = wish_proportional(make_input(channel=make_channel(local_balance_sat=0, remote_balance_sat=0)), PROPORTIONAL)

    assert (wish.rule, wish.fee_rate_ppm) == ("proportional/empty", None)


@pytest.mark.parametrize(("low", "excess"), [(95, 15), (50, 50)])
def test_flow_limits_that_cross_are_refused_and_not_silently_replaced(low: int, excess: int) -> None:
    """LNDg uses 5 and 95 instead, without a word."""
    document = {"strategy": "flow", "low_liquidity_percent": low, "excess_liquidity_percent": excess}

    with pytest.raises(msgspec.ValidationError, match="low_liquidity_percent: must be below"):
        msgspec.convert({"rules": [{"name": "default", "strategy": document}]}, FeePolicy)


def test_flow_has_one_default_for_the_low_limit_whatever_run_it_is() -> None:
    """LNDg says 15 in its settings and uses 5 on the first run."""
    assert msgspec.convert({}, FlowStrategy).low_liquidity_percent == FlowStrategy().low_liquidity_percent == 15


@pytest.mark.parametrize("shape", [Limits, ProportionalStrategy, FlowStrategy])
def test_a_lowest_fee_above_the_highest_is_refused(shape: type[Limits]) -> None:
    with pytest.raises(ValueError, match="must not be above max_fee_rate_ppm 10"):
        shape(min_fee_rate_ppm=11, max_fee_rate_ppm=10)


def test_a_fee_of_zero_can_be_wished() -> None:
    """BOS finds 0 ppm hard to set."""
    strategy = ProportionalStrategy(min_fee_rate_ppm=0, max_fee_rate_ppm=0)

    assert wish_proportional(make_input(), strategy).fee_rate_ppm == 0
    channel = make_channel(own_policy=make_policy(fee_rate_ppm=25))
    idle_excess = make_input(channel=channel, peer={"local_sat": 1_000_000})
    assert wish_flow(idle_excess, FlowStrategy()).fee_rate_ppm == 0


@pytest.mark.parametrize("ppm", [-15, 4_294_967_281])
def test_a_fee_below_zero_or_wrapped_around_is_refused_at_the_border(ppm: int) -> None:
    """In Torq -15 became 4294967281 ppm."""
    with pytest.raises(msgspec.ValidationError, match="max_fee_rate_ppm"):
        msgspec.convert({"max_fee_rate_ppm": ppm}, ProportionalStrategy)


@pytest.mark.parametrize(
    ("multiplier", "present_ppm"), list(itertools.product([1, 5, 100], [0, 1, 15, 2500, 1_000_000]))
)
def test_no_step_down_leads_below_zero(multiplier: int, present_ppm: int) -> None:
    channel = make_channel(own_policy=make_policy(fee_rate_ppm=present_ppm))
    strategy = FlowStrategy(multiplier=multiplier, set_inbound=True)
    wish = wish_flow(make_input(channel=channel, peer={"flow": QUIET_WEEK}), strategy)

    assert wish.fee_rate_ppm is not None
    assert wish.inbound_fee_rate_ppm is not None
    assert 0 <= wish.fee_rate_ppm <= 2500
    assert wish.inbound_fee_rate_ppm <= 0


def test_more_local_balance_never_asks_for_a_higher_fee() -> None:
    """The first engine of this project raised fees on high local balance, against every other program."""
    shares = [
        make_channel(local_balance_sat=sat, remote_balance_sat=1_000_000 - sat) for sat in range(0, 1_000_001, 50_000)
    ]
    wishes = [wish_proportional(make_input(channel=channel), PROPORTIONAL).fee_rate_ppm for channel in shares]

    assert wishes[0] == 1000
    assert wishes[-1] == 50
    assert all(
        dearer is not None and cheaper is not None and dearer > cheaper
        for dearer, cheaper in itertools.pairwise(wishes)
    )
