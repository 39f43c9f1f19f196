"""Which items bring most together, within a budget and a number of items, no two of them rivals. All in integers."""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

MAX_ITEMS = 60  # of more, those that gain most
MAX_STATES = 1_000
PRICES = 2
GREEDY_TRIES = 20
Pair = tuple[int, int]


class Item(NamedTuple):
    """`cost`: 0 or more. `gain`: above 0."""

    cost: int
    gain: int


class Choice(NamedTuple):
    """`places`: of the chosen items, ascending. `at_most`: no choice gains more; as much as `gain`: it is the best."""

    places: tuple[int, ...] = ()
    gain: int = 0
    at_most: int = 0


class _State(NamedTuple):
    """`barred`: a bit for each place still to come that a pick rules out."""

    cost: int
    gain: int
    picks: tuple[int, ...]
    barred: int = 0


class _Limits(NamedTuple):
    budget: int
    most: int
    rivals: Sequence[int]  # of each place, a bit for each other that it rules out


def choose(items: Sequence[Item], *, budget: int, most: int, rivals: Collection[Pair] = ()) -> Choice:
    """What gains most together; of two places that are `rivals` one at most.

    Dynamic programming over the choices nobody beats (as many items, ruling out as much, no dearer, no less gain),
    without those that can no longer reach the best one known (Nemhauser and Ullmann 1969). Where more than MAX_STATES
    are left, which takes dozens of items made for it, those that promise least go: what they promised stays in
    `at_most`.
    """
    limits = _Limits(budget, most, _list_rivals(len(items), rivals))
    affordable = [place for place in range(len(items)) if items[place].cost <= budget]
    affordable.sort(key=lambda place: (-items[place].gain, items[place].cost, place))
    order = _order(items, affordable[:MAX_ITEMS], rivals=limits.rivals)
    found, promised = _search(items, order, limits=limits)
    if len(affordable) > MAX_ITEMS:
        promised = max(promised, _promise([items[place] for place in affordable], budget=budget, most=most))
    return Choice(tuple(sorted(found.picks)), found.gain, max(found.gain, promised))


def _search(items: Sequence[Item], order: Sequence[int], *, limits: _Limits) -> tuple[_State, int]:
    """The best state, and the most that any of those given up promised; 0: none was."""
    states, promised = [_State(0, 0, ())], 0
    price = _find_price([items[place] for place in order], budget=limits.budget, most=limits.most)
    best = _fill(states[0], items, rest=order, limits=limits)
    for at, place in enumerate(order):
        rest = order[at + 1 :]
        states = [*states, *_extend(states, items[place], place=place, limits=limits)]
        states = list(_keep_unbeaten(states, rest=sum(1 << later for later in rest)))
        bound = _Bound([items[later] for later in rest], price)
        hopes = [
            (one.gain + bound.measure(limits.budget - one.cost, limits.most - len(one.picks)), one) for one in states
        ]
        hopes.sort(key=lambda hope: -hope[0])
        best = max(
            [best, *(_fill(one, items, rest=rest, limits=limits) for _, one in hopes[:GREEDY_TRIES])],
            key=lambda state: (state.gain, -state.cost),
        )
        promised = max([promised, *(hope for hope, _ in hopes[MAX_STATES : MAX_STATES + 1])])
        states = [one for hope, one in hopes[:MAX_STATES] if hope > best.gain]
    return best, promised


def _list_rivals(count: int, rivals: Collection[Pair]) -> list[int]:
    masks = [0] * count
    for one, other in rivals:
        masks[one] |= 1 << other
        masks[other] |= 1 << one
    return masks


def _order(items: Sequence[Item], places: Sequence[int], *, rivals: Sequence[int]) -> list[int]:
    """By falling gain for the cost; those that rule each other out one after the other, so that few choices differ by
    what they rule out.
    """
    by_worth = sorted(places, key=lambda place: (-items[place].gain / max(items[place].cost, 1e-9), place))
    ordered: dict[int, None] = {}
    for place in by_worth:
        group = [place]
        for one in group:  # it grows
            group += [other for other in by_worth if rivals[one] >> other & 1 and other not in group]
        ordered |= dict.fromkeys(other for other in by_worth if other in group)
    return list(ordered)


def _extend(states: Sequence[_State], item: Item, *, place: int, limits: _Limits) -> Iterator[_State]:
    for state in states:
        if _may_add(state, item, place=place, limits=limits):
            yield _add(state, item, place=place, limits=limits)


def _may_add(state: _State, item: Item, *, place: int, limits: _Limits) -> bool:
    is_barred = state.barred >> place & 1
    return not is_barred and state.cost + item.cost <= limits.budget and len(state.picks) < limits.most


def _add(state: _State, item: Item, *, place: int, limits: _Limits) -> _State:
    barred = state.barred | limits.rivals[place]
    return _State(state.cost + item.cost, state.gain + item.gain, (*state.picks, place), barred)


def _keep_unbeaten(states: list[_State], *, rest: int) -> Iterator[_State]:
    """Of as many items each, that rule out the same of the rest, those that gain more than all cheaper ones."""
    states.sort(key=lambda state: (state.barred & rest, len(state.picks), state.cost, -state.gain))
    kind, gain = (-1, -1), -1
    for state in states:
        its = (state.barred & rest, len(state.picks))
        if its != kind or state.gain > gain:
            kind, gain = its, state.gain
            yield state


def _fill(state: _State, items: Sequence[Item], *, rest: Sequence[int], limits: _Limits) -> _State:
    """What greed adds: a choice that can be made, so the best is no worse."""
    for place in rest:
        if _may_add(state, items[place], place=place, limits=limits):
            state = _add(state, items[place], place=place, limits=limits)
    return state


def _promise(items: Sequence[Item], *, budget: int, most: int) -> int:
    """What so many of them gain at most, rivals or not."""
    price = _find_price(items, budget=budget, most=most)
    return min(
        _Bound(items, price).measure(budget, most), sum(sorted((item.gain for item in items), reverse=True)[:most])
    )


class _Bound:
    """What can be added at most: Dantzig's bound, with a price on each item for the limit of their number.

    For any price p of 0 or more: (items allowed) * p + the fractional best of gain - p. The least of several is taken:
    of that which is best for all items, and of those around what the rest gains. No more items than the cheapest that
    fit into the budget.
    """

    def __init__(self, rest: Sequence[Item], price: int) -> None:
        gains = sorted(item.gain for item in rest)
        prices = {0, price, *(gains[len(gains) * part // PRICES] for part in range(PRICES) if gains)}
        self._cheapest = list(accumulate(sorted(item.cost for item in rest)))
        self._lines = [(price, *_add_up(rest, price)) for price in sorted(prices)]

    def measure(self, budget: int, most: int) -> int:
        most = min(most, bisect_right(self._cheapest, budget))
        return min(price * most + _read_line(costs, gains, budget=budget) for price, costs, gains in self._lines)


def _find_price(items: Sequence[Item], *, budget: int, most: int) -> int:
    """The price that bounds lowest: the bound is convex in it, so halving finds it."""
    most = min(most, bisect_right(list(accumulate(sorted(item.cost for item in items))), budget))

    def measure(price: int) -> int:
        return price * most + _read_line(*_add_up(items, price), budget=budget)

    low, high = 0, max((item.gain for item in items), default=0)
    while low < high:
        middle = (low + high) // 2
        if measure(middle) <= measure(middle + 1):
            high = middle
        else:
            low = middle + 1
    return low


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
