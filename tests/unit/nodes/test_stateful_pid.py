"""feelancer's strategy over a node: margin, spreads, recalibration, pin, level and gate, through the decision."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given as given_values
from hypothesis import strategies as st

from nodes.engine.cycle import ChannelInput, NodeDecision
from nodes.engine.decision import decide_node
from nodes.engine.memory import PidMemory, PidNodeMemory
from nodes.engine.policies.pid.error import PeerLiquidity
from nodes.engine.policies.pid.survey import PidPeer, level_spreads, limit_idio, recalibrate_spread, survey_peers
from nodes.engine.policy_change import PolicyChange
from nodes.engine.stateful_strategies import PidStrategy
from tests.unit.nodes.engine_builders import (
    NOW,
    PEER,
    make_channel,
    make_cycle,
    make_input,
    make_policy,
    make_policy_of,
)

OTHER = "02" + "ef" * 32
HOUR_AGO = NOW - dt.timedelta(hours=1)
YESTERDAY = NOW - dt.timedelta(days=1)


def make_peer(pubkey: str = PEER, *, remote_sat: int = 500_000, local_sat: int = 500_000, **changes: Any) -> PidPeer:
    fields: dict[str, Any] = {"reference_ppm": 300} | changes
    return PidPeer(pubkey=pubkey, liquidity=PeerLiquidity(remote_sat=remote_sat, local_sat=local_sat), **fields)


def make_memory(**changes: Any) -> PidMemory:
    fields: dict[str, Any] = {"at": YESTERDAY, "error": 0.0, "integral": 0.0, "slope": 0.0, "spread_ppm": 200.0}
    return PidMemory(**(fields | {"reference_ppm": 300, "wished_ppm": 300} | changes))


def make_pid_channel(scid: str = "800000x1x0", pubkey: str = PEER, *, ppm: int = 300, **changes: Any) -> ChannelInput:
    channel = make_channel(
        short_channel_id=scid,
        peer_pubkey=pubkey,
        own_policy=make_policy(fee_rate_ppm=ppm, inbound_fee_rate_ppm=0, inbound_base_fee_msat=0),
    )
    return make_input(channel, **changes)


def decide_pid(channels: list[ChannelInput], **parameters: Any) -> NodeDecision:
    return decide_node(make_cycle(make_policy_of(PidStrategy(**parameters))), channels)


def test_a_first_look_starts_from_the_fee_in_force_and_adds_an_hour_of_error() -> None:
    survey = survey_peers(
        [make_peer(), make_peer(OTHER, remote_sat=10**6, local_sat=0)], PidStrategy(), now=NOW, margin=None
    )

    assert survey.target == 750_000
    assert survey.prices[PEER].state.spread == pytest.approx(300 + 120 * survey.prices[PEER].error / 2 / 24)
    assert survey.prices[OTHER].error == 0.5


def test_a_node_needs_a_higher_price_where_more_than_the_target_lies_with_the_peer() -> None:
    peers = [make_peer(remote_sat=900_000, local_sat=100_000), make_peer(OTHER, remote_sat=100_000, local_sat=900_000)]

    prices = survey_peers(peers, PidStrategy(), now=NOW, margin=None).prices

    assert prices[PEER].fee_rate_ppm > prices[OTHER].fee_rate_ppm


def test_the_margin_is_one_for_all_and_returns_to_its_mean() -> None:
    strategy = PidStrategy(margin_mean_ppm=100, margin_alpha=1.0)

    first = survey_peers([], strategy, now=NOW, margin=None).margin
    later = survey_peers([], strategy, now=NOW, margin=PidNodeMemory(at=YESTERDAY, margin_ppm=200.0)).margin

    assert first.margin_ppm == 100
    assert later.margin_ppm == pytest.approx(100 + 100 * 0.36787944117144233)


@given_values(st.floats(0, 5_000), st.floats(-500, 500), st.floats(-90, 500), st.floats(-500, 500))
def test_a_recalibrated_spread_gives_the_fee_it_was_taken_from(
    reference: float, margin: float, percent: float, const: float
) -> None:
    strategy = PidStrategy(idio_const_ppm=const, idio_percent=percent, idio_min_ppm=-1e6, idio_max_ppm=1e6)

    spread = recalibrate_spread(reference, strategy, margin_ppm=margin)

    if abs(const + percent * spread / 100) < 1e6:
        assert margin + limit_idio(spread, strategy) + spread == pytest.approx(reference, abs=1e-6)


@pytest.mark.parametrize(
    ("reference_ppm", "by_engine", "is_recalibrated"),
    [(300, False, False), (777, False, True), (777, True, False), (None, False, False)],
)
def test_a_fee_that_somebody_else_set_is_where_the_controller_goes_on(
    reference_ppm: int | None, by_engine: bool, is_recalibrated: bool
) -> None:
    peer = make_peer(reference_ppm=reference_ppm, changed_by_engine=by_engine, memory=make_memory())

    price = survey_peers([peer], PidStrategy(), now=NOW, margin=None).prices[PEER]

    assert price.is_recalibrated is is_recalibrated
    assert price.force is is_recalibrated
    assert price.state.spread == pytest.approx(777 if is_recalibrated else 200)


def test_a_controller_that_was_not_run_for_too_long_starts_anew() -> None:
    old = make_memory(at=NOW - dt.timedelta(hours=169))

    price = survey_peers([make_peer(memory=old)], PidStrategy(), now=NOW, margin=None).prices[PEER]

    assert price.state.spread == pytest.approx(300)


@pytest.mark.parametrize(("local_sat", "expected_ppm"), [(600_000, 21_000), (400_000, 0)])
def test_a_new_channel_starts_dear_where_we_hold_more_and_for_nothing_where_the_peer_does(
    local_sat: int, expected_ppm: int
) -> None:
    peer = make_peer(local_sat=local_sat, remote_sat=1_000_000 - local_sat, is_new=True)

    price = survey_peers([peer], PidStrategy(), now=NOW, margin=None).prices[PEER]

    assert price.fee_rate_ppm == expected_ppm
    assert price.force


@pytest.mark.parametrize(("pin", "pinned"), [(PEER, PEER), ("dynamic", OTHER)])
@pytest.mark.parametrize("method", ["fee_rate", "spread"])
def test_a_pinned_peer_keeps_its_fee_and_the_others_their_distance(pin: str, pinned: str, method: str) -> None:
    peers = [make_peer(reference_ppm=900), make_peer(OTHER, reference_ppm=400)]
    strategy = PidStrategy(pin_peer=pin, pin_method=method, pin_value_ppm=50, margin_mean_ppm=10, idio_percent=10)  # type: ignore[arg-type]
    loose = PidStrategy(margin_mean_ppm=10, idio_percent=10)

    prices = survey_peers(peers, strategy, now=NOW, margin=None).prices
    free = survey_peers(peers, loose, now=NOW, margin=None).prices

    price = prices[pinned]
    kept = price.state.spread if method == "spread" else 10 + 1.1 * price.state.spread
    assert kept == pytest.approx(50)
    distance = prices[PEER].state.spread - prices[OTHER].state.spread
    assert distance == pytest.approx(free[PEER].state.spread - free[OTHER].state.spread)


def test_the_level_of_spreads_moves_against_its_deviation_and_no_further_than_allowed() -> None:
    peers = [make_peer(remote_sat=900_000, local_sat=100_000), make_peer(OTHER, remote_sat=100_000, local_sat=900_000)]
    spreads = {PEER: 500.0, OTHER: 100.0}

    level = level_spreads(peers, spreads, strategy=PidStrategy(level_gain=1.0))
    narrow = level_spreads(peers, spreads, strategy=PidStrategy(level_gain=1.0, level_max_deviation_ppm=30))

    assert level_spreads(peers, spreads, strategy=PidStrategy()) == 0
    assert level == pytest.approx(-100)  # the deviation is 460 - 300 = 160, at most 100
    assert narrow == -30


def test_all_channels_with_a_peer_get_one_rate_and_the_node_one_memory() -> None:
    channels = [make_pid_channel(), make_pid_channel("800001x1x0", ppm=350), make_pid_channel("7x7x7", OTHER)]

    decision = decide_pid(channels, margin_mean_ppm=50, k_p=5_000)

    written = [one.proposed_policy.fee_rate_ppm for one in decision.decisions if one.proposed_policy]
    assert written[0] == written[1]
    assert isinstance(decision.memories.node["pid"], PidNodeMemory)
    assert set(decision.memories.peers) == {PEER, OTHER}


def test_a_change_too_soon_or_too_small_is_left_and_the_controller_goes_on() -> None:
    recent = make_channel(own_policy=make_policy(fee_rate_ppm=300, last_update=int(HOUR_AGO.timestamp())))

    decision = decide_pid([make_input(recent, peer_memory={"pid": make_memory()})], k_t=500)

    [one] = decision.decisions
    assert (one.direction, one.rule) == ("keep", "pid/gate")
    memory = decision.memories.peers[PEER]["pid"]
    assert isinstance(memory, PidMemory)
    assert memory.spread_ppm == pytest.approx(700)


def test_our_own_change_of_a_fee_is_no_reason_to_start_again() -> None:
    change = PolicyChange(at=HOUR_AGO, old_fee_rate_ppm=300, new_fee_rate_ppm=500, by="engine")
    given = make_pid_channel(ppm=500, peer_memory={"pid": make_memory()}, changes=[change])

    assert decide_pid([given]).decisions[0].rule != "pid/recalibrated"
    assert decide_pid([make_pid_channel(ppm=500, peer_memory={"pid": make_memory()})]).decisions[0].rule == (
        "pid/recalibrated"
    )


def test_inbound_fees_are_set_only_when_asked_and_never_become_the_outbound_rate() -> None:
    given = make_pid_channel()

    asked = decide_pid([given], set_inbound=True, margin_mean_ppm=50).decisions[0].proposed_policy
    unasked = decide_pid([given]).decisions[0].proposed_policy

    assert asked is not None
    assert unasked is not None
    assert (asked.fee_rate_ppm, asked.inbound_fee_rate_ppm) == (300, -250)
    assert unasked.inbound_fee_rate_ppm == 0
