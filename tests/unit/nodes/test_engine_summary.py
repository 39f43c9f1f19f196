import pytest

from nodes.engine.cycle import ChannelInput
from nodes.engine.summary import summarise_node
from nodes.engine.types import FlowTotals, ScoreCard
from tests.unit.nodes.engine_builders import PEER, decide, make_channel, make_input, make_policy

EARNING = FlowTotals(days_observed=7.0, out_7d_msat=10_000_000_000, out_forwards_7d=10, revenue_7d_msat=7_000_000)


def scored(value: float | None) -> ScoreCard:
    return ScoreCard(value=value, weight_known=0.5, parts=[])


def drained() -> ChannelInput:
    """Raised from 800 to 1000 ppm, with 1,000 sat a day at stake."""
    channel = make_channel(local_balance_sat=0, remote_balance_sat=1_000_000)
    return make_input(channel=channel, flow=EARNING, score=scored(0.2))


def full() -> ChannelInput:
    """Lowered from 800 to 125 ppm, a far larger move of a channel without income; three times the capacity."""
    return make_input(channel=make_channel(capacity_sat=3_000_000), score=scored(0.6))


def right() -> ChannelInput:
    channel = make_channel(own_policy=make_policy(fee_rate_ppm=125))
    return make_input(channel=channel, flow=EARNING, score=scored(None))


def test_a_node_is_told_in_one_line() -> None:
    inputs = [full(), drained(), right()]
    decisions = [decide(given) for given in inputs]
    summary = summarise_node(inputs, decisions)

    assert (summary.channels, summary.raised, summary.lowered, summary.changed, summary.kept) == (3, 1, 1, 0, 1)
    assert summary.score == pytest.approx((0.2 + 3 * 0.6) / 4)
    assert summary.top_reason == f"Channel 800000x1x0 with {PEER[:16]}: {decisions[1].reason}"
    assert (summary.effect_channels, summary.extrapolated_channels) == (2, 0)
    assert summary.effect is not None
    assert decisions[1].effect is not None
    assert summary.effect.sat_per_day == pytest.approx(decisions[1].effect.sat_per_day)
    assert summary.effect.low_sat_per_day < summary.effect.sat_per_day < summary.effect.high_sat_per_day


def test_without_income_the_largest_move_weighs_most_and_there_is_no_effect() -> None:
    small = make_input(channel=make_channel(own_policy=make_policy(fee_rate_ppm=200)))
    inputs = [small, full()]
    decisions = [decide(given) for given in inputs]
    summary = summarise_node(inputs, decisions)

    assert summary.top_reason is not None
    assert summary.top_reason.endswith(decisions[1].reason)
    assert (summary.effect, summary.effect_channels, summary.extrapolated_channels) == (None, 0, 0)


def test_the_top_reason_names_the_peer_as_it_calls_itself_but_not_what_would_upset_the_line() -> None:
    given = make_input(channel=make_channel(peer_alias="\u202eACINQ\x1b[2J\n ⚡"))
    summary = summarise_node([given], [decide(given)])

    assert summary.top_reason is not None
    assert summary.top_reason.startswith("Channel 800000x1x0 with ACINQ[2J ⚡: Local balance is 92 %")


def test_the_sum_says_how_many_of_its_effects_reach_beyond_what_was_measured() -> None:
    far = make_input(flow=EARNING)  # 800 to 125 ppm
    inputs = [drained(), far]
    summary = summarise_node(inputs, [decide(given) for given in inputs])

    assert summary.effect is not None
    assert (summary.effect_channels, summary.extrapolated_channels) == (2, 1)
    assert summary.effect.basis == (
        "sum over 2 channels with data, each from its own fees and one elasticity; "
        "1 of them extrapolated: the fee changes by more than a factor of 2"
    )


def test_a_node_that_changes_nothing_has_no_top_reason() -> None:
    summary = summarise_node([right()], [decide(right())])

    assert (summary.kept, summary.top_reason, summary.score) == (1, None, None)


def test_a_node_without_channels_has_an_empty_line() -> None:
    summary = summarise_node([], [])

    assert (summary.channels, summary.score, summary.effect, summary.top_reason) == (0, None, None, None)


def test_decisions_and_inputs_must_belong_together() -> None:
    with pytest.raises(ValueError, match="zip"):
        summarise_node([right()], [])
