"""What several pieces of advice bring together: no sat twice."""

from collections.abc import Iterable

from msgspec import Struct

from recommendations.engine.advice import Advice
from recommendations.engine.conflict import Conflicts
from recommendations.engine.ranking import measure_net


class ExpectedTotal(Struct, frozen=True, kw_only=True):
    """`sat_per_day`: before costs; `net_sat_per_day`: after them, each spread over the days its gain lasts.

    `counted`: how many are in it. `without_number`: how many have no known gain or no known cost, and are not in it.
    `excluded`: how many would count what another one in it counts already, or cannot be done beside it.
    """

    sat_per_day: float
    net_sat_per_day: float
    counted: int
    without_number: int
    excluded: int


def add_up(advice: Iterable[Advice], conflicts: Conflicts) -> ExpectedTotal:
    """Of those that exclude each other the first one counts."""
    gain, net, without, excluded = 0.0, 0.0, 0, 0
    counted: set[object] = set()
    for one in advice:
        its_net, mean = measure_net(one), one.estimated_impact.mean
        if its_net is None or mean is None:
            without += 1
        elif not counted.isdisjoint(conflicts.get(one.id, ())):
            excluded += 1
        else:
            counted.add(one.id)
            gain, net = gain + mean, net + its_net
    return ExpectedTotal(
        sat_per_day=round(gain, 3),
        net_sat_per_day=round(net, 3),
        counted=len(counted),
        without_number=without,
        excluded=excluded,
    )
