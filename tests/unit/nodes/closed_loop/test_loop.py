"""The closed loop as a whole, on a small generated network."""

import math

import msgspec

from nodes.engine.document import FeePolicy
from nodes.simulator.closed_loop.baselines import Multiplied, price_each, set_fee
from nodes.simulator.closed_loop.document_pricer import DocumentPricer
from nodes.simulator.closed_loop.loop import ClosedLoop, Terms
from nodes.simulator.closed_loop.observation import Pricer, leave_as_is
from nodes.simulator.closed_loop.outcome import Outcome
from tests.unit.nodes.closed_loop.worlds import small_world

SHORT = Terms(days=10, warm_up_days=3)
SHORTEST = Terms(days=3, warm_up_days=1)


def run(pricer: Pricer, *, number: int = 0, seed: int = 1, terms: Terms = SHORT) -> Outcome:
    return ClosedLoop(small_world(seed, number=number), pricer, terms=terms).run()


def test_the_same_seed_gives_the_same_outcome_byte_for_byte() -> None:
    first, second = (run(DocumentPricer(FeePolicy()), terms=SHORTEST) for _ in range(2))
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert msgspec.json.encode(first) != msgspec.json.encode(run(DocumentPricer(FeePolicy()), seed=2, terms=SHORTEST))


def test_a_policy_does_not_change_who_wants_to_pay() -> None:
    kept, doubled = run(leave_as_is), run(Multiplied(2.0))
    assert [day.tried for day in kept.days] == [day.tried for day in doubled.days]
    assert sum(day.settled for day in kept.days) > 20


def test_every_msat_is_somewhere_at_the_end_of_a_run() -> None:
    loop = ClosedLoop(small_world(), DocumentPricer(FeePolicy()), terms=Terms(days=5, competitors="reacting"))
    loop.run()
    ledger = loop.market.ledger
    for channel, capacity in enumerate(ledger.capacities):
        assert sum(ledger.balances[2 * channel : 2 * channel + 2]) + ledger.in_flight[channel] == capacity


def test_what_is_earned_is_what_the_forwards_paid() -> None:
    loop = ClosedLoop(small_world(), leave_as_is, terms=Terms(days=10, warm_up_days=0))
    outcome = loop.run()
    settled = [forward for forward in loop.books.forwards if forward.status == "settled"]
    assert sum(day.earned_msat for day in outcome.days) == sum(forward.fee_msat for forward in settled)
    assert sum(day.forwarded_msat for day in outcome.days) == sum(forward.out_msat for forward in settled)


def test_demand_falls_with_the_fee_but_less_than_in_proportion_to_it() -> None:
    """Forwards of three nodes together at 600 and at 1,200 ppm: the arc elasticity."""
    terms = Terms(days=8, warm_up_days=2)
    settled = {
        fee: sum(day.settled for number in range(3) for day in run(charge(fee), number=number, terms=terms).days)
        for fee in (600, 1_200)
    }
    assert -1.2 < math.log2(settled[1_200] / settled[600]) < -0.2


def charge(fee_rate_ppm: int) -> Pricer:
    return lambda facts: price_each(facts, lambda _, __, present: set_fee(present, fee_rate_ppm))


def test_competitors_that_drift_change_the_world_and_not_the_demand() -> None:
    frozen, drifting = run(leave_as_is), run(leave_as_is, terms=Terms(days=10, warm_up_days=3, competitors="drifting"))
    assert [day.tried for day in frozen.days] == [day.tried for day in drifting.days]
    assert frozen.amounts_sat != drifting.amounts_sat
