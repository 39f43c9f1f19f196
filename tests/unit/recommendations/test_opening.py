"""To whom a channel is worth opening, how large, and at what price."""

import pytest
from msgspec.structs import replace

from recommendations.engine.advice import Kind
from recommendations.engine.adviser import advise
from recommendations.engine.opening import LARGEST_SAT, advise_openings, find_smallest
from recommendations.engine.params import Opening
from recommendations.engine.telling import name_channel
from tests.factories import pubkey_of
from tests.unit.recommendations.builders import make_candidate, make_dry, make_seller, make_survey, make_surveyed

STRANGER = make_candidate(
    pubkey=pubkey_of("far away"), channel_count=200, capacity_sat=900_000_000, betweenness_rank=12, node_count=14_000
)


def test_a_peer_whose_channels_sell_out_is_worth_another_one_for_a_month_of_its_demand() -> None:
    [draft] = advise_openings(make_survey(make_dry(1)))
    assert isinstance(draft.params, Opening)
    assert draft.params.is_peer
    assert draft.params.ideal_sat == 3_000_000
    assert draft.estimate.mean == pytest.approx(100_000 * 500 / 1e6)
    assert draft.estimate.lasts_days == pytest.approx(30.0)
    assert draft.command == f"lncli openchannel --node_key={draft.subject} --local_amt=3000000 --sat_per_vbyte=5"


def test_a_new_node_has_a_standing_a_price_and_no_invented_gain() -> None:
    [draft] = advise_openings(make_survey(make_surveyed(1), candidates=(STRANGER,), implementation="cln"))
    assert isinstance(draft.params, Opening)
    assert (draft.estimate.mean, draft.estimate.why_none) == (None, "new_peer")
    assert draft.params.ideal_sat == 4_500_000  # its mean channel
    assert draft.params.drain_sat_per_day is None
    assert draft.command == f"lightning-cli fundchannel -k id={STRANGER.pubkey} amount=4500000 feerate=5000perkb"


def test_the_smallest_channel_costs_at_most_one_percent_to_open_and_close() -> None:
    assert find_smallest(make_survey()) == 161_000  # 5 * (153 + 169) * 100
    assert find_smallest(make_survey(onchain_fees={6: 0.1})) == 20_000
    assert find_smallest(make_survey(onchain_fees={})) is None


def test_without_a_price_of_the_chain_there_is_no_command_and_no_cost() -> None:
    [draft] = advise_openings(make_survey(candidates=(STRANGER,), onchain_fees={144: 2.0}))
    assert (draft.command, draft.cost_sat) == (None, None)


def test_a_candidate_that_is_a_peer_by_now_is_no_candidate() -> None:
    known = make_candidate(pubkey=pubkey_of("peer 1"), channel_count=2, capacity_sat=1)
    assert list(advise_openings(make_survey(make_surveyed(1), candidates=(known,)))) == []


def test_no_channel_is_larger_than_every_node_takes() -> None:
    [draft] = advise_openings(make_survey(make_dry(1, make_seller(5_000_000))))
    assert isinstance(draft.params, Opening)
    assert draft.params.ideal_sat == LARGEST_SAT


@pytest.mark.parametrize("changes", [{"channel_count": 4}, {"betweenness_rank": 7_001}])
def test_a_new_node_that_is_small_or_far_from_the_middle_is_counted_and_not_advised(changes: dict[str, int]) -> None:
    advised = advise(make_survey(make_surveyed(1), candidates=(replace(STRANGER, **changes),)))
    assert Kind.OPEN_CHANNEL not in {one.kind for one in advised.advice}
    assert ("too_remote", 1) in {(one.reason, one.count) for one in advised.left_out}


def test_an_alias_does_not_end_the_quotes_we_put_around_it() -> None:
    assert name_channel("1x1x1", "a\u201d\u00bb b", language="en") == "Channel 1x1x1 with \u201ca b\u201d"
