"""What the newest run would change, as advice."""

from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from nodes.engine.types import Effect
from recommendations.engine.advice import Kind, Priority
from recommendations.engine.adviser import advise
from recommendations.engine.fee import advise_fees
from recommendations.engine.params import FeeChange
from recommendations.engine.survey import Decided
from recommendations.engine.words.tell import tell_impact
from tests.factories import make_policy
from tests.unit.recommendations.builders import make_seller, make_survey, make_surveyed

ACTION = UUID(int=5)
GAIN = Effect(sat_per_day=12.0, low_sat_per_day=-3.0, high_sat_per_day=20.0, basis="")


def make_decided(**changes: Any) -> Decided:
    fields: dict[str, Any] = {
        "decision_id": 9,
        "direction": "raise",
        "policy": make_policy(fee_rate_ppm=450),
        "effect": GAIN,
        "why": {"en": "It sells.", "fr": "Il vend."},
        "action_id": ACTION,
        "is_settled": False,
    }
    return Decided(**(fields | changes))


def test_a_planned_change_is_advised_with_its_effect_its_action_and_the_whole_policy_to_write() -> None:
    survey = make_survey(make_surveyed(1, make_seller(), decided=make_decided()))
    [draft] = advise_fees(survey)
    assert isinstance(draft.params, FeeChange)
    assert (draft.params.old_ppm, draft.params.new_ppm, draft.action_id) == (300, 450, ACTION)
    assert (draft.estimate.low, draft.estimate.mean, draft.estimate.high) == (-3.0, 12.0, 20.0)
    assert draft.command == (
        "lncli updatechanpolicy --base_fee_msat=1000 --fee_rate_ppm=450 --time_lock_delta=80 --min_htlc_msat=1000 "
        f"--max_htlc_msat=4950000000 --chan_point={1:064x}:0"
    )
    assert draft.evidence[0].ref == "decision:9"


def test_core_lightning_is_told_by_short_channel_id() -> None:
    survey = make_survey(make_surveyed(1, decided=make_decided()), implementation="cln")
    [draft] = advise_fees(survey)
    assert draft.command == (
        "lightning-cli setchannel -k id=800000x1x0 feebase=1000 feeppm=450 htlcmin=1000 htlcmax=4950000000"
    )


@pytest.mark.parametrize(
    "decided",
    [
        None,
        make_decided(direction="keep"),
        make_decided(is_settled=True),
        make_decided(policy=make_policy()),
    ],
    ids=["not decided", "kept", "under way or refused", "the channel has it already"],
)
def test_nothing_is_advised_where_there_is_nothing_to_do(decided: Decided | None) -> None:
    assert list(advise_fees(make_survey(make_surveyed(1, decided=decided)))) == []


def test_without_income_there_is_no_number_and_it_says_why() -> None:
    [draft] = advise_fees(make_survey(make_surveyed(1, decided=make_decided(effect=None))))
    assert (draft.estimate.mean, draft.estimate.why_none) == (None, "no_income_yet")


@pytest.mark.parametrize(
    ("ratio", "share", "is_told"), [(1.5, 1.0, False), (4.0, 0.25, True), (0.1, 0.1, True), (0.0, 0.0, True)]
)
def test_a_change_further_than_any_measured_is_told_trusted_less_and_never_high(
    ratio: float, *, share: float, is_told: bool
) -> None:
    survey = make_survey(make_surveyed(1, make_seller(count=10_000), decided=make_decided(fee_ratio=ratio)))
    [told] = [one for one in advise(survey).advice if one.kind == Kind.FEE_ADJUSTMENT]
    assert told.confidence.value == share
    assert ("extrapolated" in tell_impact(told, "en")) == is_told
    assert ("extrapolation" in tell_impact(told, "fr")) == is_told
    assert (told.priority == Priority.HIGH) == (not is_told)


def test_a_change_that_is_expected_to_lose_is_left_out_and_counted() -> None:
    losing = make_decided(effect=replace(GAIN, sat_per_day=-1.0))
    advised = advise(make_survey(make_surveyed(1, decided=losing)))
    assert Kind.FEE_ADJUSTMENT not in {one.kind for one in advised.advice}
    assert [(one.kind, one.reason, one.count) for one in advised.left_out] == [
        (Kind.FEE_ADJUSTMENT, "expected_to_lose", 1)
    ]
