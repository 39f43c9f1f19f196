"""What others charge towards a peer, and what a peer earned since its price was last looked at."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.market import MarketSample, measure_market
from nodes.engine.median import take_quantile, weigh_median, weigh_quantiles
from nodes.engine.memory import ClbossMemory
from nodes.engine.policies.clboss.theory import deal_deck
from nodes.engine.prepare_peer import measure_earned
from tests.unit.nodes.engine_builders import NOW, PEER, make_channel, make_forward

OWN = "03" + "cd" * 32
weighted = st.lists(st.tuples(st.integers(0, 10**6), st.integers(1, 10**10)), min_size=1, max_size=30)


def make_sample(
    node: int, ppm: int, *, base_msat: int = 1000, capacity_sat: int = 10, size_sat: int | None = None
) -> MarketSample:
    return MarketSample(
        capacity_sat=capacity_sat,
        base_fee_msat=base_msat,
        fee_rate_ppm=ppm,
        from_pubkey=f"02{node:014x}",
        from_capacity_sat=size_sat,
    )


@given(weighted)
def test_quantiles_grow_with_their_share_and_the_middle_one_is_the_median(values: list[tuple[int, int]]) -> None:
    quantiles = weigh_quantiles(values, (0.1, 0.25, 0.5, 0.75, 0.95))

    assert None not in quantiles
    assert quantiles == sorted(quantiles, key=lambda value: value or 0)
    assert quantiles[2] == weigh_median(values)


@pytest.mark.parametrize(("share", "expected"), [(0, 10), (0.5, 25), (0.65, 29.5), (1, 40)])
def test_an_unweighted_quantile_lies_between_the_two_nearest(share: float, expected: float) -> None:
    assert take_quantile([40, 10, 30, 20], share) == pytest.approx(expected)


def test_the_market_is_that_of_the_others_weighed_by_capacity() -> None:
    samples = [
        make_sample(1, 100, base_msat=0, capacity_sat=60, size_sat=500),
        make_sample(2, 900, capacity_sat=30, size_sat=2_000),
        make_sample(2, 5_000, capacity_sat=1, size_sat=2_000),
        make_sample(3, 300, capacity_sat=9, size_sat=1_000),
        MarketSample(capacity_sat=10**9, base_fee_msat=7, fee_rate_ppm=7, from_pubkey=OWN[:16], from_capacity_sat=1),
    ]

    market = measure_market(samples, own_pubkey=OWN, own_capacity_sat=1_000)

    assert market is not None
    assert (market.median_fee_rate_ppm, market.median_base_fee_msat, market.p95_ppm) == (100, 0, 900)
    assert market.mean_fee_rate_ppm == pytest.approx((100 * 60 + 900 * 30 + 300 * 9) / 99)
    assert (market.channels, market.competitors, market.smaller, market.larger) == (4, 3, 1, 1)


def test_a_peer_that_nobody_else_leads_to_has_no_market() -> None:
    own = MarketSample(capacity_sat=5, base_fee_msat=1, fee_rate_ppm=1, from_pubkey=OWN)

    assert measure_market([own], own_pubkey=OWN, own_capacity_sat=1) is None
    assert measure_market([], own_pubkey=None, own_capacity_sat=1) is None


def test_a_peer_earned_what_left_by_it_since_its_price_was_last_looked_at() -> None:
    at = NOW - dt.timedelta(hours=2)
    memory = ClbossMemory(at=at, due_at=NOW, balance_bin=0, capacity_sat=1, local_sat=0, deck=deal_deck(0, seed="s"))
    channel = make_channel()
    scid = channel.short_channel_id
    forwards = [
        make_forward(outgoing=scid, settled_at=at, fee_msat=3, in_msat=2_000_003),
        make_forward(outgoing=scid, settled_at=at - dt.timedelta(seconds=1)),
        make_forward(outgoing=scid, settled_at=NOW),
        make_forward(outgoing=scid, status="failed"),
        make_forward(incoming=scid),
    ]

    earned = measure_earned([channel], forwards, memories={PEER: {"clboss": memory}}, now=NOW)

    assert earned == {PEER: 3}
    assert measure_earned([channel], forwards, memories={}, now=NOW) == {}
