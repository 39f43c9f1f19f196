import datetime as dt

import pytest
from msgspec.structs import replace

from nodes.engine.document import Bars, Limits
from nodes.engine.guards import Guarded, Rest, find_bar, guard_wish
from nodes.engine.wish import Wish
from tests.unit.nodes.engine_builders import NOW, POLICY, make_channel, make_policy

NEVER_CHANGED = Rest(now=NOW, last_change_at=None, needed_s=86_400)


def make_wish(fee_rate_ppm: int | None, *, inbound_ppm: int | None = None, base_msat: int | None = None) -> Wish:
    return Wish(
        rule="test",
        reason="Because",
        terms="test",
        fee_rate_ppm=fee_rate_ppm,
        inbound_fee_rate_ppm=inbound_ppm,
        inbound_base_fee_msat=base_msat,
    )


def guard(wish: Wish, limits: Limits, *, present_ppm: int = 800, rest: Rest = NEVER_CHANGED) -> Guarded:
    return guard_wish(wish, make_policy(fee_rate_ppm=present_ppm), limits=limits, rest=rest)


@pytest.mark.parametrize(
    ("changes", "held_by"),
    [
        ({"own_policy": None, "active": False, "private": True}, "unknown_policy"),
        ({"active": False, "private": True}, "inactive"),
        ({"private": True}, "private"),
    ],
)
def test_channels_that_cannot_or_should_not_be_priced_are_kept_out(changes: dict[str, object], held_by: str) -> None:
    bar = find_bar(make_channel(**changes), Bars())

    assert bar is not None
    assert bar.held_by == held_by


@pytest.mark.parametrize("changes", [{"active": False}, {"private": True}])
def test_an_owner_may_price_what_is_kept_out_otherwise(changes: dict[str, object]) -> None:
    assert find_bar(make_channel(**changes), Bars(inactive=False, private=False)) is None


def test_an_active_public_channel_with_a_policy_is_priced() -> None:
    assert find_bar(make_channel(), Bars()) is None


@pytest.mark.parametrize(
    ("wished_ppm", "limits", "written_ppm", "held_by"),
    [
        (900, Limits(), 900, None),
        (20, Limits(min_fee_rate_ppm=100), 100, "min_fee_rate_ppm"),
        (900, Limits(max_fee_rate_ppm=850), 850, "max_fee_rate_ppm"),
        (900, Limits(max_step_ppm=30), 830, "max_step_ppm"),
        (20, Limits(max_step_ppm=30), 770, "max_step_ppm"),
        (900, Limits(max_step_ppm=100), 900, None),
        (20, Limits(max_step_ppm=300, min_fee_rate_ppm=600), 600, "min_fee_rate_ppm"),
        (20, Limits(max_step_ppm=30, min_fee_rate_ppm=600), 770, "max_step_ppm"),
        (20, Limits(max_step_ppm=30, max_fee_rate_ppm=500), 500, "max_fee_rate_ppm"),
        (400, Limits(max_step_ppm=30, max_fee_rate_ppm=400), 400, None),
        (805, Limits(min_change_ppm=5), 805, None),
        (804, Limits(min_change_ppm=5), 800, "min_change_ppm"),
        (796, Limits(min_change_ppm=5), 800, "min_change_ppm"),
        (801, Limits(min_change_ppm=0), 801, None),
        (900, Limits(max_step_ppm=0), 800, "max_step_ppm"),
        (0, Limits(), 0, None),
        (800, Limits(), 800, None),
    ],
)
def test_limits_cut_a_wish_in_their_order_and_name_the_one_that_held_it(
    wished_ppm: int, limits: Limits, written_ppm: int, held_by: str | None
) -> None:
    guarded = guard(make_wish(wished_ppm), limits)

    assert (guarded.policy.fee_rate_ppm, guarded.held_by) == (written_ppm, held_by)
    assert (guarded.why is None) == (held_by is None)


def test_no_wish_writes_nothing_even_when_the_present_fee_is_outside_the_limits() -> None:
    guarded = guard(make_wish(None), Limits(max_fee_rate_ppm=100))

    assert guarded == Guarded(policy=POLICY)


@pytest.mark.parametrize(
    ("rested", "needed_s", "written_ppm", "held_by"),
    [
        (dt.timedelta(seconds=3599), 3600, 800, "cooldown_s"),
        (dt.timedelta(seconds=3600), 3600, 900, None),
        (dt.timedelta(0), 0, 900, None),
        (None, 3600, 900, None),
    ],
)
def test_a_channel_rests_after_a_change(
    rested: dt.timedelta | None, needed_s: int, written_ppm: int, held_by: str | None
) -> None:
    rest = Rest(now=NOW, last_change_at=None if rested is None else NOW - rested, needed_s=needed_s)
    guarded = guard(make_wish(900), Limits(), rest=rest)

    assert (guarded.policy.fee_rate_ppm, guarded.held_by) == (written_ppm, held_by)


def test_the_sentence_of_a_rest_has_its_hours() -> None:
    rest = Rest(now=NOW, last_change_at=NOW - dt.timedelta(minutes=90), needed_s=86_400)

    assert guard(make_wish(900), Limits(), rest=rest).why == "it was changed 1.5 h ago and rests for 24.0 h"


def test_only_the_fields_a_wish_names_change() -> None:
    guarded = guard(make_wish(900, inbound_ppm=-60, base_msat=-1000), Limits())

    expected = replace(POLICY, fee_rate_ppm=900, inbound_fee_rate_ppm=-60, inbound_base_fee_msat=-1000)
    assert guarded.policy == expected
    assert guard(make_wish(900), Limits()).policy == replace(POLICY, fee_rate_ppm=900)


@pytest.mark.parametrize(
    ("inbound_ppm", "base_msat", "is_written"),
    [(-60, -7, True), (-8, -7, True), (-7, -7, False), (0, -7, True), (-3, -8, True), (-3, -7, False)],
)
def test_an_inbound_change_is_worth_writing_when_it_is_large_ends_a_discount_or_moves_the_base_fee(
    inbound_ppm: int, base_msat: int, is_written: bool
) -> None:
    guarded = guard(make_wish(800, inbound_ppm=inbound_ppm, base_msat=base_msat), Limits(min_change_ppm=5))

    assert (guarded.policy != POLICY) == is_written


def test_a_small_outbound_change_goes_along_with_a_worthy_inbound_one() -> None:
    guarded = guard(make_wish(801, inbound_ppm=-60), Limits(min_change_ppm=5))

    assert (guarded.policy.fee_rate_ppm, guarded.policy.inbound_fee_rate_ppm) == (801, -60)
