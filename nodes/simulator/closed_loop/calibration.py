"""How many payments must be tried so that the wanted number passes our node, at the fees it has today."""

from nodes.simulator.closed_loop.demand import DAY_MS
from nodes.simulator.closed_loop.loop import ClosedLoop, Terms
from nodes.simulator.closed_loop.world import ClosedWorld

_PROBE_DAYS = 5
_LEAST_FACTOR, _MOST_FACTOR = 0.1, 6.0  # a node nobody can afford does not get endless attempts
_ROUNDS = 2


def calibrate(world: ClosedWorld) -> ClosedWorld:
    """Runs the first days with unchanged fees and scales the attempts by what settled, twice."""
    factor = 1.0
    for _ in range(_ROUNDS):
        terms = Terms(days=_PROBE_DAYS, warm_up_days=0)
        scaled = world.scale_demand(factor)
        outcome = ClosedLoop(scaled, lambda _: {}, terms=terms).run()
        settled = sum(day.settled for day in outcome.days)
        wanted = _expect_settled(scaled)
        factor *= wanted / max(settled, 0.1 * wanted) if wanted else 1.0
        factor = min(_MOST_FACTOR, max(_LEAST_FACTOR, factor))
    return world.scale_demand(factor)


def _expect_settled(world: ClosedWorld) -> float:
    """The wanted number, by the payments these very days hold: a quiet week must not make a busy world."""
    demand = world.demand
    first_day = world.start_ms // DAY_MS
    tried = sum(1 for day in range(first_day, first_day + _PROBE_DAYS) for _ in demand.plan_day(day))
    return tried / demand.mean_attempts * demand.mean_settled
