"""What a whole node may change within a day."""

import datetime as dt
import random

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.guards.case import Guarded
from nodes.engine.guards.ceiling import DaySpent, Proposal, guard_node, measure_loss_msat, sum_day
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.policy_change import DAY, PolicyChange, list_since
from tests.unit.nodes.guards.cases import NOW, POLICY, histories, make_change, make_effect, make_policy

quick = settings(max_examples=100)
amounts = st.floats(-5_000, 5_000, allow_nan=False)


@st.composite
def proposals(draw: st.DrawFn) -> list[Proposal]:
    numbers = draw(st.lists(st.integers(1, 999), unique=True, max_size=12))
    return [
        make_proposal(
            number,
            draw(st.none() | amounts),
            low=draw(amounts),
            fee_rate_ppm=draw(st.sampled_from([800, 700, 900])),
        )
        for number in numbers
    ]


def make_proposal(number: int, benefit: float | None, *, low: float = 0, fee_rate_ppm: int = 900) -> Proposal:
    return Proposal(
        short_channel_id=f"{number}x1x0",
        present=POLICY,
        guarded=Guarded(policy=make_policy(fee_rate_ppm=fee_rate_ppm)),
        effect=None if benefit is None else make_effect(benefit, low=low),
    )


settings_sections = st.builds(
    GuardSettings,
    max_changes_per_day_node=st.none() | st.integers(0, 15),
    max_cost_per_day_sat=st.none() | st.integers(0, 10_000),
)
spendings = st.builds(DaySpent, changes=st.integers(0, 10), cost_msat=st.integers(0, 10**7))


def list_accepted(given_: list[Proposal], guarded: list[Guarded]) -> list[Proposal]:
    return [one for one, held in zip(given_, guarded, strict=True) if held.policy != one.present]


@quick
@given(proposals(), spendings, settings_sections)
def test_the_ceilings_are_never_passed_in_sum(asked: list[Proposal], spent: DaySpent, section: GuardSettings) -> None:
    accepted = list_accepted(asked, guard_node(asked, spent, settings=section))
    cost_msat = sum(measure_loss_msat(one.effect) for one in accepted)
    most, ceiling_sat = section.max_changes_per_day_node, section.max_cost_per_day_sat

    assert most is None or not accepted or spent.changes + len(accepted) <= most
    assert ceiling_sat is None or cost_msat == 0 or spent.cost_msat + cost_msat <= ceiling_sat * 1000


@quick
@given(proposals(), spendings, settings_sections)
def test_a_ceiling_lets_a_change_pass_whole_or_stops_it_and_says_so(
    asked: list[Proposal], spent: DaySpent, section: GuardSettings
) -> None:
    for one, held in zip(asked, guard_node(asked, spent, settings=section), strict=True):
        assert held == one.guarded or (held.policy == one.present and held.held_by is not None and held.why is not None)
        assert one.guarded.policy != one.present or held == one.guarded


@quick
@given(proposals(), spendings, settings_sections, st.randoms(use_true_random=False))
def test_who_is_held_does_not_depend_on_the_order_of_the_channels(
    asked: list[Proposal], spent: DaySpent, section: GuardSettings, chance: random.Random
) -> None:
    mixed = chance.sample(asked, len(asked))
    straight = dict(
        zip([one.short_channel_id for one in asked], guard_node(asked, spent, settings=section), strict=True)
    )
    other = dict(zip([one.short_channel_id for one in mixed], guard_node(mixed, spent, settings=section), strict=True))

    assert straight == other


@quick
@given(proposals(), spendings, st.integers(0, 12))
def test_a_higher_count_lets_at_least_as_many_pass(asked: list[Proposal], spent: DaySpent, most: int) -> None:
    tight, wide = GuardSettings(max_changes_per_day_node=most), GuardSettings(max_changes_per_day_node=most + 1)

    by_tight = list_accepted(asked, guard_node(asked, spent, settings=tight))
    by_wide = list_accepted(asked, guard_node(asked, spent, settings=wide))
    assert all(one in by_wide for one in by_tight)


@quick
@given(histories(), histories())
def test_the_day_is_ours_alone_and_adds_up(one: list[PolicyChange], other: list[PolicyChange]) -> None:
    recent = [*list_since(one, NOW - DAY), *list_since(other, NOW - DAY)]
    spent = sum_day(recent)

    assert spent.changes == sum(change.by == "engine" for change in recent) <= len(recent)
    assert spent.cost_msat == sum(change.expected_loss_msat for change in recent if change.by == "engine")


def test_the_change_that_earns_most_comes_first_and_a_cheaper_one_may_follow_a_dear_one() -> None:
    asked = [
        make_proposal(1, 10.0, low=-100.0),
        make_proposal(2, 50.0, low=-700.0),
        make_proposal(3, 20.0, low=-400.0),
        make_proposal(4, None),
    ]
    guarded = guard_node(asked, DaySpent(cost_msat=100_000), settings=GuardSettings(max_cost_per_day_sat=1_000))

    assert [held.held_by for held in guarded] == [None, None, "cost_per_day", None]
    assert guarded[2].why == (
        "it may cost 400 sat a day, and of the 1000 sat that changes of 24 h may cost 200 sat are left"
    )


def test_among_equals_the_older_channel_comes_first() -> None:
    asked = [make_proposal(number, 5.0) for number in (12, 3)]
    guarded = guard_node(asked, DaySpent(), settings=GuardSettings(max_changes_per_day_node=1))

    assert [held.held_by for held in guarded] == ["node_changes_per_day", None]


def test_changes_of_the_day_before_are_forgotten() -> None:
    recent = make_change(DAY - dt.timedelta(seconds=1), expected_loss_msat=5)
    old = make_change(DAY, expected_loss_msat=7)

    assert sum_day(list_since([old, recent], NOW - DAY)) == DaySpent(changes=1, cost_msat=5)
    assert sum_day([replace(recent, by="owner")]) == DaySpent()
