"""What must not be stopped for ever, and what must not be said too often."""

import datetime as dt

import msgspec
import pytest

from nodes.engine.document import Limits
from nodes.engine.guards.gossip import BUDGETS, measure_wait
from nodes.engine.guards.order import guard_wish
from nodes.engine.policy_change import KEPT_CHANGES
from tests.unit.nodes.guards.cases import NOW, make_case, make_change, make_policy, make_wish

DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("limits", "is_step", "ppm"),
    [
        (Limits(), False, 4),
        (Limits(), True, 3),
        (Limits(min_change_ppm=5), True, 4),
        (Limits(min_change_ppm=0), False, 3),
    ],
)
def test_small_steps_are_written_unless_the_owner_gives_a_least_change(limits: Limits, is_step: bool, ppm: int) -> None:
    case = make_case(present=make_policy(fee_rate_ppm=4), limits=limits, is_step=is_step)
    assert guard_wish(make_wish(3), case).policy.fee_rate_ppm == ppm


@pytest.mark.parametrize("smoothing", [None, 0.01])
def test_a_longest_step_below_the_least_change_is_raised_to_it(smoothing: float | None) -> None:
    case = make_case(limits=Limits(max_step_ppm=3, min_change_ppm=5, smoothing=smoothing))
    guarded = guard_wish(make_wish(200), case)
    assert guarded.policy.fee_rate_ppm == 795
    if smoothing is None:
        assert guarded.why == "one step is at most 5 ppm (max_step_ppm 3 lies below the least change)"


def test_a_longest_step_of_nothing_is_refused() -> None:
    with pytest.raises(msgspec.ValidationError, match=r"max_step_ppm"):
        msgspec.convert({"max_step_ppm": 0}, Limits)


def test_a_history_that_is_cut_gives_no_tokens_back() -> None:
    changes = [make_change(DAY * (KEPT_CHANGES - number) * 0.99) for number in range(KEPT_CHANGES)]
    moments = [change.at for change in changes]
    assert measure_wait(moments, NOW, budget=BUDGETS["cln"]) == dt.timedelta(0)
    assert measure_wait(moments, NOW, budget=BUDGETS["cln"], starts_empty=True) > dt.timedelta(0)
    held = guard_wish(make_wish(200), make_case(implementation="cln", changes=changes))
    assert held.held_by == "gossip_budget"


def test_a_node_without_inbound_fees_is_never_written_one() -> None:
    present = make_policy(inbound_fee_rate_ppm=-700)
    written = guard_wish(make_wish(100), make_case(implementation="cln", present=present)).policy
    assert (written.fee_rate_ppm, written.inbound_fee_rate_ppm) == (100, -700)
