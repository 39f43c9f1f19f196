"""A fee policy over the past: earlier events only, exact balances, and no invented gain."""

import datetime as dt
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from nodes.engine.backtest import Backtest, run_backtest
from nodes.engine.policy_change import PolicyChange
from nodes.engine.prepare import NodeFacts
from nodes.engine.rank_correlation import correlate_ranks, rank_values
from nodes.engine.report import Forward, NodeSnapshot, NodeState, PeerPolicy
from nodes.engine.rewind import rewind_facts
from tests.unit.nodes.engine_builders import NOW, PEER, make_channel, make_policy, make_position

DAY = dt.timedelta(days=1)
ONE, TWO, THREE = "800000x1x0", "800000x2x0", "800000x3x0"


def make_forward(number: int, *, days_ago: float, fee_msat: int = 1_000, outgoing: str = TWO) -> Forward:
    return Forward(
        id=str(number),
        incoming_scid=ONE,
        outgoing_scid=outgoing,
        in_msat=50_000_000 + fee_msat,
        out_msat=50_000_000,
        fee_msat=fee_msat,
        settled_at=NOW - days_ago * DAY,
    )


def make_facts(forwards: list[Forward], *, changes: dict[str, list[PolicyChange]] | None = None) -> NodeFacts:
    channels = [
        make_channel(short_channel_id=scid, local_balance_sat=local, remote_balance_sat=1_000_000 - local)
        for scid, local in ((ONE, 700_000), (TWO, 20_000), (THREE, 500_000))
    ]
    node = NodeState(alias="a", implementation="lnd", version="0.18", block_height=900_000, synced_to_chain=True)
    return NodeFacts(
        snapshot=NodeSnapshot(seq=1, taken_at=NOW, node=node, channels=channels),
        forwards=sorted(forwards, key=lambda forward: forward.settled_at),
        history_since=NOW - 90 * DAY,
        own_pubkey="03" + "cd" * 32,
        changes=changes or {},
    )


def move(days_ago: float, old: int | None, new: int) -> PolicyChange:
    return PolicyChange(at=NOW - days_ago * DAY, by="owner", old_fee_rate_ppm=old, new_fee_rate_ppm=new)


def test_an_earlier_day_has_the_balances_and_the_fees_of_that_day() -> None:
    facts = make_facts([make_forward(1, days_ago=2), make_forward(2, days_ago=6)], changes={TWO: [move(1, 300, 800)]})
    then = rewind_facts(facts, NOW - 4 * DAY)
    one, two, three = then.snapshot.channels
    assert (one.local_balance_sat, two.local_balance_sat, three.local_balance_sat) == (649_999, 70_000, 500_000)
    assert [forward.id for forward in then.forwards] == ["2"]
    assert two.own_policy == make_policy(fee_rate_ppm=300)
    assert three.own_policy == make_policy()
    assert then.changes == {TWO: []}
    assert then.snapshot.node.block_height == 900_000 - 4 * 144


def test_what_is_only_known_of_today_is_hidden_from_an_earlier_day() -> None:
    peer = PeerPolicy(base_fee_msat=0, fee_rate_ppm=9, time_lock_delta=40, min_htlc_msat=1, max_htlc_msat=10**9)
    later = PolicyChange(
        at=NOW - DAY, by="owner", old_fee_rate_ppm=300, new_fee_rate_ppm=800, old_inbound_fee_rate_ppm=-70
    )
    channel = make_channel(
        short_channel_id=ONE, active=False, peer_policy=peer, uptime_s=1, lifetime_s=2,
        own_policy=make_policy(last_update=int(NOW.timestamp()), inbound_fee_rate_ppm=-5),
    )  # fmt: skip
    facts = make_facts([], changes={ONE: [move(9, 100, 300), later]})
    snapshot = replace_struct(facts.snapshot, channels=[channel])
    then = rewind_facts(replace(facts, snapshot=snapshot, positions={PEER: make_position()}), NOW - 4 * DAY)
    [seen] = then.snapshot.channels
    assert seen.own_policy == make_policy(
        fee_rate_ppm=300, inbound_fee_rate_ppm=-70, last_update=int((NOW - 9 * DAY).timestamp())
    )
    assert (seen.peer_policy, seen.uptime_s, seen.active, then.positions) == (None, None, True, {})


def test_a_channel_that_was_not_open_yet_is_not_there() -> None:
    facts = make_facts([])
    young = [
        replace_opened(channel, NOW - DAY) if channel.short_channel_id == TWO else channel
        for channel in facts.snapshot.channels
    ]
    facts = replace(facts, snapshot=NodeSnapshot(seq=1, taken_at=NOW, node=facts.snapshot.node, channels=young))
    assert [c.short_channel_id for c in rewind_facts(facts, NOW - 2 * DAY).snapshot.channels] == [ONE, THREE]


def replace_opened(channel, opened_at):  # type: ignore[no-untyped-def]
    return make_channel(short_channel_id=channel.short_channel_id, opened_at=opened_at)


@given(st.lists(st.floats(0.1, 80), max_size=60))
def test_balances_worked_back_stay_within_the_channel(ages: list[float]) -> None:
    facts = make_facts([make_forward(number, days_ago=age) for number, age in enumerate(ages)])
    for channel in rewind_facts(facts, NOW - 40 * DAY).snapshot.channels:
        assert channel.local_balance_sat + channel.remote_balance_sat == 1_000_000
        assert channel.local_balance_sat >= 0


def test_later_events_change_no_earlier_decision() -> None:
    """Events that cancel out in the balances and lie after a day leave what was decided on that day."""
    early = [make_forward(number, days_ago=20 + number) for number in range(10)]
    known = run_backtest(make_facts(early), days=15)
    late = Forward(
        id="back", incoming_scid=TWO, outgoing_scid=ONE, in_msat=50_000_000, out_msat=50_000_000, fee_msat=0,
        settled_at=NOW - 2 * DAY,
    )  # fmt: skip
    more = run_backtest(make_facts([*early, make_forward(99, days_ago=3, fee_msat=0), late]), days=15)
    assert [tell(day) for day in known.days[:11]] == [tell(day) for day in more.days[:11]]


def tell(day):  # type: ignore[no-untyped-def]
    return day.day, day.raised, day.lowered, day.kept, day.depleted


def test_what_the_operator_did_is_set_beside_what_would_have_been_done() -> None:
    """TWO is nearly empty, so the default policy raises it; the operator raised it and then lowered ONE."""
    changes = {TWO: [move(3.4, 100, 800)], ONE: [move(3.4, 500, 800)], THREE: [move(3.4, None, 800)]}
    backtest = run_backtest(make_facts([make_forward(1, days_ago=30)], changes=changes), days=5)
    assert backtest.compared == sum(day.compared for day in backtest.days) == 4
    assert backtest.agreement == pytest.approx(0.5)
    assert backtest.depleted_share is not None


def test_a_score_and_the_past_are_weighed_by_the_fees_that_followed() -> None:
    forwards = [
        make_forward(100 * days + rank, days_ago=days + 0.5, fee_msat=1_000 * (rank + 1), outgoing=outgoing)
        for days in range(80)
        for rank, outgoing in enumerate((ONE, TWO, THREE))
        if outgoing != ONE
    ]
    backtest = run_backtest(make_facts(forwards), days=40)
    assert backtest.naive_correlation == pytest.approx(1.0)
    assert backtest.score_correlation is not None
    assert all(day.naive_correlation is None for day in backtest.days[-29:])


def test_without_a_history_there_is_no_data_and_never_a_gain() -> None:
    empty = run_backtest(replace(make_facts([]), history_since=None), days=30)
    assert empty == Backtest(
        days=[], decisions=0, changes=0, depleted_share=None, agreement=None, compared=0,
        score_correlation=None, naive_correlation=None,
    )  # fmt: skip
    assert empty.note.startswith("No counterfactual")


def test_equal_values_share_their_rank() -> None:
    assert rank_values([10, 20, 20, 5]) == [2, 3.5, 3.5, 1]
    assert correlate_ranks([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert correlate_ranks([1, 2, 3], [30, 20, 10]) == pytest.approx(-1)
    assert correlate_ranks([1, 2, 3], [5, 5, 5]) is None
    assert correlate_ranks([1, 2], [1, 2]) is None
