"""A wish for what a kind of node has not is held, and the rest of it goes on."""

from typing import Any

import pytest
from msgspec.structs import replace

from nodes.engine.guards.capabilities import LACKING, fit_to_capabilities
from nodes.engine.guards.order import guard_wish
from nodes.engine.report import ChannelPolicy
from nodes.engine.wish import Wish
from nodes.sources.cln.driver import ClnDriver
from nodes.sources.lnd.driver import LndDriver
from tests.unit.nodes.guards.cases import make_case

PRESENT = ChannelPolicy(
    base_fee_msat=1000, fee_rate_ppm=250, time_lock_delta=34, min_htlc_msat=1, max_htlc_msat=4_950_000_000
)
EVERYTHING: dict[str, Any] = {
    "base_fee_msat": 0,
    "fee_rate_ppm": 300,
    "time_lock_delta": 40,
    "min_htlc_msat": 1000,
    "max_htlc_msat": 10**9,
    "disabled": True,
    "inbound_base_fee_msat": -5,
    "inbound_fee_rate_ppm": -20,
}


def test_a_decision_says_which_part_of_a_wish_core_lightning_has_no_word_for() -> None:
    case = make_case(present=PRESENT, implementation="cln")
    wish = Wish(rule="r", reason="x", terms="t", fee_rate_ppm=300, inbound_fee_rate_ppm=-20)
    guarded = guard_wish(wish, case)
    assert guarded.policy == replace(PRESENT, fee_rate_ppm=300)
    assert (guarded.held_by, guarded.why) == ("capabilities", "Core Lightning has no inbound fees")
    nothing = guard_wish(replace(wish, fee_rate_ppm=None), case)
    assert (nothing.policy, nothing.held_by) == (PRESENT, "capabilities")
    assert guard_wish(wish, replace(case, implementation="lnd")).held_by is None


def test_lnd_takes_every_field() -> None:
    wished = replace(PRESENT, **EVERYTHING)
    assert fit_to_capabilities(wished, PRESENT, implementation="lnd") == (wished, None)


def test_core_lightning_takes_fees_and_bounds_and_the_rest_stays() -> None:
    wished = replace(PRESENT, **EVERYTHING)
    fitted, why = fit_to_capabilities(wished, PRESENT, implementation="cln")
    assert fitted == replace(PRESENT, base_fee_msat=0, fee_rate_ppm=300, min_htlc_msat=1000, max_htlc_msat=10**9)
    assert why == (
        "Core Lightning has no inbound fees and no time lock of a single channel and no switch for a single channel"
    )


@pytest.mark.parametrize("changes", [{}, {"fee_rate_ppm": 300}, {"base_fee_msat": 0, "max_htlc_msat": 10**9}])
def test_a_wish_within_the_capabilities_is_not_touched(changes: dict[str, int]) -> None:
    wished = replace(PRESENT, **changes)
    assert fit_to_capabilities(wished, PRESENT, implementation="cln") == (wished, None)


@pytest.mark.parametrize(("implementation", "driver"), [("lnd", LndDriver), ("cln", ClnDriver)])
def test_the_engine_and_the_drivers_agree(implementation: Any, driver: Any) -> None:
    lacking, has = LACKING[implementation], driver.capabilities
    assert ("inbound_fee_rate_ppm" in lacking) is ("inbound_base_fee_msat" in lacking) is not has.inbound
    assert ("time_lock_delta" in lacking) is not has.time_lock_delta
    assert ("disabled" in lacking) is not has.disabled
