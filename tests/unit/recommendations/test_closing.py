"""Which channels cost more than they earn, by what is known of them."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from recommendations.engine.advice import Language, Priority
from recommendations.engine.closing import advise_closings, open_account
from recommendations.engine.draft import Draft, finish
from recommendations.engine.params import Closing
from recommendations.engine.survey import Refills, Surveyed
from recommendations.engine.words.tell import tell
from tests.factories import TAKEN_AT
from tests.unit.recommendations.builders import make_seller, make_survey, make_surveyed, make_traffic


def make_idle(number: int = 1, **changes: Any) -> Surveyed:
    return make_surveyed(number, **({"opening_fee_sat": 900} | changes))


def test_profit_is_what_it_earned_less_its_share_of_opening_and_closing() -> None:
    survey = make_survey(make_idle(), make_surveyed(2, make_seller()), block_height=800_000 + 300 * 144)
    [draft] = advise_closings(survey)
    assert isinstance(draft.params, Closing)
    closing_sat = 5 * 169
    share_sat = round((900 + closing_sat) * 30 / 300)  # 30 days known of 300
    assert (draft.params.onchain_share_sat, draft.params.earned_sat) == (share_sat, 0)
    assert draft.params.profit_sat == -share_sat
    assert draft.params.rebalance_sat is None
    assert draft.cost_sat == closing_sat
    assert draft.command == f"lncli closechannel --chan_point={1:064x}:0 --sat_per_vbyte=5"


def test_its_gain_is_what_its_sats_would_earn_as_those_of_the_others_do() -> None:
    other = make_surveyed(2, make_seller())
    [draft] = advise_closings(make_survey(make_idle(), other))
    a_day = other.traffic.earned_msat / 1000 / 30
    assert draft.estimate.mean == pytest.approx(4_000_000 * a_day / 5_000_000)
    assert draft.estimate.low == 0.0


@pytest.mark.parametrize(
    ("channel", "survey"),
    [
        (make_idle(), {"block_height": 800_000 + 89 * 144}),
        (make_idle(), {"days": 29}),
        (make_idle(first_seen_at=TAKEN_AT - dt.timedelta(days=20)), {}),
        (make_idle(pending_htlcs=1), {}),
        (make_idle(local_balance_sat=5_000, remote_balance_sat=4_985_000), {}),
        (make_surveyed(1, make_seller(), opening_fee_sat=900), {}),
        (make_surveyed(1, make_traffic(assisted_msat=9_000_000, in_count=9), opening_fee_sat=900), {}),
        (make_surveyed(1, make_traffic(earned_msat=1, out_count=1)), {}),
    ],
    ids=[
        "young by its block",
        "known for too few days",
        "seen for too few days",
        "with a payment under way",
        "all of it is the peer's: inbound liquidity for nothing",
        "it earns",
        "it brings others their payments",
        "it moved something, and its cost is not known",
    ],
)
def test_a_channel_stays(channel: Surveyed, survey: dict[str, Any]) -> None:
    assert list(advise_closings(make_survey(channel, make_surveyed(2, make_seller()), **survey))) == []


def test_what_nobody_knows_is_no_zero() -> None:
    account = open_account(make_survey(onchain_fees={}), make_idle())
    assert (account.onchain_share_msat, account.profit_msat) == (None, None)


def test_core_lightning_is_told_never_to_close_by_force() -> None:
    [draft] = advise_closings(make_survey(make_idle(), implementation="cln"))
    assert draft.command == "lightning-cli close -k id=800000x1x0 unilateraltimeout=0"


def test_what_refilling_it_cost_is_taken_from_its_profit() -> None:
    """It earned 3,000 sat more than its share of opening and closing; refilling it cost 5,000."""
    seller = make_traffic(earned_msat=4_000_000, out_msat=2_000_000_000, out_count=40)
    refills = Refills(count=12, amount_msat=9_000_000_000, fee_msat=5_000_000)
    earner, known = make_surveyed(1, seller, opening_fee_sat=900), make_surveyed(2, make_seller())
    poor = replace(earner, refills=refills)
    assert list(advise_closings(make_survey(earner, known))) == []
    assert list(advise_closings(make_survey(replace(earner, refills=Refills()), known))) == []

    [draft] = advise_closings(make_survey(poor, known))

    assert isinstance(draft.params, Closing)
    assert draft.params.rebalance_sat == 5_000
    assert draft.params.onchain_share_sat is not None
    assert draft.params.profit_sat == 4_000 - 5_000 - draft.params.onchain_share_sat
    assert ("rebalances:30d:800000x1x0/fee_msat", 5_000_000) in [(one.ref, one.value) for one in draft.evidence]


def test_closing_it_saves_what_refilling_it_would_cost() -> None:
    refilled = replace(make_idle(), refills=Refills(count=1, amount_msat=10**9, fee_msat=3_000_000))
    other = make_surveyed(2, make_seller())
    [plain], [saved] = (list(advise_closings(make_survey(channel, other))) for channel in (make_idle(), refilled))

    assert plain.estimate.mean is not None
    assert saved.estimate.mean == pytest.approx(plain.estimate.mean + 100)  # 3,000 sat in 30 days


def test_rebalances_that_were_told_and_cost_nothing_are_a_zero() -> None:
    told, untold = (replace(make_idle(), refills=refills) for refills in (Refills(), None))
    assert open_account(make_survey(), told).rebalance_msat == 0
    assert open_account(make_survey(), untold).rebalance_msat is None


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_words_tell_a_profit_and_what_is_at_most_one(language: Language) -> None:
    other = make_surveyed(2, make_seller())
    refilled = replace(make_idle(), refills=Refills(count=1, amount_msat=10**9, fee_msat=3_000_000))
    [told] = advise_closings(make_survey(refilled, other))
    [untold] = advise_closings(make_survey(make_idle(), other))

    def tell_reason(draft: Draft) -> str:
        return tell(finish(draft, id_space=UUID(int=7), priority=Priority.LOW), language).reason

    at_most = {"en": "at most", "fr": "au plus"}[language]
    assert at_most in tell_reason(untold)
    assert at_most not in tell_reason(told)
    assert {"en": "cost 3,000 sat", "fr": "a coûté 3\u202f000 sat"}[language] in tell_reason(told)
