import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nodes.engine.balance import measure_balance, sum_peer_balance
from nodes.engine.report import ChannelState, PendingHtlc
from nodes.engine.scoring import (
    WEIGHTS,
    score_age,
    score_centrality,
    score_channel,
    score_competitiveness,
    score_liquidity,
    score_peer_quality,
    score_uptime,
    score_volume,
)
from nodes.engine.types import FlowTotals, PeerPosition, ScorePart
from tests.unit.nodes.engine_builders import NOW, QUIET_WEEK, make_channel, make_policy, make_position

DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(
    ("rank", "betweenness", "value"), [(1, 9.0, 1.0), (51, 9.0, 0.5), (101, 9.0, 0.0), (48, 0.0, 0.0)]
)
def test_centrality_is_the_share_of_nodes_that_are_less_central(rank: int, betweenness: float, value: float) -> None:
    part = score_centrality(make_position(betweenness_rank=rank, betweenness=betweenness, node_count=101))

    assert part.value == value
    assert part.inputs == {"betweenness": betweenness, "betweenness_rank": rank, "node_count": 101}


def test_centrality_has_no_value_outside_the_graph_or_in_a_graph_of_one_node() -> None:
    assert score_centrality(None).value is None
    assert score_centrality(make_position(node_count=1)).value is None


def test_volume_is_a_half_at_the_turnover_of_a_real_routing_node_and_grows_less_and_less() -> None:
    def score(in_msat: int, out_msat: int) -> float:
        value = score_volume(FlowTotals(days_observed=7.0, in_7d_msat=in_msat, out_7d_msat=out_msat), 1_000_000).value
        assert value is not None
        return value

    assert score(0, 0) == pytest.approx(0.0)
    assert score(40_000_000, 37_000_000) == pytest.approx(0.5)
    assert score(77_000_000, 77_000_000) == pytest.approx(2 / 3)
    assert score(10**12, 10**12) < 1.0


def test_volume_of_fewer_days_is_taken_to_a_week_and_has_no_value_below_a_day() -> None:
    half_a_week = FlowTotals(days_observed=3.5, in_7d_msat=38_500_000)

    assert score_volume(half_a_week, 1_000_000).value == pytest.approx(0.5)
    assert score_volume(FlowTotals(days_observed=0.99, in_7d_msat=38_500_000), 1_000_000).value is None


@pytest.mark.parametrize(
    ("uptime_s", "lifetime_s", "value"),
    [(90, 100, 0.9), (0, 100, 0.0), (101, 100, 1.0), (None, 100, None), (90, None, None), (0, 0, None)],
)
def test_uptime_is_the_share_of_the_watched_time(
    uptime_s: int | None, lifetime_s: int | None, value: float | None
) -> None:
    assert score_uptime(uptime_s, lifetime_s).value == value


@pytest.mark.parametrize(
    ("local_sat", "remote_sat", "value"),
    [(500_000, 500_000, 1.0), (250_000, 750_000, 0.5), (750_000, 250_000, 0.5), (0, 9, 0.0), (9, 0, 0.0), (0, 0, None)],
)
def test_liquidity_is_best_in_balance_and_without_value_when_both_sides_are_empty(
    local_sat: int, remote_sat: int, value: float | None
) -> None:
    part = score_liquidity(make_channel(local_balance_sat=local_sat, remote_balance_sat=remote_sat))

    assert part.value == value
    assert part.inputs == {"local_sat": local_sat, "remote_sat": remote_sat}


@pytest.mark.parametrize(
    ("own_ppm", "market_ppm", "value"),
    [(400, 400, 1.0), (0, 400, 1.0), (800, 400, 0.5), (10, 0, 0.0), (0, 0, 1.0), (800, None, None)],
)
def test_competitiveness_is_full_up_to_the_market_and_falls_in_proportion_above_it(
    own_ppm: int, market_ppm: int | None, value: float | None
) -> None:
    channel = make_channel(own_policy=make_policy(fee_rate_ppm=own_ppm))

    assert score_competitiveness(channel, make_position(market_fee_rate_ppm=market_ppm)).value == value


def test_competitiveness_has_no_value_without_a_policy_or_a_peer() -> None:
    assert score_competitiveness(make_channel(own_policy=None), make_position()).value is None
    assert score_competitiveness(make_channel(), None).value is None


@pytest.mark.parametrize(
    ("scid", "opened_at", "value"),
    [
        ("1x1x1", NOW - 378 * DAY, 0.5),
        ("1x1x1", NOW, 0.0),
        ("900000x1x1", NOW + DAY, None),  # a clock that is wrong
        (f"{900_000 - 378 * 144}x1x1", None, 0.5),
        ("900000x1x1", None, 0.0),
        ("0x0x7", None, None),  # a running number, not a block
        ("900001x1x1", None, None),
        ("16000000x1x1", None, None),  # the alias of a channel without a block
    ],
)
def test_age_is_a_half_for_the_median_channel_and_has_no_value_where_no_date_is_known(
    scid: str, opened_at: dt.datetime | None, value: float | None
) -> None:
    channel = make_channel(short_channel_id=scid, opened_at=opened_at)

    assert score_age(channel, block_height=900_000, now=NOW).value == value


def test_peer_quality_is_a_half_for_ten_channels_of_median_capacity_and_missing_outside_the_graph() -> None:
    assert score_peer_quality(make_position(channel_count=10, capacity_sat=15_000_000)).value == pytest.approx(0.5)
    assert score_peer_quality(make_position(channel_count=0, capacity_sat=45_000_000)).value == pytest.approx(0.375)
    assert score_peer_quality(None).value is None


def test_a_missing_input_leaves_its_weight_out_instead_of_counting_as_zero() -> None:
    channel = make_channel(
        short_channel_id="0x0x7", local_balance_sat=250_000, remote_balance_sat=750_000, uptime_s=9, lifetime_s=10
    )
    card = score_channel(channel, FlowTotals(days_observed=0.0), peer=None, block_height=900_000, now=NOW)

    assert {part.name for part in card.parts if part.value is not None} == {"uptime", "liquidity"}
    assert card.value == pytest.approx((0.10 * 0.9 + 0.25 * 0.5) / 0.35)
    assert card.weight_known == pytest.approx(0.35)


def test_a_channel_of_which_nothing_is_known_has_no_score() -> None:
    channel = make_channel(short_channel_id="0x0x7", local_balance_sat=0, remote_balance_sat=0, own_policy=None)
    card = score_channel(channel, FlowTotals(days_observed=0.0), peer=None, block_height=900_000, now=NOW)

    assert card.value is None
    assert card.weight_known == pytest.approx(0.0)


def test_the_weights_are_those_of_the_mission_and_together_one() -> None:
    card = score_channel(make_channel(), QUIET_WEEK, peer=make_position(), block_height=900_000, now=NOW)

    assert {part.name: part.weight for part in card.parts} == WEIGHTS
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)


def test_balances_count_unsettled_htlcs_and_the_commitment_fee_of_the_opener() -> None:
    htlcs = [PendingHtlc(incoming=False, amount_sat=30_000), PendingHtlc(incoming=True, amount_sat=7_000)]
    channel = make_channel(local_balance_sat=500_000, remote_balance_sat=462_000, pending_htlcs=htlcs, initiator=True)
    balance = measure_balance(channel)

    assert (balance.local_sat, balance.remote_sat) == (531_000, 469_000)
    theirs = measure_balance(make_channel(local_balance_sat=500_000, remote_balance_sat=499_000, initiator=False))
    assert (theirs.local_sat, theirs.remote_sat) == (500_000, 500_000)


@pytest.mark.parametrize("changes", [{"initiator": None}, {"initiator": True, "pending_htlcs": 3}])
def test_no_commitment_fee_is_guessed_where_it_cannot_be_told_apart(changes: dict[str, object]) -> None:
    balance = measure_balance(make_channel(local_balance_sat=500_000, remote_balance_sat=400_000, **changes))

    assert (balance.local_sat, balance.remote_sat) == (500_000, 400_000)


def test_a_peers_balance_is_the_sum_of_its_channels_with_their_htlcs_and_no_commitment_fee() -> None:
    htlcs = [PendingHtlc(incoming=False, amount_sat=1_000)]
    first = make_channel(local_balance_sat=10_000, remote_balance_sat=980_000, pending_htlcs=htlcs, initiator=True)
    balance = sum_peer_balance([first, make_channel()])

    assert (balance.capacity_sat, balance.local_sat, balance.remote_sat) == (2_000_000, 931_000, 1_060_000)


maybe_seconds = st.none() | st.integers(0, 2**40)
positions = st.builds(
    lambda count, rank, others, **fields: (
        PeerPosition(betweenness_rank=rank, node_count=rank + others, **fields) if count else None
    ),
    st.booleans(),
    st.integers(1, 20_000),
    st.integers(0, 20_000),
    channel_count=st.integers(0, 10_000),
    capacity_sat=st.integers(0, 10**13),
    betweenness=st.floats(0, 1e9),
    market_fee_rate_ppm=st.none() | st.integers(0, 10_000),
)


@st.composite
def channels(draw: st.DrawFn) -> ChannelState:
    local_sat, remote_sat = draw(st.integers(0, 10**9)), draw(st.integers(0, 10**9))
    return make_channel(
        short_channel_id=f"{draw(st.integers(0, 2_000_000))}x1x1",
        capacity_sat=max(1, local_sat + remote_sat + draw(st.integers(0, 10_000))),
        local_balance_sat=local_sat,
        remote_balance_sat=remote_sat,
        initiator=draw(st.none() | st.booleans()),
        opened_at=draw(st.none() | st.just(NOW - 5 * DAY) | st.just(NOW + DAY)),
        own_policy=draw(st.none() | st.builds(make_policy, fee_rate_ppm=st.integers(0, 10**6))),
        uptime_s=draw(maybe_seconds),
        lifetime_s=draw(maybe_seconds),
    )


flows = st.builds(
    FlowTotals, days_observed=st.floats(0, 7), in_7d_msat=st.integers(0, 10**15), out_7d_msat=st.integers(0, 10**15)
)


@settings(max_examples=50)
@given(channels(), flows, positions)
def test_every_score_lies_between_0_and_1_and_is_the_weighted_mean_of_what_is_known(
    channel: ChannelState, flow: FlowTotals, peer: PeerPosition | None
) -> None:
    card = score_channel(channel, flow, peer=peer, block_height=900_000, now=NOW)
    known: list[ScorePart] = [part for part in card.parts if part.value is not None]

    assert [part.name for part in card.parts] == list(WEIGHTS)
    assert all(0.0 <= (part.value or 0.0) <= 1.0 for part in card.parts)
    assert 0.0 <= card.weight_known <= 1.0
    assert (card.value is None) == (not known)
    if card.value is not None:
        values = [part.value for part in known if part.value is not None]
        assert min(values) - 1e-12 <= card.value <= max(values) + 1e-12
