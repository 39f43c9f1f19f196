"""Which items bring most together, within a budget and a number of items. Exact: integers, and no rounding inside."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

MAX_ITEMS = 60  # of more, those that gain most
MAX_STATES = 1_000
PRICES = 4
GREEDY_TRIES = 20


class Item(NamedTuple):
    """`cost`: 0 or more. `gain`: above 0."""

    cost: int
    gain: int


class _State(NamedTuple):
    cost: int
    gain: int
    picks: tuple[int, ...]


def choose(items: Sequence[Item], *, budget: int, most: int) -> tuple[int, ...]:
    """The places of the chosen items, ascending: no other choice gains more.

    Dynamic programming over the choices nobody beats (as many items, no dearer, no less gain), without those that can
    no longer reach the best one known (Nemhauser and Ullmann 1969). Where more than MAX_STATES are left, which takes
    dozens of items made for it, those that promise least go: then the choice may miss the best one.
    """
    places = sorted(range(len(items)), key=lambda place: (-items[place].gain, items[place].cost, place))[:MAX_ITEMS]
    order = [place for place in places if items[place].cost <= budget]
    order.sort(key=lambda place: (-items[place].gain / max(items[place].cost, 1e-9), place))
    states = [_State(0, 0, ())]
    best = _fill(states[0], items, rest=order, limits=(budget, most))
    for at, place in enumerate(order):
        states = list(_keep_unbeaten([*states, *_extend(states, items[place], place=place, budget=budget, most=most)]))
        rest = order[at + 1 :]
        bound = _Bound([items[later] for later in rest])
        hopes = [(one.gain + bound.measure(budget - one.cost, most - len(one.picks)), one) for one in states]
        hopes.sort(key=lambda hope: -hope[0])
        best = max(
            [best, *(_fill(one, items, rest=rest, limits=(budget, most)) for _, one in hopes[:GREEDY_TRIES])],
            key=lambda state: (state.gain, -state.cost),
        )
        states = [one for hope, one in hopes[:MAX_STATES] if hope > best.gain]
    return tuple(sorted(best.picks))


def _extend(states: Sequence[_State], item: Item, *, place: int, budget: int, most: int) -> Iterator[_State]:
    for state in states:
        if state.cost + item.cost <= budget and len(state.picks) < most:
            yield _State(state.cost + item.cost, state.gain + item.gain, (*state.picks, place))


def _keep_unbeaten(states: list[_State]) -> Iterator[_State]:
    """Of as many items each, those that gain more than all cheaper ones."""
    states.sort(key=lambda state: (len(state.picks), state.cost, -state.gain))
    count, gain = -1, -1
    for state in states:
        if len(state.picks) != count or state.gain > gain:
            count, gain = len(state.picks), state.gain
            yield state


def _fill(state: _State, items: Sequence[Item], *, rest: Sequence[int], limits: tuple[int, int]) -> _State:
    """What greed adds: a choice that can be made, so the best is no worse."""
    budget, most = limits
    cost, gain, picks = state
    for place in rest:
        if len(picks) < most and cost + items[place].cost <= budget:
            cost, gain, picks = cost + items[place].cost, gain + items[place].gain, (*picks, place)
    return _State(cost, gain, picks)


class _Bound:
    """What can be added at most: Dantzig's bound, with a price on each item for the limit of their number.

    For any price p of 0 or more: (items allowed) * p + the fractional best of gain - p. The least of several is taken.
    """

    def __init__(self, rest: Sequence[Item]) -> None:
        gains = sorted(item.gain for item in rest)
        prices = {0, *(gains[len(gains) * part // PRICES] for part in range(PRICES) if gains)}
        self._lines = [(price, *_add_up(rest, price)) for price in sorted(prices)]

    def measure(self, budget: int, most: int) -> int:
        return min(price * most + _read_line(costs, gains, budget=budget) for price, costs, gains in self._lines)


def _add_up(rest: Sequence[Item], price: int) -> tuple[list[int], list[int]]:
    """Costs and gains of the first so many, by falling gain for the cost."""
    worth = [Item(item.cost, item.gain - price) for item in rest if item.gain > price]
    worth.sort(key=lambda item: -item.gain / max(item.cost, 1e-9))
    return list(accumulate((one.cost for one in worth), initial=0)), list(
        accumulate((one.gain for one in worth), initial=0)
    )


def _read_line(costs: list[int], gains: list[int], *, budget: int) -> int:
    at = bisect_right(costs, budget) - 1
    if at == len(costs) - 1:
        return gains[at]
    return gains[at] - (gains[at + 1] - gains[at]) * (budget - costs[at]) // -(costs[at + 1] - costs[at])
