"""What to move where, how much, and what it may cost."""

import re
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.forecast import Interval
from recommendations.engine.advice import Priority
from recommendations.engine.draft import Draft, finish
from recommendations.engine.outlook import UNSAID, Outlook
from recommendations.engine.params import Rebalance
from recommendations.engine.rebalance import MAX_COST_SHARE, advise_rebalances
from recommendations.engine.survey import Refills
from recommendations.engine.words.tell import tell
from tests.factories import TAKEN_AT, make_peer_policy
from tests.unit.recommendations.builders import make_dry, make_seller, make_survey, make_surveyed


def advise_one(**changes: object) -> tuple[Draft, Rebalance]:
    survey = make_survey(make_dry(1), make_surveyed(2), **changes)
    [draft] = advise_rebalances(survey)
    assert isinstance(draft.params, Rebalance)
    return draft, draft.params


def test_a_dry_channel_that_sells_is_filled_from_a_full_one_that_does_not() -> None:
    draft, params = advise_one()
    assert (params.target.short_channel_id, params.source.short_channel_id) == ("800000x1x0", "800000x2x0")
    assert params.amount_sat == 1_500_000  # what the source has above its middle
    assert (params.target_earns_ppm, params.source_earns_ppm, params.break_even_ppm) == (500, 0, 500)
    assert params.max_cost_ppm == 325  # 65 % of the break-even
    assert draft.cost_sat == params.max_cost_sat == 487


def test_its_gain_is_what_drains_a_day_at_the_break_even_for_as_long_as_the_sats_last() -> None:
    draft, params = advise_one()
    assert draft.estimate.mean == pytest.approx(params.drain_sat_per_day * 500 / 1e6)
    assert draft.estimate.lasts_days == pytest.approx(params.amount_sat / params.drain_sat_per_day, abs=0.1)
    low, high = draft.estimate.low, draft.estimate.high
    assert low is not None
    assert high is not None
    assert low < draft.estimate.mean < high  # type: ignore[operator]


def test_what_it_is_expected_to_bring_is_told_to_the_millisat() -> None:
    told = finish(advise_one()[0], id_space=UUID(int=0), priority=Priority.LOW).estimated_impact
    for value in (told.low, told.mean, told.high):
        assert value is not None
        assert value == round(value, 3)


def test_the_source_is_charged_what_it_would_have_sold_its_sats_for() -> None:
    earning = make_surveyed(2, make_seller(50_000, ppm=300), local_balance_sat=4_000_000)
    dry = make_dry(1, peer_policy=make_peer_policy(fee_rate_ppm=50))
    [draft] = advise_rebalances(make_survey(dry, earning))
    assert isinstance(draft.params, Rebalance)
    sold_share = 50_000 * 30 / 4_000_000
    assert draft.params.source_earns_ppm == int(300 * sold_share)
    assert draft.params.break_even_ppm == int(500 - 300 * sold_share)


def test_the_command_pays_an_own_invoice_out_by_the_source_and_in_by_the_targets_peer() -> None:
    draft, params = advise_one()
    assert draft.command is not None
    assert re.fullmatch(
        r"lncli payinvoice --allow_self_payment --outgoing_chan_id=\d{18} "
        rf"--last_hop={params.target.peer_pubkey} --fee_limit=487 "
        r"\$\(lncli addinvoice --amt=1500000 --memo=rebalance \| grep -o 'lnbc\[0-9a-z\]\*'\)",
        draft.command,
    )
    draft, _ = advise_one(implementation="cln")
    assert draft.command == (
        "lightning-cli rebalance -k outgoing_scid=800000x2x0 incoming_scid=800000x1x0 msatoshi=1500000sat "
        "maxfeepercent=0.0325 exemptfee=0"
    )


@pytest.mark.parametrize(
    "channels",
    [
        (make_dry(1),),
        (make_dry(1), make_surveyed(2, local_balance_sat=2_500_000, remote_balance_sat=2_490_000)),
        (make_dry(1), make_surveyed(2, active=False)),
        (make_dry(1, active=False), make_surveyed(2)),
        (make_dry(1, make_seller(ppm=0)), make_surveyed(2)),
        (make_dry(1), make_surveyed(2, peer_pubkey=make_dry(1).state.peer_pubkey)),
        (make_dry(1, peer_policy=make_peer_policy(fee_rate_ppm=326)), make_surveyed(2)),
        (make_surveyed(1, make_seller()), make_surveyed(2)),
    ],
    ids=[
        "nothing to take from",
        "a source in the middle",
        "a source that is off",
        "a target that is off",
        "a target that sells for nothing",
        "both with one peer: the last hop would be the first",
        "a last hop that is dearer than the limit",
        "a target that is not dry",
    ],
)
def test_nothing_is_advised_where_it_would_not_work_or_not_pay(channels: tuple[object, ...]) -> None:
    assert list(advise_rebalances(make_survey(*channels))) == []  # type: ignore[arg-type]


def test_no_channel_is_drained_for_two() -> None:
    drafts = list(advise_rebalances(make_survey(make_dry(1), make_dry(2), make_surveyed(3))))
    assert len(drafts) == 1


@given(
    ppm=st.integers(1, 5000),
    sold=st.integers(1_000, 2_000_000),
    source_ppm=st.integers(0, 5000),
    source_sold=st.integers(0, 2_000_000),
    local=st.integers(3_100_000, 4_990_000),
)
def test_what_it_may_cost_never_exceeds_what_the_moved_sats_bring(
    ppm: int, sold: int, source_ppm: int, source_sold: int, local: int
) -> None:
    source = make_surveyed(2, make_seller(source_sold, ppm=source_ppm), local_balance_sat=local, remote_balance_sat=0)
    for draft in advise_rebalances(make_survey(make_dry(1, make_seller(sold, ppm=ppm)), source)):
        params = draft.params
        assert isinstance(params, Rebalance)
        brought = params.amount_sat * params.break_even_ppm / 1e6
        assert 1 <= params.max_cost_sat <= MAX_COST_SHARE * brought
        assert params.break_even_ppm <= ppm
        assert params.amount_sat <= local - 2_500_000


def test_when_the_target_is_empty_is_told_by_its_forecast_and_by_nothing_where_there_is_none() -> None:
    outlook = Outlook(days=Interval(1.5, 2.25, None), horizon_days=7, as_of=TAKEN_AT)
    [draft] = advise_rebalances(make_survey(make_dry(1, outlook=outlook), make_surveyed(2)))
    assert isinstance(draft.params, Rebalance)
    assert draft.params.outlook == outlook
    told = {one.ref: one.value for one in draft.evidence if one.ref.startswith("forecast:")}
    assert told == {
        f"forecast:800000x1x0/days_until_depleted.{end}": value
        for end, value in (("low", 1.5), ("mean", 2.25), ("high", None))
    }
    other, params = advise_one()
    assert params.outlook == UNSAID
    assert not [one for one in other.evidence if one.ref.startswith("forecast:")]


def test_what_such_payments_cost_here_is_told_and_whether_the_limit_is_below_it() -> None:
    def advise(fee_msat: int) -> tuple[Rebalance, str]:
        refills = Refills(count=4, amount_msat=1_000_000_000, fee_msat=fee_msat)
        [draft] = advise_rebalances(make_survey(replace(make_dry(1), refills=refills), make_surveyed(2)))
        assert isinstance(draft.params, Rebalance)
        reason = tell(finish(draft, id_space=UUID(int=7), priority=Priority.LOW), "en").reason
        return draft.params, reason

    cheap, said = advise(200_000)
    assert (cheap.paid_ppm, cheap.paid_count, cheap.max_cost_ppm) == (200, 4, 325)
    assert "4, at 200 ppm." in said
    assert "not likely" not in said
    dear, said = advise(400_000)
    assert dear.max_cost_ppm == 325  # what others took is no reason to pay more
    assert "4, at 400 ppm. That is beyond the limit: a route within it is not likely." in said


def test_where_the_node_does_not_tell_what_it_paid_nothing_is_said_of_it() -> None:
    draft, params = advise_one()
    assert (params.paid_ppm, params.paid_count) == (None, 0)
    assert not [one for one in draft.evidence if one.ref.startswith("rebalances:")]
