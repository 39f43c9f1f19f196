"""CLBOSS's three modders: their ranges, their defects not repeated, and the criterion its own test of prices sets."""

import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.draw import draw_unit, shuffle_numbers
from nodes.engine.memory import PriceCard, PriceDeck
from nodes.engine.policies.clboss.balance import count_bins, find_bin, move_bin, multiply_balance
from nodes.engine.policies.clboss.size import multiply_size
from nodes.engine.policies.clboss.theory import CARD_S, choose_centre, deal_deck, multiply_price, play_deck

TICK_S = 600
SEEDS = int(os.getenv("PRICE_THEORY_SEEDS", "8"))  # 200 of 200 hold; each takes a tenth of a second

capacities = st.integers(1, 10**10)
shares = st.floats(0, 1)


@given(capacities, shares)
def test_the_balance_multiplier_falls_from_7_07_to_0_14_as_our_side_fills(capacity_sat: int, share: float) -> None:
    multiplier = multiply_balance(find_bin(int(share * capacity_sat), capacity_sat), capacity_sat)

    assert 0.1414 < multiplier < 7.0711
    assert (
        multiply_balance(0, capacity_sat) >= multiplier >= multiply_balance(count_bins(capacity_sat) - 1, capacity_sat)
    )


def test_half_a_balance_multiplies_by_one() -> None:
    assert multiply_balance(2, 1_000_000) == pytest.approx(1.0)
    assert (count_bins(1), count_bins(1_000_000), count_bins(1_100_000), count_bins(10**9)) == (4, 5, 6, 50)


@given(capacities, st.integers(0, 49), shares, st.floats(0, 1, exclude_max=True))
def test_a_bin_moves_to_the_balance_or_one_short_of_it(
    capacity_sat: int, present: int, share: float, draw: float
) -> None:
    present = min(present, count_bins(capacity_sat) - 1)
    local_sat = int(share * capacity_sat)
    target = find_bin(local_sat, capacity_sat)

    moved = move_bin(present, local_sat, capacity_sat=capacity_sat, draw=draw)

    assert moved in {target, target + (present > target) - (present < target)}
    assert min(present, target) <= moved <= max(present, target)


def test_a_balance_near_the_border_of_its_bin_seldom_moves_into_it() -> None:
    into_empty = [move_bin(1, 190_000, capacity_sat=1_000_000, draw=(index + 0.5) / 100) for index in range(100)]
    into_full = [move_bin(3, 810_000, capacity_sat=1_000_000, draw=(index + 0.5) / 100) for index in range(100)]

    assert into_empty.count(0) == 5
    assert into_full.count(4) == 5


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_the_size_multiplier_stays_between_one_half_and_sixteen(smaller: int, larger: int, equal: int) -> None:
    multiplier = multiply_size(smaller=smaller, larger=larger, competitors=smaller + larger + equal)

    assert 0.5 - 1e-12 <= multiplier <= 16 + 1e-12


def test_competitors_of_exactly_our_size_divide_nothing_by_nothing() -> None:
    assert multiply_size(smaller=0, larger=0, competitors=7) == 1.0
    assert multiply_size(smaller=0, larger=0, competitors=0) == 1.0


@pytest.mark.parametrize(
    ("smaller", "larger", "expected"),
    [(0, 10, 0.5), (5, 5, 1.0), (1, 0, 16.0), (10, 0, 16 - math.log(10)), (10**7, 0, 2.0)],
)
def test_the_size_multiplier_is_that_of_our_place(smaller: int, larger: int, expected: float) -> None:
    competitors = smaller + larger

    assert multiply_size(smaller=smaller, larger=larger, competitors=competitors) == pytest.approx(expected)


@given(st.integers(-30, 30), st.text(max_size=8), st.integers(0, 1000))
def test_a_deck_holds_the_five_prices_round_its_centre(centre: int, seed: str, round_: int) -> None:
    deck = deal_deck(centre, seed=seed, round_=round_)

    assert sorted(deck.waiting) == [centre - 2, centre - 1, centre, centre + 1, centre + 2]
    assert sum(deck.waiting) == 5 * centre
    assert deal_deck(centre, seed=seed, round_=round_) == deck


@given(st.lists(st.tuples(st.integers(0, 2 * CARD_S), st.integers(0, 10**9)), max_size=60), st.text(max_size=8))
def test_no_fee_and_no_price_is_lost_while_a_round_is_played(steps: list[tuple[int, int]], seed: str) -> None:
    deck = deal_deck(0, seed=seed)
    prices = sorted(deck.waiting)
    earned_msat = 0
    for connected_s, fees_msat in steps:
        deck = play_deck(deck, connected_s=connected_s, earned_msat=fees_msat, seed=seed)
        earned_msat += fees_msat
        if deck.round:
            return
        assert sorted([*deck.waiting, *(card.price for card in deck.played)]) == prices
        assert deck.earned_msat + sum(card.earned_msat for card in deck.played) == earned_msat


def test_a_round_takes_five_cards_of_two_days_in_which_the_peer_is_connected() -> None:
    deck, ticks = deal_deck(0, seed="x"), 0
    while deck.round == 0:
        deck = play_deck(deck, connected_s=TICK_S, earned_msat=0, seed="x")
        ticks += 1
    assert ticks == 5 * 288
    assert deck.centre == 0

    waiting = play_deck(deck, connected_s=0, earned_msat=5, seed="x")
    assert (waiting.played_s, waiting.waiting, waiting.earned_msat) == (0, deck.waiting, 5)


def test_the_price_that_earned_most_is_the_next_centre() -> None:
    cards = [PriceCard(price=price, earned_msat=earned) for price, earned in ((0, 5), (2, 9), (1, 9), (-1, 0))]

    assert choose_centre(0, cards) == 1
    assert choose_centre(3, [PriceCard(price=price) for price in range(1, 6)]) == 3


@pytest.mark.parametrize(("price", "multiplier"), [(0, 1.0), (1, 1.2), (3, 1.728), (-1, 0.8), (-2, 0.64)])
def test_a_price_multiplies_by_powers_of_1_2_and_0_8(price: int, multiplier: float) -> None:
    assert multiply_price(PriceDeck(centre=price, round=0, waiting=[price])) == pytest.approx(multiplier)


@pytest.mark.parametrize(("optimum", "is_above_one"), [(2.1, True), (0.49, False)])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_prices_find_the_side_of_one_on_which_the_best_multiplier_lies(
    seed: int,
    optimum: float,
    is_above_one: bool,
) -> None:
    """CLBOSS's criterion (`tests/boss/test_feemodderbypricetheory.cpp`): 3,000 ticks, connected in nine of ten, asked
    one time in six; a fee is earned with a chance that falls with the distance from the optimum. The mean of the last
    300 multipliers asked for lies on its side of 1.
    """
    name = f"{seed}/{optimum}"
    deck, multipliers, multiplier = deal_deck(0, seed=name), [], 1.0
    for tick in range(3_000):
        if tick == 0 or draw_unit(name, tick, "ask") < 1 / 6:
            multiplier = multiply_price(deck)
            multipliers.append(multiplier)
        is_connected = draw_unit(name, tick, "connected") >= 0.1
        earned_msat = int(draw_unit(name, tick, "earn") > abs(multiplier - optimum) / 1.5)
        deck = play_deck(deck, connected_s=TICK_S if is_connected else 0, earned_msat=earned_msat, seed=name)
    last = multipliers[-300:]
    assert (sum(last) / len(last) > 1) is is_above_one


@given(st.text(), st.integers())
def test_a_draw_is_a_number_below_one_that_its_seed_decides(text: str, number: int) -> None:
    assert 0 <= draw_unit(text, number) < 1
    assert draw_unit(text, number) == draw_unit(text, number)


def test_draws_do_not_depend_on_the_machine_or_the_release() -> None:
    assert draw_unit("deck", 1) == 0.63833829848269
    assert shuffle_numbers(range(5), "a") == [3, 2, 1, 0, 4]
