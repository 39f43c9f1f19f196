"""One guard after the other: what it cuts or stops, and what it says."""

import datetime as dt

import pytest
from msgspec.structs import replace

from nodes.engine.document import Limits
from nodes.engine.guards.arbitrage import is_arbitrage_free, measure_total_fee_msat
from nodes.engine.guards.case import GuardCase, Guarded
from nodes.engine.guards.order import guard_wish
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.policy_change import PolicyChange
from tests.unit.nodes.guards.cases import NOW, POLICY, make_case, make_change, make_policy, make_wish

MINUTE, HOUR, DAY = dt.timedelta(minutes=1), dt.timedelta(hours=1), dt.timedelta(days=1)


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
        (900, Limits(max_step_ppm=1), 805, "max_step_ppm"),
        (0, Limits(), 0, None),
        (800, Limits(), 800, None),
        (1000, Limits(smoothing=0.25), 850, "smoothing"),
        (803, Limits(smoothing=0.25, min_change_ppm=0), 801, "smoothing"),
        (808, Limits(smoothing=0.25), 805, "smoothing"),
        (1000, Limits(smoothing=1.0), 1000, None),
    ],
)
def test_limits_cut_a_wish_in_their_order_and_name_the_one_that_held_it(
    wished_ppm: int, limits: Limits, written_ppm: int, held_by: str | None
) -> None:
    guarded = guard_wish(make_wish(wished_ppm), make_case(limits=limits))

    assert (guarded.policy.fee_rate_ppm, guarded.held_by) == (written_ppm, held_by)
    assert (guarded.why is None) == (held_by is None)


def test_fees_outside_the_limits_are_left_alone_while_other_fields_are_written() -> None:
    """`ignore_fees` sets the limits of payments on such a channel, and its arbitrage is its owner's as well."""
    present = make_policy(fee_rate_ppm=9_000, base_fee_msat=99_999, inbound_fee_rate_ppm=-9_000)
    case = make_case(present=present, limits=Limits(max_fee_rate_ppm=100, max_base_fee_msat=5))

    assert guard_wish(make_wish(max_htlc_msat=7_000), case) == Guarded(policy=replace(present, max_htlc_msat=7_000))


def test_a_base_fee_is_cut_to_its_limits() -> None:
    case = make_case(limits=Limits(min_base_fee_msat=10, max_base_fee_msat=500))

    assert guard_wish(make_wish(base_fee_msat=0), case).policy.base_fee_msat == 10
    assert guard_wish(make_wish(base_fee_msat=501), case).held_by == "max_base_fee_msat"
    assert guard_wish(make_wish(900), case).policy.base_fee_msat == 1000


def test_a_smallest_payment_above_the_largest_is_not_written_and_the_rest_is() -> None:
    guarded = guard_wish(make_wish(900, min_htlc_msat=10**12), make_case())

    assert guarded.policy == make_policy(fee_rate_ppm=900)
    assert guarded.held_by == "htlc_bounds"


@pytest.mark.parametrize(
    ("inbound_ppm", "base_msat", "is_written"),
    [(-60, -7, True), (-8, -7, True), (-7, -7, False), (0, -7, True), (-3, -8, True), (-3, -7, False)],
)
def test_an_inbound_change_is_worth_writing_when_it_is_large_ends_a_discount_or_moves_the_base_fee(
    inbound_ppm: int, base_msat: int, is_written: bool
) -> None:
    present = make_policy(inbound_fee_rate_ppm=-3, inbound_base_fee_msat=-7)
    wish = make_wish(800, inbound_fee_rate_ppm=inbound_ppm, inbound_base_fee_msat=base_msat)

    assert (guard_wish(wish, make_case(present=present)).policy != present) == is_written


def test_a_small_outbound_change_goes_along_with_a_worthy_inbound_one() -> None:
    guarded = guard_wish(make_wish(801, inbound_fee_rate_ppm=-60), make_case())

    assert (guarded.policy.fee_rate_ppm, guarded.policy.inbound_fee_rate_ppm) == (801, -60)


def test_an_inbound_surcharge_is_only_written_where_the_node_takes_one() -> None:
    wish = make_wish(inbound_fee_rate_ppm=50)
    willing = make_case(settings=GuardSettings(allow_positive_inbound=True))

    assert guard_wish(wish, make_case()) == Guarded(
        policy=POLICY,
        held_by="positive_inbound",
        why="an inbound fee is a discount: LND refuses one above 0 unless told otherwise",
    )
    assert guard_wish(wish, willing).policy.inbound_fee_rate_ppm == 50


@pytest.mark.parametrize(
    ("fees", "inbound"),
    [
        ((1000, 0, -1000, 0), (-999, 0)),  # -1000 ppm / 1.001 = -999.0
        ((1000, 0, -999, 0), (-999, 0)),
        ((0, 0, -5, -5), (0, 0)),
        ((100, 1000, -50, -1000), (-50, -999)),
        ((1_000_000, 0, -1_000_000, 0), (-500_000, 0)),
        ((500, 1000, 20, 0), (20, 0)),
    ],
)
def test_an_inbound_discount_is_raised_to_the_edge_of_arbitrage(
    fees: tuple[int, int, int, int], inbound: tuple[int, int]
) -> None:
    rate, base, inbound_rate, inbound_base = fees
    wish = make_wish(rate, base_fee_msat=base, inbound_fee_rate_ppm=inbound_rate, inbound_base_fee_msat=inbound_base)
    case = make_case(limits=Limits(max_fee_rate_ppm=10**6), settings=GuardSettings(allow_positive_inbound=True))
    guarded = guard_wish(wish, case)

    assert (guarded.policy.inbound_fee_rate_ppm, guarded.policy.inbound_base_fee_msat) == inbound
    assert (guarded.policy.fee_rate_ppm, guarded.policy.base_fee_msat) == (rate, base)
    assert (guarded.held_by == "arbitrage") == (inbound != (inbound_rate, inbound_base))
    assert is_arbitrage_free(guarded.policy)


def test_a_lower_outbound_fee_takes_the_discount_that_stood_on_it_along() -> None:
    present = make_policy(fee_rate_ppm=800, inbound_fee_rate_ppm=-500)
    guarded = guard_wish(make_wish(100), make_case(present=present))

    assert (guarded.policy.fee_rate_ppm, guarded.policy.inbound_fee_rate_ppm) == (100, -99)
    assert guarded.held_by == "arbitrage"


def test_lnd_takes_nothing_rather_than_pay_for_a_forward() -> None:
    """In by a channel with a discount of 500 ppm, out by one of 100 ppm: the sum would be -400 ppm."""
    discount = make_policy(inbound_fee_rate_ppm=-500)
    cheap, dear = make_policy(fee_rate_ppm=100, base_fee_msat=0), make_policy(fee_rate_ppm=900, base_fee_msat=0)

    assert measure_total_fee_msat(1_000_000, incoming=discount, outgoing=cheap) == 0
    assert measure_total_fee_msat(1_000_000, incoming=discount, outgoing=dear) == 400
    assert measure_total_fee_msat(1_000_000, incoming=POLICY, outgoing=dear) == 900


def hold(*changes: PolicyChange, wished_ppm: int = 900, **fields: object) -> str | None:
    """By whom a wish is held after these changes."""
    return guard_wish(make_wish(wished_ppm), make_case(changes=list(changes), **fields)).held_by


@pytest.mark.parametrize(
    ("ago", "needed_s", "by", "held_by"),
    [
        (dt.timedelta(seconds=3599), 3600, "engine", "cooldown_s"),
        (dt.timedelta(seconds=3599), 3600, "unknown", "cooldown_s"),
        (dt.timedelta(seconds=3599), 3600, "node", None),
        (dt.timedelta(seconds=3600), 3600, "engine", None),
    ],
)
def test_a_channel_rests_after_a_change(ago: dt.timedelta, needed_s: int, by: str, held_by: str | None) -> None:
    assert hold(make_change(ago, by=by), limits=Limits(cooldown_s=needed_s)) == held_by
    assert hold(make_change(ago, by=by), wait_s=needed_s) == held_by


def test_the_sentence_of_a_rest_has_its_hours() -> None:
    case = make_case(changes=[make_change(90 * MINUTE)], wait_s=86_400)

    assert guard_wish(make_wish(900), case).why == "it was changed 1.5 h ago and rests for 24.0 h"


def test_a_change_of_the_owner_is_left_alone_for_a_day() -> None:
    case = make_case(changes=[make_change(2 * HOUR, by="owner")])

    assert guard_wish(make_wish(900), case) == Guarded(
        policy=POLICY,
        held_by="manual_change",
        why="somebody else changed it 2.0 h ago, and that holds until 2026-03-02 10:00 UTC (24.0 h)",
    )
    assert hold(make_change(DAY, by="owner")) is None
    assert hold(make_change(HOUR, by="owner"), settings=GuardSettings(manual_hold_s=0)) is None


def test_what_was_taken_back_is_left_alone_as_long_and_is_no_change_of_ours() -> None:
    case = make_case(changes=[make_change(HOUR / 2, by="rollback")])

    assert guard_wish(make_wish(900), case) == Guarded(
        policy=POLICY,
        held_by="rolled_back",
        why="what was written was taken back 30 min ago, and that holds until 2026-03-02 11:30 UTC (24.0 h)",
    )
    assert hold(make_change(DAY, by="rollback")) is None
    assert hold(*[make_change(HOUR, by="rollback")] * 3, settings=GuardSettings(manual_hold_s=0)) is None


def test_an_announcement_of_the_node_does_not_end_the_rest_of_the_owners_change() -> None:
    assert hold(make_change(2 * HOUR, by="owner"), make_change(HOUR, by="node")) == "manual_change"


def test_a_fee_that_turned_round_too_often_is_held_and_one_that_goes_on_is_not() -> None:
    up, down = (700, 800), (800, 700)
    turns = [make_change((5 - index) * HOUR, *(up, down)[index % 2]) for index in range(4)]
    section = GuardSettings(max_reversals=3, max_changes_per_day_channel=None)

    assert hold(*turns, wished_ppm=900, settings=section) == "oscillation"
    assert hold(*turns, wished_ppm=600, settings=section) is None
    assert hold(*turns, wished_ppm=900, settings=replace(section, max_reversals=4)) is None
    assert hold(*turns, wished_ppm=900, settings=replace(section, reversal_window_s=4 * 3600)) is None


def test_a_channel_is_changed_three_times_a_day_by_default() -> None:
    ours = [make_change(hours * HOUR) for hours in (23, 2, 1)]

    assert hold(*ours) == "changes_per_day"
    assert hold(*[replace(ours[0], by="owner", at=NOW - 25 * HOUR), *ours[1:]]) is None


def burst(count: int, *, ago: dt.timedelta = MINUTE / 2, by: str = "node") -> list[PolicyChange]:
    return [make_change(ago, by=by)] * count


@pytest.mark.parametrize(
    ("changes", "fields", "held_by"),
    [
        (burst(9), {"implementation": "lnd"}, None),
        (burst(10), {"implementation": "lnd"}, "gossip_budget"),
        (burst(10, ago=MINUTE), {"implementation": "lnd"}, None),
        (burst(3), {"implementation": "cln"}, None),
        (burst(4), {"implementation": "cln"}, "gossip_budget"),
        (burst(4, ago=DAY - MINUTE), {"implementation": "cln"}, "gossip_budget"),
        (burst(4, ago=DAY), {"implementation": "cln"}, None),
        (burst(4), {"implementation": "lnd", "settings": GuardSettings(gossip="cln")}, "gossip_budget"),
        (burst(40), {"implementation": "cln", "settings": GuardSettings(gossip="none")}, None),
        (burst(1, ago=dt.timedelta(milliseconds=999)), {"implementation": "lnd"}, "gossip_budget"),
    ],
)
def test_no_update_is_written_that_nobody_would_hear(
    changes: list[PolicyChange], fields: dict[str, object], held_by: str | None
) -> None:
    assert hold(*changes, **fields) == held_by


def test_the_sentence_of_the_gossip_budget_says_when_the_next_is_heard() -> None:
    case: GuardCase = make_case(changes=burst(4, ago=18 * HOUR), implementation="cln")

    assert guard_wish(make_wish(900), case).why == (
        "others take 4 updates of a channel at once and then one each 24.0 h: the next is heard in 6.0 h"
    )
