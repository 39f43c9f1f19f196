"""What holds of guards for any wish, any present policy, any history and any limits."""

import datetime as dt
import itertools
import math

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.document import Limits
from nodes.engine.guards.arbitrage import (
    FEES,
    is_arbitrage_free,
    measure_total_fee_msat,
    raise_inbound,
)
from nodes.engine.guards.case import GuardCase, Guarded
from nodes.engine.guards.gossip import BUDGETS, GossipBudget, measure_wait
from nodes.engine.guards.order import GUARDS, guard_wish
from nodes.engine.guards.oscillation import count_reversals
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.guards.whole_policy import write_wish
from nodes.engine.in_force import judge_open
from nodes.engine.policy_change import PolicyChange
from nodes.engine.report import ChannelPolicy
from nodes.engine.wish import POLICY_FIELDS, Wish
from tests.unit.nodes.guards.cases import (
    NOW,
    cases,
    histories,
    make_case,
    make_wish,
    policies,
    rates,
    wishes,
)

EXAMPLES = 100
quick = settings(max_examples=EXAMPLES)
QUIET = GuardSettings(manual_hold_s=0, gossip="none", max_changes_per_day_channel=None, max_reversals=100)
MAY_RAISE = {"inbound_fee_rate_ppm", "inbound_base_fee_msat"}


def wish_for(policy: ChannelPolicy) -> Wish:
    return make_wish(**{field: getattr(policy, field) for field in POLICY_FIELDS})


def open_all_but(case: GuardCase, **section: object) -> GuardCase:
    """The case with no other guard that stops, so that the one at test is asked."""
    bounds = Limits(max_fee_rate_ppm=1_000_000, min_change_ppm=0, max_step_ppm=case.limits.max_step_ppm)
    return replace(case, limits=bounds, settings=replace(QUIET, **section), wait_s=0)


def wished_of(policy: ChannelPolicy) -> ChannelPolicy:
    return replace(policy, fee_rate_ppm=policy.fee_rate_ppm ^ 1)


def is_inside(policy: ChannelPolicy, bounds: Limits) -> bool:
    return bounds.min_fee_rate_ppm <= policy.fee_rate_ppm <= bounds.max_fee_rate_ppm


def bring_inside(policy: ChannelPolicy, bounds: Limits) -> ChannelPolicy:
    rate_ppm = min(max(policy.fee_rate_ppm, bounds.min_fee_rate_ppm), bounds.max_fee_rate_ppm)
    return replace(policy, fee_rate_ppm=rate_ppm)


@quick
@given(wishes, cases())
def test_a_fee_rate_that_changes_lies_inside_the_limits(wish: Wish, case: GuardCase) -> None:
    written = guard_wish(wish, case).policy

    assert written.fee_rate_ppm == case.present.fee_rate_ppm or is_inside(written, case.limits)


@quick
@given(wishes, cases())
def test_a_base_fee_that_changes_lies_inside_its_limits(wish: Wish, case: GuardCase) -> None:
    base_msat, bounds = guard_wish(wish, case).policy.base_fee_msat, case.limits

    lowest = 0 if bounds.min_base_fee_msat is None else bounds.min_base_fee_msat
    highest = 2**32 - 1 if bounds.max_base_fee_msat is None else bounds.max_base_fee_msat
    assert base_msat == case.present.base_fee_msat or lowest <= base_msat <= highest


@quick
@given(wishes, st.builds(open_all_but, cases(implementation="lnd")))  # Core Lightning has no inbound fee to go round by
def test_whatever_fees_are_written_are_free_of_arbitrage(wish: Wish, case: GuardCase) -> None:
    written = guard_wish(wish, case).policy

    fees = [getattr(written, field) == getattr(case.present, field) for field in FEES]
    assert all(fees) or is_arbitrage_free(written)


@quick
@given(wishes, cases())
def test_every_field_nobody_wished_stays_as_it_was_read(wish: Wish, case: GuardCase) -> None:
    """The one exception raises an inbound discount that the written outbound fee no longer covers."""
    written, named = guard_wish(wish, case).policy, {f for f in POLICY_FIELDS if getattr(wish, f) is not None}

    for field in set(ChannelPolicy.__struct_fields__) - named - MAY_RAISE:
        assert getattr(written, field) == getattr(case.present, field)
    for field in MAY_RAISE - named:
        assert getattr(written, field) >= getattr(case.present, field)


@quick
@given(cases())
def test_no_guard_invents_a_change(case: GuardCase) -> None:
    nothing, the_same = make_wish(None), wish_for(case.present)

    assert guard_wish(nothing, case) == guard_wish(the_same, case) == Guarded(policy=case.present)


@quick
@given(wishes, cases())
def test_a_guard_is_named_if_and_only_if_the_wish_was_changed(wish: Wish, case: GuardCase) -> None:
    guarded, wished = guard_wish(wish, case), write_wish(wish, case.present)

    is_changed = guarded.policy != wished.policy or wished.held_by is not None
    assert (guarded.held_by is not None) == is_changed
    assert (guarded.why is not None) == is_changed


@quick
@given(wishes, cases())
def test_guarding_what_was_guarded_changes_nothing_more(wish: Wish, case: GuardCase) -> None:
    case = replace(case, limits=replace(case.limits, smoothing=None))  # a share of a share is another share
    once = guard_wish(wish, case).policy

    assert guard_wish(wish_for(once), case).policy == once


@quick
@given(rates, rates, cases(settings=QUIET, changes=[], wait_s=0))
def test_a_higher_wish_never_gives_a_lower_fee(one: int, other: int, case: GuardCase) -> None:
    """From a fee inside the limits. Outside of them a wish for it leaves it there, and any other brings it in."""
    lower, higher = sorted([one, other])
    case = replace(case, present=bring_inside(case.present, case.limits))
    assume(is_arbitrage_free(case.present))

    assert (
        guard_wish(make_wish(lower), case).policy.fee_rate_ppm
        <= guard_wish(make_wish(higher), case).policy.fee_rate_ppm
    )


@quick
@given(rates, cases())
def test_the_fee_never_moves_past_the_wish_or_away_from_it_but_for_a_limit(wished: int, case: GuardCase) -> None:
    present, written = case.present.fee_rate_ppm, guard_wish(make_wish(wished), case).policy.fee_rate_ppm
    at_limit = written in (case.limits.min_fee_rate_ppm, case.limits.max_fee_rate_ppm)

    assert at_limit or min(present, wished) <= written <= max(present, wished)


@quick
@given(rates, cases(settings=QUIET, changes=[], wait_s=0))
def test_one_step_is_no_longer_than_the_longest_but_back_to_a_limit(wished: int, case: GuardCase) -> None:
    written, longest = guard_wish(make_wish(wished), case).policy.fee_rate_ppm, case.limits.max_step_ppm
    assume(longest is not None)
    assert longest is not None
    longest = max(longest, case.least_change_ppm)

    at_limit = written in (case.limits.min_fee_rate_ppm, case.limits.max_fee_rate_ppm)
    assert at_limit or abs(written - case.present.fee_rate_ppm) <= longest


@quick
@given(rates, cases(settings=QUIET, changes=[], wait_s=0))
def test_smoothing_goes_no_further_than_its_share_of_the_way(wished: int, case: GuardCase) -> None:
    share, written = case.limits.smoothing, guard_wish(make_wish(wished), case).policy.fee_rate_ppm
    assume(share is not None)
    assert share is not None
    furthest = max(case.least_change_ppm, math.ceil(abs(wished - case.present.fee_rate_ppm) * share))

    at_limit = written in (case.limits.min_fee_rate_ppm, case.limits.max_fee_rate_ppm)
    assert at_limit or abs(written - case.present.fee_rate_ppm) <= furthest


@quick
@given(wishes, st.builds(open_all_but, cases()))
def test_no_inbound_surcharge_is_written_that_was_not_there(wish: Wish, case: GuardCase) -> None:
    written = guard_wish(wish, case).policy

    assert written.inbound_fee_rate_ppm <= max(0, case.present.inbound_fee_rate_ppm)
    assert written.inbound_base_fee_msat <= max(0, case.present.inbound_base_fee_msat)


@quick
@given(rates, rates, st.floats(0.01, 1), st.integers(0, 50))
def test_smoothing_arrives_at_the_wish(present: int, wished: int, share: float, least: int) -> None:
    bounds = Limits(max_fee_rate_ppm=1_000_000, smoothing=share, min_change_ppm=least)
    for _ in range(2_000):
        case = make_case(present=replace(make_case().present, fee_rate_ppm=present), limits=bounds, settings=QUIET)
        following = guard_wish(make_wish(wished), case).policy.fee_rate_ppm
        if following == present:
            break
        assert abs(wished - following) < abs(wished - present)
        present = following

    assert present == wished or abs(wished - present) < least


@quick
@given(wishes, cases(), st.integers(0, 200_000))
def test_nothing_is_written_while_a_channel_rests(wish: Wish, case: GuardCase, cooldown_s: int) -> None:
    case = open_all_but(case)
    case = replace(case, limits=replace(case.limits, cooldown_s=cooldown_s))
    rests = any(change.by != "node" and (case.now - change.at).total_seconds() < cooldown_s for change in case.changes)

    assert not rests or guard_wish(wish, case).policy == case.present


@quick
@given(wishes, cases(), st.integers(0, 900_000))
def test_nothing_is_written_while_an_owners_change_holds(wish: Wish, case: GuardCase, hold_s: int) -> None:
    case = open_all_but(case, manual_hold_s=hold_s)
    held = any(change.by == "owner" and (case.now - change.at).total_seconds() < hold_s for change in case.changes)

    assert not held or guard_wish(wish, case).policy == case.present


@quick
@given(
    st.sampled_from(["lnd", "cln"]),
    st.lists(st.timedeltas(dt.timedelta(0), dt.timedelta(hours=30)) | st.just(dt.timedelta(seconds=5)), max_size=40),
)
def test_no_two_writes_ever_fall_into_the_refusal_of_the_gossip_budget(kind: str, pauses: list[dt.timedelta]) -> None:
    """Whoever asks at whatever moments: in no period more updates go out than the bucket of a receiver takes."""
    budget, at, written = BUDGETS[kind], NOW, list[PolicyChange]()
    open_wide = GuardSettings(max_changes_per_day_channel=None, max_reversals=1_000)
    for index, pause in enumerate(pauses):
        at += pause
        case = make_case(now=at, changes=written, settings=open_wide, implementation=kind)
        if guard_wish(make_wish(900 + index), case).policy != case.present:
            written = [*written, PolicyChange(at=at, by="engine", old_fee_rate_ppm=1, new_fee_rate_ppm=2)]

    moments = [change.at for change in written]
    for first, start in enumerate(moments):
        for last in range(first, len(moments)):
            assert last - first + 1 <= budget.burst + (moments[last] - start) / budget.interval
    assert all(later - earlier >= dt.timedelta(seconds=1) for earlier, later in itertools.pairwise(moments))


@quick
@given(histories(), st.integers(1, 12), st.timedeltas(dt.timedelta(seconds=1), dt.timedelta(days=2)))
def test_the_wait_of_a_bucket_is_exact(changes: list[PolicyChange], burst: int, interval: dt.timedelta) -> None:
    budget, moments = GossipBudget(burst=burst, interval=interval), [change.at for change in changes]
    wait = measure_wait(moments, NOW, budget=budget)

    assert dt.timedelta(0) <= wait <= interval
    assert measure_wait(moments, NOW + wait, budget=budget) == dt.timedelta(0)
    if wait:
        sooner = NOW + wait - dt.timedelta(microseconds=1)
        assert measure_wait(moments, sooner, budget=budget) > dt.timedelta(0)


@quick
@given(wishes, cases())
def test_a_fee_never_turns_round_more_often_than_allowed(wish: Wish, case: GuardCase) -> None:
    case = open_all_but(
        case, max_reversals=case.settings.max_reversals // 4, reversal_window_s=case.settings.reversal_window_s
    )
    written = guard_wish(wish, case).policy.fee_rate_ppm
    since = case.now - dt.timedelta(seconds=case.settings.reversal_window_s)
    moves = [
        change.new_fee_rate_ppm - change.old_fee_rate_ppm
        for change in case.changes
        if change.at > since and change.old_fee_rate_ppm is not None
    ]
    moved = written - case.present.fee_rate_ppm

    assert moved == 0 or count_reversals([*moves, moved]) <= case.settings.max_reversals


@quick
@given(wishes, cases(), st.integers(0, 10))
def test_a_channel_sees_no_more_changes_a_day_than_allowed(wish: Wish, case: GuardCase, most: int) -> None:
    case = open_all_but(case, max_changes_per_day_channel=most)
    ours = sum(change.by == "engine" and change.at > case.now - dt.timedelta(days=1) for change in case.changes)

    assert guard_wish(wish, case).policy == case.present or ours + 1 <= most


@quick
@given(policies)
def test_raising_the_inbound_fee_takes_the_least_that_is_allowed_and_leaves_the_rest(policy: ChannelPolicy) -> None:
    raised = raise_inbound(policy, make_case(present=wished_of(policy)))
    if raised is None:
        assert is_arbitrage_free(policy)
        return
    edge = raised.policy
    assert is_arbitrage_free(edge)
    assert replace(edge, inbound_fee_rate_ppm=0, inbound_base_fee_msat=0) == replace(
        policy, inbound_fee_rate_ppm=0, inbound_base_fee_msat=0
    )
    if edge.inbound_fee_rate_ppm > policy.inbound_fee_rate_ppm:
        assert not is_arbitrage_free(replace(edge, inbound_fee_rate_ppm=edge.inbound_fee_rate_ppm - 1))
    if edge.inbound_base_fee_msat > policy.inbound_base_fee_msat:
        assert not is_arbitrage_free(replace(edge, inbound_base_fee_msat=edge.inbound_base_fee_msat - 1))


@quick
@given(policies, st.integers(0, 10**12))
def test_going_round_a_channel_free_of_arbitrage_never_pays(policy: ChannelPolicy, amount_msat: int) -> None:
    """In and out by the same channel: without LND's floor at 0 and in exact numbers the sum is not below 0 either."""
    assume(is_arbitrage_free(policy))
    million = 10**6
    outbound = policy.base_fee_msat * million + amount_msat * policy.fee_rate_ppm
    inbound = policy.inbound_base_fee_msat * million**2 + (amount_msat * million + outbound) * (
        policy.inbound_fee_rate_ppm
    )

    assert outbound * million + inbound >= 0


@quick
@given(policies, policies, st.integers(0, 10**12))
def test_no_pair_of_channels_ever_has_a_total_fee_below_zero(
    incoming: ChannelPolicy, outgoing: ChannelPolicy, amount_msat: int
) -> None:
    total = measure_total_fee_msat(amount_msat, incoming=incoming, outgoing=outgoing)

    assert total >= 0
    if incoming.inbound_fee_rate_ppm >= 0 and incoming.inbound_base_fee_msat >= 0:
        assert total >= outgoing.base_fee_msat


@quick
@given(policies, wishes)
def test_a_write_is_refused_exactly_when_its_ground_changed(policy: ChannelPolicy, wish: Wish) -> None:
    in_force = write_wish(wish, policy).policy
    same_ground = replace(in_force, disabled=policy.disabled) == policy
    switched = replace(policy, disabled=not policy.disabled, last_update=7)

    assert (judge_open(wished_of(policy), expected=policy, present=in_force, is_listed=True) is None) == same_ground
    assert judge_open(wished_of(policy), expected=policy, present=switched, is_listed=True) is None


@quick
@given(wishes, cases())
def test_no_guard_answers_with_what_it_was_given(wish: Wish, case: GuardCase) -> None:
    policy = write_wish(wish, case.present).policy
    assume(policy != case.present)

    assert all(held.policy != policy for guard in GUARDS if (held := guard(policy, case)) is not None)


@quick
@given(wishes, cases())
def test_the_same_case_gives_the_same_answer(wish: Wish, case: GuardCase) -> None:
    assert guard_wish(wish, case) == guard_wish(wish, replace(case))
