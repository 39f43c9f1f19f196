"""Balances of the closed loop: exact to the millisatoshi, whatever happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.simulator.closed_loop.ledger import Ledger
from nodes.simulator.world import ConservationError

CAPACITIES = [1_000_000_000, 25_000_000, 7]

events = st.lists(
    st.tuples(
        st.sampled_from(["lock", "settle", "release", "share_out"]),
        st.lists(st.integers(0, 2 * len(CAPACITIES) - 1), min_size=1, max_size=3, unique_by=lambda d: d >> 1),
        st.integers(1, 2_000_000_000),
        st.floats(0, 1),
    ),
    max_size=40,
)


@given(shares=st.lists(st.floats(0, 1), min_size=3, max_size=3), happenings=events)
def test_balances_and_what_is_in_flight_are_the_capacity_after_every_event(
    shares: list[float], happenings: list[tuple[str, list[int], int, float]]
) -> None:
    ledger = Ledger(CAPACITIES, first_shares=shares)
    locked: list[tuple[list[int], list[int]]] = []
    for kind, directions, amount, share in happenings:
        if kind == "share_out":
            ledger.share_out(directions[0] >> 1, share)
        elif kind == "lock":
            amounts = [min(amount, max(0, ledger.spendable(direction))) for direction in directions]
            ledger.lock(directions, amounts)
            locked.append((directions, amounts))
        elif locked:
            getattr(ledger, kind)(*locked.pop())
        for channel, capacity in enumerate(CAPACITIES):
            balances = ledger.balances[2 * channel : 2 * channel + 2]
            assert sum(balances) + ledger.in_flight[channel] == capacity
            assert min(balances) >= 0


def test_a_payment_that_is_not_there_stops_the_simulation() -> None:
    ledger = Ledger([1_000], first_shares=[0.5])
    with pytest.raises(ConservationError, match="is not its capacity"):
        ledger.lock([0], [1_001])


def test_a_reserve_of_one_percent_is_not_spendable() -> None:
    ledger = Ledger([100_000], first_shares=[1.0])
    assert ledger.balances == [99_000, 1_000]
    assert (ledger.spendable(0), ledger.spendable(1)) == (98_000, 0)
