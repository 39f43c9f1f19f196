"""What to do first, for somebody's goals, number of actions and budget. Pure; what is left out is told with its reason.

What endangers money comes first, then what serves the goals, then the rest. Within each, what has a known net gain is
chosen so that all together gains most within what is left of the budget (`knapsack`); what has none fills what is free.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import StrEnum

from msgspec import Struct

from recommendations.engine.advice import Advice, Category, Kind
from recommendations.engine.conflict import Conflicts, find_conflicts
from recommendations.engine.expected import ExpectedTotal, add_up
from recommendations.engine.knapsack import Item, choose
from recommendations.engine.params import BatchOpening
from recommendations.engine.ranking import is_urgent, measure_net

FEWEST_BATCHED = 2
MILLI = 1000


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
    """The first to do first, and each other advice with the reason why not. `missed_at_most`: net sat a day by which
    the best choice can gain more than this one; 0.0: none gains more.
    """

    actions: tuple[Advice, ...]
    left_out: tuple[tuple[Advice, Passed], ...]
    conflicts: Conflicts
    missed_at_most: float

    @property
    def total_cost_sat(self) -> int | None:
        """None: of one of them nobody knows it."""
        costs = [one.cost_sat for one in self.actions]
        known = [cost for cost in costs if cost is not None]
        return sum(known) if len(known) == len(costs) else None

    @property
    def expected(self) -> ExpectedTotal:
        return add_up(self.actions, self.conflicts)


def prioritise(advice: Sequence[Advice], wish: Wish) -> Prioritised:
    """`advice`: ranked.

    1. what cannot be paid, or loses, goes
    2. what endangers money, what serves the goals, the rest: each within what those before left of budget and number,
       and nothing that one already chosen rules out
    3. one transaction for several openings, where two of them were chosen
    """
    passed: dict[int, Passed] = {}
    field = _Field(advice, wish)
    open_places = [place for place, one in enumerate(advice) if not _refuse(one, wish, at=place, passed=passed)]
    chosen: list[int] = []
    missed = 0
    for tier in _split(advice, open_places, wish=wish):
        taken, gap = _choose_tier(field, tier, before=chosen)
        chosen, missed = [*chosen, *taken], missed + gap
    chosen += _choose_batch(field, chosen, passed=passed)
    passed |= {place: _explain(field, place, chosen=chosen) for place in open_places if place not in chosen}
    return Prioritised(
        actions=tuple(advice[place] for place in chosen),
        left_out=tuple((advice[place], passed[place]) for place in sorted(passed)),
        conflicts=field.conflicts,
        missed_at_most=missed / MILLI,
    )


class _Field:
    """What is to be chosen from, by places, and for whom."""

    def __init__(self, advice: Sequence[Advice], wish: Wish) -> None:
        self.advice, self.wish = advice, wish
        self.conflicts = find_conflicts(advice)

    def excludes(self, place: int, others: Collection[int]) -> bool:
        """Whether one of the others rules it out."""
        ruled_out = self.conflicts.get(self.advice[place].id, ())
        return any(self.advice[other].id in ruled_out for other in others)

    def list_rivals(self, places: Sequence[int]) -> list[tuple[int, int]]:
        """Pairs of them, as their places among `places`, of which one rules out the other."""
        at = {self.advice[place].id: number for number, place in enumerate(places)}
        pairs = ((at[one_id], at.get(other, -1)) for one_id in at for other in self.conflicts.get(one_id, ()))
        return [(one, other) for one, other in pairs if one < other]

    def count_left(self, chosen: Collection[int]) -> int | None:
        """Of the budget."""
        budget_sat = self.wish.budget_sat
        return None if budget_sat is None else budget_sat - sum(self.advice[place].cost_sat or 0 for place in chosen)

    def fits(self, place: int, *, chosen: Collection[int]) -> bool:
        left_sat, cost_sat = self.count_left(chosen), self.advice[place].cost_sat
        is_paid = left_sat is None or (cost_sat is not None and cost_sat <= left_sat)
        return is_paid and len(chosen) < self.wish.max_actions and not self.excludes(place, chosen)


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


def _split(advice: Sequence[Advice], places: Sequence[int], *, wish: Wish) -> list[list[int]]:
    urgent = [place for place in places if is_urgent(advice[place])]
    others = [place for place in places if place not in urgent]
    wanted = [place for place in others if wish.serves(advice[place])]
    return [urgent, wanted, [place for place in others if place not in wanted]]


def _choose_tier(field: _Field, tier: Sequence[int], *, before: Sequence[int]) -> tuple[list[int], int]:
    """In the order of their rank: those of known gain, then the others; and by how much the best choice may beat it."""
    nets = {place: net for place in tier if (net := measure_net(field.advice[place])) is not None and net > 0}
    known = [place for place in nets if not field.excludes(place, before)]
    # In millisats a day; a gain too small to be one is one all the same.
    items = [Item(field.advice[place].cost_sat or 0, max(1, round(nets[place] * MILLI))) for place in known]
    left_sat = field.count_left(before)
    found = choose(
        items,
        budget=sum(item.cost for item in items) if left_sat is None else left_sat,
        most=field.wish.max_actions - len(before),
        rivals=field.list_rivals(known),
    )
    chosen = [known[at] for at in found.places]
    for place in tier:
        if place not in nets and field.fits(place, chosen=[*before, *chosen]):
            chosen.append(place)
    return chosen, found.at_most - found.gain


def _choose_batch(field: _Field, chosen: Sequence[int], *, passed: dict[int, Passed]) -> list[int]:
    opened = {field.advice[place].subject for place in chosen if field.advice[place].kind == Kind.OPEN_CHANNEL}
    taken: list[int] = []
    for place, one in enumerate(field.advice):
        if not isinstance(one.params, BatchOpening):
            continue
        if len(opened) < FEWEST_BATCHED or set(one.params.pubkeys) != opened:
            passed[place] = Passed.NEEDS_OPENINGS
        elif field.fits(place, chosen=[*chosen, *taken]):
            taken.append(place)
        else:
            passed[place] = Passed.MAX_ACTIONS
    return taken


def _explain(field: _Field, place: int, *, chosen: Collection[int]) -> Passed:
    one, left_sat = field.advice[place], field.count_left(chosen)
    if field.excludes(place, chosen):
        return Passed.CONFLICT
    if left_sat is not None and (one.cost_sat or 0) > left_sat:
        return Passed.BUDGET
    if not field.wish.serves(one):
        return Passed.GOAL
    return Passed.NO_DATA if measure_net(one) is None else Passed.MAX_ACTIONS
