"""The choice of most gain within a budget and a number of items: as good as trying all, and never dearer."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from recommendations.engine.knapsack import Item, choose

items = st.lists(st.builds(Item, st.integers(0, 30) | st.just(0), st.integers(1, 40)), max_size=9)


def try_all(given: list[Item], *, budget: int, most: int) -> int:
    choices = (choice for count in range(most + 1) for choice in combinations(given, count))
    return max(sum(one.gain for one in choice) for choice in choices if sum(one.cost for one in choice) <= budget)


@given(items, st.integers(0, 90), st.integers(0, 6))
def test_no_other_choice_gains_more(given: list[Item], budget: int, most: int) -> None:
    places = choose(given, budget=budget, most=most)
    chosen = [given[place] for place in places]
    assert sum(one.cost for one in chosen) <= budget
    assert len(set(places)) == len(places) <= most
    assert sum(one.gain for one in chosen) == try_all(given, budget=budget, most=most)


@given(st.lists(st.builds(Item, st.integers(0, 10**9), st.integers(1, 10**9)), max_size=80), st.integers(0, 10**10))
def test_the_budget_is_never_exceeded_whatever_is_offered(given: list[Item], budget: int) -> None:
    places = choose(given, budget=budget, most=10)
    assert sum(given[place].cost for place in places) <= budget
    assert len(set(places)) == len(places) <= 10


def test_dear_items_of_like_worth_are_chosen_from_within_a_moment() -> None:
    hard = [Item(cost, cost + 1000) for cost in range(101, 6101, 100)]
    places = choose(hard, budget=37_501, most=10)
    assert sum(hard[place].cost for place in places) <= 37_501
    assert len(places) == 10
