"""The choice of most gain within a budget and a number of items: as good as trying all, and never dearer."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.engine import knapsack
from recommendations.engine.knapsack import Item, choose

items = st.lists(st.builds(Item, st.integers(0, 30) | st.just(0), st.integers(1, 40)), max_size=9)


pairs = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=14)
Pairs = list[tuple[int, int]]


def try_all(given: list[Item], *, budget: int, most: int, rivals: Pairs) -> int:
    choices = (choice for count in range(most + 1) for choice in combinations(range(len(given)), count))
    allowed = (choice for choice in choices if not any(one in choice and other in choice for one, other in rivals))
    return max(
        sum(given[place].gain for place in choice)
        for choice in allowed
        if sum(given[place].cost for place in choice) <= budget
    )


def clean(rivals: Pairs, given: list[Item]) -> Pairs:
    return [(one, other) for one, other in rivals if one != other and max(one, other) < len(given)]


@given(items, st.integers(0, 90), st.integers(0, 6), pairs)
def test_no_other_choice_gains_more(given: list[Item], budget: int, most: int, rivals: Pairs) -> None:
    rivals = clean(rivals, given)
    found = choose(given, budget=budget, most=most, rivals=rivals)
    chosen = [given[place] for place in found.places]
    assert sum(one.cost for one in chosen) <= budget
    assert len(set(found.places)) == len(found.places) <= most
    assert not any({one, other} <= set(found.places) for one, other in rivals)
    assert sum(one.gain for one in chosen) == found.gain == found.at_most
    assert found.gain == try_all(given, budget=budget, most=most, rivals=rivals)


@given(items, st.integers(0, 90), st.integers(0, 6), pairs, st.integers(1, 9))
def test_where_choices_were_given_up_the_best_is_within_what_is_told(
    given: list[Item], budget: int, most: int, rivals: Pairs, few: int
) -> None:
    rivals = clean(rivals, given)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(knapsack, "MAX_STATES", 1)
        patch.setattr(knapsack, "MAX_ITEMS", few)
        patch.setattr(knapsack, "GREEDY_TRIES", 1)
        found = choose(given, budget=budget, most=most, rivals=rivals)
    assert found.gain <= try_all(given, budget=budget, most=most, rivals=rivals) <= found.at_most
    assert not any({one, other} <= set(found.places) for one, other in rivals)


@given(st.lists(st.builds(Item, st.integers(0, 10**9), st.integers(1, 10**9)), max_size=80), st.integers(0, 10**10))
def test_the_budget_is_never_exceeded_whatever_is_offered(given: list[Item], budget: int) -> None:
    places = choose(given, budget=budget, most=10).places
    assert sum(given[place].cost for place in places) <= budget
    assert len(set(places)) == len(places) <= 10


def test_dear_items_of_like_worth_are_chosen_from_within_a_moment() -> None:
    hard = [Item(cost, cost + 1000) for cost in range(101, 6101, 100)]
    found = choose(hard, budget=37_501, most=10)
    assert sum(hard[place].cost for place in found.places) <= 37_501
    assert len(found.places) == 10
    assert found.gain <= found.at_most <= 1.0001 * found.gain


def test_of_more_items_than_are_looked_at_the_best_ten_are_known_to_be_the_best() -> None:
    many = [Item(0, gain) for gain in range(1, 501)]
    found = choose(many, budget=0, most=10)
    assert found.places == tuple(range(490, 500))
    assert found.gain == found.at_most
