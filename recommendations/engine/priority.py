"""What to do first, for somebody's goals, number of actions and budget. Pure; what is left out is told with its reason.

What endangers money comes first, then what serves the goals, then the rest. Within each, what has a known net gain is
chosen so that all together gains most within what is left of the budget (`knapsack`); what has none fills what is free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum

from msgspec import Struct

from recommendations.engine.advice import Advice, Category, Kind
from recommendations.engine.knapsack import Item, choose
from recommendations.engine.params import BatchOpening, Rebalance
from recommendations.engine.ranking import is_urgent, measure_net

FEWEST_BATCHED = 2


class Goal(StrEnum):
    ROUTING_REVENUE = "routing_revenue"
    CONNECTIVITY = "connectivity"
    LIQUIDITY = "liquidity"
    RELIABILITY = "reliability"
    COST_OPTIMIZATION = "cost_optimization"


class Passed(StrEnum):
    """Why an advice is not among those to do first."""

    BUDGET = "budget"
    NO_PRICE = "no_price"  # nobody knows what it costs, and there is a budget
    NO_GAIN = "no_gain"
    CONFLICT = "conflict"
    NEEDS_OPENINGS = "needs_openings"
    GOAL = "goal"
    NO_DATA = "no_data"
    MAX_ACTIONS = "max_actions"


CATEGORIES = {
    Goal.ROUTING_REVENUE: Category.REVENUE,
    Goal.CONNECTIVITY: Category.CONNECTIVITY,
    Goal.LIQUIDITY: Category.LIQUIDITY,
    Goal.RELIABILITY: Category.RELIABILITY,
    Goal.COST_OPTIMIZATION: Category.COST,
}


class Wish(Struct, frozen=True, kw_only=True):
    """`goals`: none is all of them. `budget_sat`: for everything together; None: no limit."""

    goals: tuple[Goal, ...] = ()
    max_actions: int = 5
    budget_sat: int | None = None

    def serves(self, advice: Advice) -> bool:
        return not self.goals or advice.category in {CATEGORIES[goal] for goal in self.goals}


class Prioritised(Struct, frozen=True, kw_only=True):
    """The first to do first, and each other advice with the reason why not."""

    actions: tuple[Advice, ...]
    left_out: tuple[tuple[Advice, Passed], ...]

    @property
    def total_cost_sat(self) -> int | None:
        """None: of one of them nobody knows it."""
        costs = [one.cost_sat for one in self.actions]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None


def prioritise(advice: Sequence[Advice], wish: Wish) -> Prioritised:
    """`advice`: ranked.

    1. what cannot be paid, or loses, goes
    2. of two that exclude each other the better ranked stays
    3. what endangers money, what serves the goals, the rest: each within what those before left of budget and number
    4. one transaction for several openings, where two of them were chosen
    """
    passed: dict[int, Passed] = {}
    open_places = [place for place, one in enumerate(advice) if not _refuse(one, wish, at=place, passed=passed)]
    open_places = _drop_conflicts(advice, open_places, passed=passed)
    chosen: list[int] = []
    for tier in _split(advice, open_places, wish=wish):
        chosen += _choose_tier(advice, tier, wish=wish, before=chosen)
    chosen += _choose_batch(advice, chosen, wish=wish, passed=passed)
    left_sat = _count_left(advice, chosen, wish=wish)
    passed |= {place: _explain(advice[place], wish, left_sat=left_sat) for place in open_places if place not in chosen}
    return Prioritised(
        actions=tuple(advice[place] for place in chosen),
        left_out=tuple((advice[place], passed[place]) for place in sorted(passed)),
    )


def _refuse(one: Advice, wish: Wish, *, at: int, passed: dict[int, Passed]) -> bool:
    """Whether it is out of the question; a batch of openings waits for them."""
    net = measure_net(one)
    if isinstance(one.params, BatchOpening):
        return True
    if wish.budget_sat is not None and one.cost_sat is None:
        passed[at] = Passed.NO_PRICE
    elif wish.budget_sat is not None and (one.cost_sat or 0) > wish.budget_sat:
        passed[at] = Passed.BUDGET
    elif net is not None and net <= 0 and not is_urgent(one):
        passed[at] = Passed.NO_GAIN
    return at in passed


def _drop_conflicts(advice: Sequence[Advice], places: Iterable[int], *, passed: dict[int, Passed]) -> list[int]:
    """Who closes a channel neither prices, fills nor empties it."""
    kept: list[int] = []
    for place in places:
        if any(_exclude(advice[place], advice[other]) for other in kept):
            passed[place] = Passed.CONFLICT
        else:
            kept.append(place)
    return kept


def _exclude(one: Advice, other: Advice) -> bool:
    closes = Kind.CLOSE_CHANNEL in {one.kind, other.kind}
    return closes and not _list_channels(one).isdisjoint(_list_channels(other))


def _list_channels(one: Advice) -> set[str]:
    source = {one.params.source.short_channel_id} if isinstance(one.params, Rebalance) else set()
    return {one.subject} | source


def _split(advice: Sequence[Advice], places: Sequence[int], *, wish: Wish) -> list[list[int]]:
    urgent = [place for place in places if is_urgent(advice[place])]
    others = [place for place in places if place not in urgent]
    wanted = [place for place in others if wish.serves(advice[place])]
    return [urgent, wanted, [place for place in others if place not in wanted]]


def _choose_tier(advice: Sequence[Advice], tier: Sequence[int], *, wish: Wish, before: Sequence[int]) -> list[int]:
    """In the order of their rank: those of known gain, then the others."""
    nets = {place: net for place in tier if (net := measure_net(advice[place])) is not None and net > 0}
    known = list(nets)
    # In millisats a day; a gain too small to be one is one all the same.
    items = [Item(advice[place].cost_sat or 0, max(1, round(nets[place] * 1000))) for place in known]
    left_sat = _count_left(advice, before, wish=wish)
    budget_sat = sum(item.cost for item in items) if left_sat is None else left_sat
    found = choose(items, budget=budget_sat, most=wish.max_actions - len(before))
    chosen = [known[at] for at in found]
    for place in tier:
        if place not in nets and _fits(advice, place, chosen=[*before, *chosen], wish=wish):
            chosen.append(place)
    return chosen


def _choose_batch(
    advice: Sequence[Advice], chosen: Sequence[int], *, wish: Wish, passed: dict[int, Passed]
) -> list[int]:
    opened = {advice[place].subject for place in chosen if advice[place].kind == Kind.OPEN_CHANNEL}
    taken: list[int] = []
    for place, one in enumerate(advice):
        if not isinstance(one.params, BatchOpening):
            continue
        if len(opened) < FEWEST_BATCHED or set(one.params.pubkeys) != opened:
            passed[place] = Passed.NEEDS_OPENINGS
        elif _fits(advice, place, chosen=[*chosen, *taken], wish=wish):
            taken.append(place)
        else:
            passed[place] = Passed.MAX_ACTIONS
    return taken


def _fits(advice: Sequence[Advice], place: int, *, chosen: Sequence[int], wish: Wish) -> bool:
    left_sat, cost_sat = _count_left(advice, chosen, wish=wish), advice[place].cost_sat
    is_paid = left_sat is None or (cost_sat is not None and cost_sat <= left_sat)
    return is_paid and len(chosen) < wish.max_actions


def _count_left(advice: Sequence[Advice], chosen: Sequence[int], *, wish: Wish) -> int | None:
    """Of the budget."""
    return None if wish.budget_sat is None else wish.budget_sat - sum(advice[place].cost_sat or 0 for place in chosen)


def _explain(one: Advice, wish: Wish, *, left_sat: int | None) -> Passed:
    if left_sat is not None and (one.cost_sat or 0) > left_sat:
        return Passed.BUDGET
    if not wish.serves(one):
        return Passed.GOAL
    return Passed.NO_DATA if measure_net(one) is None else Passed.MAX_ACTIONS
