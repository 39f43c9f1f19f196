"""What Sparkseer suggests stands beside our figures as its word: quoted, bounded, and never a gain or a fee of ours."""

from typing import Any

import pytest

from nodes.sources.sparkseer.value import SuggestedFee
from recommendations.engine.advice import Evidence
from recommendations.engine.draft import Draft
from recommendations.engine.fee import advise_fees
from recommendations.engine.opening import LARGEST_SAT, advise_openings
from recommendations.engine.params import FeeChange, Opening
from recommendations.engine.suggestion import Suggestions
from tests.factories import pubkey_of
from tests.unit.recommendations.builders import (
    make_candidate,
    make_suggested,
    make_suggestions,
    make_survey,
    make_surveyed,
)
from tests.unit.recommendations.test_fee import make_decided


def open_to(suggestions: Suggestions, **changes: Any) -> list[tuple[Draft, Opening]]:
    drafts = advise_openings(make_survey(make_surveyed(1), suggestions=suggestions, **changes))
    return [(one, one.params) for one in drafts if isinstance(one.params, Opening)]


def test_whom_sparkseer_alone_suggests_is_advised_with_its_size_and_no_invented_gain() -> None:
    [(draft, params)] = open_to(make_suggestions(make_suggested()))
    assert (params.ideal_sat, params.min_sat, params.is_size_sparkseers) == (5_000_000, 1_000_000, True)
    assert (draft.estimate.mean, draft.estimate.why_none) == (None, "new_peer")
    assert params.betweenness_rank is None
    assert "--local_amt=5000000" in (draft.command or "")
    quoted = {one.ref: one.value for one in draft.evidence}
    place = f"sparkseer:{pubkey_of('far away')}"
    assert quoted[f"{place}/gain_in_betweenness_rank"] == 324
    assert quoted[f"{place}/active_fee_ppm"] == 165


def test_a_candidate_that_sparkseer_suggests_as_well_comes_first_and_once() -> None:
    candidates = [make_candidate(pubkey=pubkey_of(f"candidate {number}")) for number in range(4)]
    suggestions = make_suggestions(make_suggested("candidate 3"))
    [(_, first), *others] = open_to(suggestions, candidates=tuple(candidates))
    assert (first.pubkey, first.betweenness_rank) == (pubkey_of("candidate 3"), 5)
    assert first.sparkseer is not None
    assert (first.sparkseer.betweenness_places, first.ideal_sat) == (324, 5_000_000)
    assert [params.pubkey for _, params in others] == [pubkey_of(f"candidate {number}") for number in range(2)]
    assert {params.sparkseer for _, params in others} == {None}


def test_three_at_most_those_that_win_most_first() -> None:
    found = open_to(make_suggestions(*(make_suggested(f"no {n}", gain_in_betweenness_rank=n) for n in range(1, 6))))
    assert [params.pubkey for _, params in found] == [pubkey_of(f"no {n}") for n in (5, 4, 3)]


@pytest.mark.parametrize(
    "changes",
    [
        {"gain_in_betweenness_rank": 0, "gain_in_closeness_rank": -3},
        {"gain_in_betweenness_rank": None, "gain_in_closeness_rank": None},
        {"minimum_viable_capacity_sat": None, "ideal_capacity_sat": None},
        {"minimum_viable_capacity_sat": LARGEST_SAT + 1},
    ],
)
def test_without_a_gain_or_a_size_every_node_takes_nothing_is_advised(changes: dict[str, Any]) -> None:
    assert open_to(make_suggestions(make_suggested(**changes))) == []


def test_a_size_of_sparkseers_that_not_every_node_takes_leaves_ours() -> None:
    too_large = make_suggested(minimum_viable_capacity_sat=LARGEST_SAT + 1)
    [(_, params)] = open_to(make_suggestions(too_large), candidates=(make_candidate(),))
    assert (params.ideal_sat, params.is_size_sparkseers) == (1_000_000, False)
    [(_, bounded)] = open_to(make_suggestions(make_suggested(ideal_capacity_sat=2_100_000_000_000_000)))
    assert bounded.ideal_sat == LARGEST_SAT


def test_a_peer_is_not_suggested_as_a_new_one() -> None:
    assert open_to(make_suggestions(make_suggested("peer 1"))) == []


def test_a_suggested_fee_is_evidence_and_the_fee_stays_ours() -> None:
    channel = make_surveyed(1, decided=make_decided())
    suggested = SuggestedFee(pubkey=channel.state.peer_pubkey, passive_fee_rate_ppm=28, active_fee_rate_ppm=None)
    [plain] = advise_fees(make_survey(channel))
    [quoted] = advise_fees(make_survey(channel, suggestions=make_suggestions(fees=[suggested])))
    assert quoted.evidence == (
        *plain.evidence,
        Evidence(kind="metric", ref=f"sparkseer:{suggested.pubkey}/passive_fee_rate_ppm", value=28),
    )
    assert isinstance(quoted.params, FeeChange)
    assert (quoted.params, quoted.estimate, quoted.command) == (plain.params, plain.estimate, plain.command)
