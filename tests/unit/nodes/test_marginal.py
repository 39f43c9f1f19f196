"""Our own policy: what it learns of a channel's demand, and the price that follows."""

import datetime as dt
import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, FlowWindow, Memories
from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy, Rule
from nodes.engine.market import PeerMarket
from nodes.engine.memory import ChannelMemories, MarginalMemory, PriceOffer
from nodes.engine.policies.marginal.demand import (
    WIDTH,
    choose_level,
    expect_payments,
    find_level,
    learn_demand,
    price_level,
)
from nodes.engine.policies.marginal.lesson import DAY_S, PERIODS_S, take_lesson
from nodes.engine.policy_change import PolicyChange
from nodes.engine.prepare import list_periods, looks_at_market
from nodes.engine.stateful_strategies import MarginalStrategy
from nodes.engine.types import ChannelDecision, FlowTotals
from tests.unit.nodes.engine_builders import NOW, make_channel, make_cycle, make_input, make_policy, make_policy_of

LEVELS = range(13, 69)  # 5 to 4,900 ppm
WEEK = FlowTotals(days_observed=7.0, out_7d_msat=140_000_000, out_forwards_7d=7, revenue_7d_msat=42_000)
MARKET = PeerMarket(
    channels=3,
    median_base_fee_msat=0,
    median_fee_rate_ppm=400,
    mean_fee_rate_ppm=400.0,
    p10_ppm=100,
    p25_ppm=200,
    p75_ppm=800,
    p95_ppm=1_600,
    competitors=3,
    smaller=1,
    larger=2,
)
offers = st.lists(
    st.builds(PriceOffer, level=st.integers(0, 80), days=st.floats(0, 60), payments=st.floats(0, 500)), max_size=6
)


def make_offer(fee_rate_ppm: int, *, days: float, payments: float) -> PriceOffer:
    return PriceOffer(level=find_level(fee_rate_ppm), days=days, payments=payments)


def choose_price(*seen: PriceOffer, cost_ppm: float = 0.0) -> int:
    belief = learn_demand(seen, expected_ppm=400, expected_a_day=1.0)
    return price_level(choose_level(belief, LEVELS, cost_ppm=cost_ppm))


def make_windows(htlcs_out: int, *, is_covered: bool = True) -> dict[int, FlowWindow]:
    return {period: FlowWindow(is_covered=is_covered, htlcs_out=htlcs_out) for period in PERIODS_S}


def learn(memory: MarginalMemory | None, given_: ChannelInput, *, hours: float = 24) -> MarginalMemory:
    memories: ChannelMemories = {"marginal": memory} if memory else {}
    return take_lesson(replace(given_, memory=memories), now=NOW + dt.timedelta(hours=hours), half_life_days=8)


def decide(given_: ChannelInput, strategy: MarginalStrategy | None = None) -> tuple[ChannelDecision, Memories]:
    decided = decide_node(make_cycle(make_policy_of(strategy or MarginalStrategy())), [given_])
    return decided.decisions[0], decided.memories


@given(offers, st.floats(20, 3_000), st.floats(0.001, 100))
def test_fewer_payments_are_expected_at_every_higher_price(
    seen: list[PriceOffer], expected_ppm: float, a_day: float
) -> None:
    belief = learn_demand(seen, expected_ppm=expected_ppm, expected_a_day=a_day)
    payments = [expect_payments(belief, level) for level in LEVELS]

    assert all(one > other >= 0 for one, other in itertools.pairwise(payments))


@given(offers, st.floats(-500, 500), st.floats(1, 500))
def test_what_costs_more_to_have_again_is_never_sold_for_less(
    seen: list[PriceOffer], cost_ppm: float, more_ppm: float
) -> None:
    assert choose_price(*seen, cost_ppm=cost_ppm + more_ppm) >= choose_price(*seen, cost_ppm=cost_ppm)


def test_the_demand_s_elasticity_is_the_measured_one_where_half_of_the_payments_are_left() -> None:
    middle = find_level(400)
    many = [make_offer(400, days=1_000, payments=1_000), make_offer(20, days=1_000, payments=1_953)]
    belief = learn_demand(many, expected_ppm=400, expected_a_day=1.0)
    slope = math.log(expect_payments(belief, middle + 1) / expect_payments(belief, middle - 1)) * 8 / 2

    assert slope == pytest.approx(-0.5 / WIDTH, abs=0.05)
    assert abs(0.5 / WIDTH - 0.62) < 0.01


def test_payments_at_a_price_ask_for_more_and_none_for_less() -> None:
    untried = choose_price()

    assert choose_price(make_offer(800, days=20, payments=40)) > untried
    assert choose_price(make_offer(400, days=20, payments=0)) < untried


def test_a_lesson_counts_the_days_a_price_stood_and_the_payments_that_took_it() -> None:
    given_ = make_input(windows=make_windows(3))

    first = learn(None, given_)
    second = learn(first, given_, hours=48)

    assert first.offers == [PriceOffer(level=find_level(800), days=7.0, payments=3.0)]
    assert second.offers == [
        PriceOffer(level=find_level(800), days=pytest.approx(7.419, abs=0.01), payments=pytest.approx(5.751, abs=0.01))
    ]


def test_a_run_soon_after_a_lesson_or_a_change_of_the_price_learns_nothing() -> None:
    given_ = make_input(windows=make_windows(3))
    known = learn(None, given_)
    moved = PolicyChange(at=NOW + dt.timedelta(hours=20), by="engine", new_fee_rate_ppm=800)

    assert learn(known, given_, hours=30) == known
    assert learn(known, replace(given_, changes=[moved]), hours=48 - 5) == known
    assert learn(known, replace(given_, changes=[moved]), hours=47).offers != known.offers


def test_days_without_balance_to_sell_are_no_sign_that_the_price_is_too_high() -> None:
    dry = make_input(make_channel(local_balance_sat=0, remote_balance_sat=1_000_000), windows=make_windows(0))

    assert learn(None, dry).offers == []


def test_a_history_that_is_not_known_teaches_nothing() -> None:
    given_ = make_input(windows=make_windows(0, is_covered=False))

    assert learn(None, given_).offers == []


def test_an_empty_channel_is_dearer_than_a_full_one_and_both_say_why() -> None:
    prices = {}
    for local_sat in (50_000, 950_000):
        channel = make_channel(
            local_balance_sat=local_sat,
            remote_balance_sat=1_000_000 - local_sat,
            own_policy=make_policy(fee_rate_ppm=900),
        )
        given_ = make_input(channel, flow=WEEK, market=MARKET, windows=make_windows(1))
        decision, _ = decide(given_, MarginalStrategy(depletion_weight=5.0))
        assert decision.proposed_policy is not None
        prices[local_sat] = decision.proposed_policy.fee_rate_ppm
        assert "1.0 payments left by it in 7.0 days with balance to sell" in decision.reason
        assert "ppm halve the demand" in decision.reason

    assert prices[50_000] > prices[950_000]


def test_a_price_goes_to_what_is_expected_at_once_and_beyond_it_in_steps_and_not_twice_in_a_day() -> None:
    cheap = make_input(make_channel(own_policy=make_policy(fee_rate_ppm=10)), flow=WEEK, market=MARKET)
    settled = replace(cheap, channel=make_channel(own_policy=make_policy(fee_rate_ppm=320)), windows=make_windows(60))
    recent = PolicyChange(at=NOW - dt.timedelta(hours=2), by="engine", old_fee_rate_ppm=5, new_fee_rate_ppm=10)

    first, _ = decide(cheap)
    raised, _ = decide(settled)
    rested, _ = decide(replace(cheap, changes=[recent]))

    assert first.proposed_policy is not None
    assert raised.proposed_policy is not None
    assert (first.rule, first.proposed_policy.fee_rate_ppm) == ("marginal/raise", price_level(find_level(280)))
    assert (raised.rule, raised.proposed_policy.fee_rate_ppm) == ("marginal/raise", price_level(find_level(640)))
    assert (rested.direction, rested.held_by) == ("keep", "cooldown_s")


def test_without_a_day_of_history_there_is_no_price() -> None:
    decision, memories = decide(make_input(flow=FlowTotals(days_observed=0.5)))

    assert (decision.direction, decision.rule) == ("keep", "marginal/no-data")
    assert "no data" in decision.reason
    assert memories.channels == {}


def test_the_policy_asks_for_its_windows_and_for_the_market() -> None:
    document = FeePolicy(rules=[Rule(name="all", strategy=MarginalStrategy())])

    assert list_periods(document) == list(PERIODS_S)
    assert PERIODS_S[0] == DAY_S
    assert looks_at_market(document)
