"""What shadow would have written: each run decided on what the runs before it would have left, and nothing invented."""

import datetime as dt
from typing import Any

import pytest
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.decision import decide_node
from nodes.engine.document import FeePolicy, Limits
from nodes.engine.policy_change import PolicyChange
from nodes.engine.release.shadow import Shadow, ShadowChannel, ShadowError, sum_effects
from nodes.engine.strategies import DisableStrategy, ProportionalStrategy
from nodes.engine.types import FlowTotals
from tests.unit.nodes.engine_builders import CHANNEL, NOW, POLICY, make_cycle, make_input, make_policy_of

SCID = CHANNEL.short_channel_id
STEPPING = make_policy_of(limits=Limits(max_step_ppm=100))
BUSY = FlowTotals(days_observed=7.0, out_7d_msat=10_000_000_000, out_forwards_7d=10, revenue_7d_msat=7_000_000)


def make_run(hours: float, *, ppm: int = POLICY.fee_rate_ppm, policy: FeePolicy = STEPPING, **changes: Any) -> Any:
    """At 92 % local the proportional strategy wishes for 126 ppm; the present fee is 800."""
    channel = replace(CHANNEL, own_policy=replace(POLICY, fee_rate_ppm=ppm))
    return make_cycle(policy, now=NOW + dt.timedelta(hours=hours)), [make_input(channel, **changes)]


def feed(*runs: tuple[CycleInput, list[ChannelInput]], policy: FeePolicy | None = None) -> ShadowChannel:
    shadow = Shadow(policy)
    for run in runs:
        shadow.feed(*run)
    assert shadow.runs == len(runs)
    [channel] = shadow.list_channels({SCID: 5000})
    return channel


def make_change(hours: float, old_ppm: int, new_ppm: int, by: str = "owner") -> PolicyChange:
    at = NOW + dt.timedelta(hours=hours)
    return PolicyChange(at=at, by=by, old_fee_rate_ppm=old_ppm, new_fee_rate_ppm=new_ppm)  # type: ignore[arg-type]


def test_steps_add_up_where_each_run_on_its_own_would_take_the_first_step_again() -> None:
    runs = [make_run(24 * day) for day in range(4)]
    assert {decide_node(*run).decisions[0].proposed_policy.fee_rate_ppm for run in runs} == {700}  # type: ignore[union-attr]
    channel = feed(*runs)
    assert [(point.actual_ppm, point.shadow_ppm) for point in channel.fees] == [
        (800, 700), (800, 600), (800, 500), (800, 400)
    ]  # fmt: skip
    assert channel.writes == 4


def test_what_has_been_written_is_not_written_again() -> None:
    policy = make_policy_of()
    channel = feed(*(make_run(24 * day, policy=policy) for day in range(5)))
    assert channel.writes == 1
    assert len(channel.fees) == 1


def test_a_cooldown_counts_from_what_would_have_been_written() -> None:
    policy = make_policy_of(limits=Limits(max_step_ppm=100, cooldown_s=36 * 3600))
    channel = feed(*(make_run(12 * half, policy=policy) for half in range(7)))
    assert [point.at - NOW for point in channel.fees] == [dt.timedelta(hours=hours) for hours in (0, 36, 72)]


def test_gossip_is_used_up_by_what_would_have_been_written() -> None:
    """A change every ten seconds: a node's burst is soon over."""
    policy = make_policy_of(limits=Limits(max_step_ppm=10))
    channel = feed(*(make_run(second / 360, policy=policy) for second in range(40)))
    assert 0 < channel.writes < 40


def test_what_the_owner_sets_counts_in_both_worlds() -> None:
    change = make_change(20, 800, 350)
    channel = feed(make_run(0), make_run(24, ppm=350, changes=[change]), make_run(48, ppm=350, changes=[change]))
    assert channel.fees[0].shadow_ppm == 700
    assert all(point.actual_ppm == 350 for point in channel.fees[1:])
    assert max(point.shadow_ppm for point in channel.fees[1:]) <= 350
    assert (channel.owner_changes, channel.agreed, channel.opposed) == (1, 1, 0)


@pytest.mark.parametrize(("new_ppm", "agreed", "opposed"), [(500, 1, 0), (1200, 0, 1)])
def test_agreement_is_the_direction_the_engine_had_gone(new_ppm: int, agreed: int, opposed: int) -> None:
    channel = feed(make_run(0), make_run(24, ppm=new_ppm, changes=[make_change(20, 800, new_ppm)]))
    assert (channel.agreed, channel.opposed) == (agreed, opposed)


def test_what_the_engine_itself_wrote_meanwhile_is_no_change_of_the_owner() -> None:
    channel = feed(make_run(0), make_run(24, ppm=700, changes=[make_change(1, 800, 700, by="engine")]))
    assert channel.owner_changes == 0
    assert channel.fees[-1].shadow_ppm == 600


def test_another_document_is_compared_on_the_same_runs() -> None:
    flat = make_policy_of(ProportionalStrategy(min_fee_rate_ppm=7, max_fee_rate_ppm=7))
    channel = feed(make_run(0), make_run(24), policy=flat)
    assert [point.shadow_ppm for point in channel.fees] == [7]


def test_a_document_that_asks_for_periods_nobody_measured_is_refused() -> None:
    from nodes.engine.document import Activity, Match, Rule

    match = Match(activity=Activity(period_s=3600))
    asking = FeePolicy(rules=[Rule(name="busy", match=match, strategy=ProportionalStrategy())])
    with pytest.raises(ShadowError, match="no data: no run measured forwards over 3600 s"):
        feed(make_run(0), policy=asking)


def test_the_expected_effect_is_there_where_there_is_data_and_else_is_none() -> None:
    assert feed(make_run(0)).effect is None
    effect = feed(make_run(0, flow=BUSY), make_run(24, flow=BUSY)).effect
    assert effect is not None
    assert effect.low_sat_per_day <= effect.sat_per_day <= effect.high_sat_per_day
    assert effect.basis.startswith("mean of 2 runs")


def test_effects_of_a_node_add_up_over_the_channels_with_data() -> None:
    quiet, busy = feed(make_run(0)), feed(make_run(0, flow=BUSY))
    assert sum_effects([quiet]) is None
    total, one = sum_effects([quiet, busy, busy]), busy.effect
    assert total is not None
    assert one is not None
    assert total.sat_per_day == pytest.approx(2 * one.sat_per_day)


def test_a_channel_whose_policy_is_not_known_is_left_out() -> None:
    shadow = Shadow()
    shadow.feed(make_cycle(), [make_input(replace(CHANNEL, own_policy=None))])
    assert shadow.list_channels(None) == []


def test_income_that_is_not_known_is_none_and_not_zero() -> None:
    shadow = Shadow()
    shadow.feed(*make_run(0))
    assert [shadow.list_channels(None)[0].income_msat, shadow.list_channels({})[0].income_msat] == [None, 0]


def test_a_channel_that_shadow_switched_off_stays_off_is_one_write_and_loses_its_income() -> None:
    off = make_policy_of(DisableStrategy())
    channel = feed(*(make_run(24 * day, policy=off, flow=BUSY) for day in range(3)))
    assert [(point.actual_off, point.shadow_off) for point in channel.fees] == [(False, True)]
    assert channel.writes == 1
    assert channel.effect is not None
    assert channel.effect.sat_per_day == -1000.0
