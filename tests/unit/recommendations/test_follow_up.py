"""Income before against income after, on both sides the same number of days."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.follow_up import Deed, Known, follow
from tests.factories import TAKEN_AT, make_forward

DAY = dt.timedelta(days=1)
KNOWN = Known(TAKEN_AT - 60 * DAY, TAKEN_AT)


def make_deed(days_ago: float = 10, **changes: Any) -> Deed:
    fields: dict[str, Any] = {
        "kind": Kind.FEE_ADJUSTMENT,
        "subject": "800000x1x0",
        "at": TAKEN_AT - days_ago * DAY,
        "expected": Estimate(mean=5.0),
        "scids": frozenset({"800000x1x0"}),
    }
    return Deed(**(fields | changes))


def test_income_after_is_held_against_income_before_and_that_of_the_rest_stands_beside_it() -> None:
    ten_sat = {"fee_msat": 10_000, "in_msat": 50_010_000}
    forwards = [make_forward(number, settled_at=TAKEN_AT - number * DAY, **ten_sat) for number in range(1, 21)]
    forwards += [make_forward(99, outgoing_scid="800000x7x0", settled_at=TAKEN_AT - DAY)]
    followed = follow(make_deed(), forwards, known=KNOWN)
    assert (followed.days, followed.before, followed.after) == (10, 10.0, 10.0)
    assert followed.brought == 0.0
    assert (followed.rest_before, followed.rest_after) == (0.0, 1.5)


@pytest.mark.parametrize(
    ("deed", "known", "why"),
    [
        (make_deed(scids=frozenset()), KNOWN, "earns_nothing"),
        (make_deed(), Known(None, TAKEN_AT), "no_days_before"),
        (make_deed(), Known(TAKEN_AT - 10 * DAY, TAKEN_AT), "no_days_before"),
        (make_deed(0.5), KNOWN, "too_soon"),
        (make_deed(until=TAKEN_AT - 9.5 * DAY), KNOWN, "changed_again"),
    ],
)
def test_what_cannot_be_compared_says_why(deed: Deed, known: Known, why: str) -> None:
    followed = follow(deed, [], known=known)
    assert (followed.days, followed.brought, followed.why_none) == (0, None, why)


@given(st.floats(1, 60), st.floats(2, 90))
def test_both_sides_have_the_same_known_days_and_two_weeks_at_most(ago: float, past: float) -> None:
    followed = follow(make_deed(ago), [], known=Known(TAKEN_AT - past * DAY, TAKEN_AT))
    if followed.why_none is None:
        assert 1 <= followed.days <= min(14, ago, past - ago + 1e-6)
