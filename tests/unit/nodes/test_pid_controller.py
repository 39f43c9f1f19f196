"""feelancer's controllers, target and update gate: what must hold for every input."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nodes.engine.policies.pid.controller import PidGains, PidState, revert_margin, step_pid
from nodes.engine.policies.pid.error import ErrorScale, PeerLiquidity, measure_error, solve_target
from nodes.engine.policies.pid.gate import RateGate, RateProposal, UpdateGate, gate_peer

sats = st.integers(0, 10**10)
ages = st.integers(0, 200_000)
errors = st.floats(-0.5, 0.5)
rates = st.integers(0, 5_000)
discounts = st.integers(-3_000, 0)


def propose(**changes: object) -> RateProposal:
    fields: dict[str, object] = {"short_channel_id": "1x1x1", "fee_rate_ppm": 100, "inbound_fee_rate_ppm": 0}
    fields |= {"new_fee_rate_ppm": 200, "age_s": 100_000} | changes
    return RateProposal(**fields)  # type: ignore[arg-type]


@given(sats, sats, st.floats(1, 999_999))
def test_the_error_has_the_sign_of_the_distance_from_the_target_and_stays_in_its_scale(
    remote_sat: int, local_sat: int, target: float
) -> None:
    error = measure_error(PeerLiquidity(remote_sat=remote_sat, local_sat=local_sat), target, scale=ErrorScale())

    assert -0.5 <= error <= 0.5
    if remote_sat + local_sat:
        ratio = 1_000_000 * remote_sat / (remote_sat + local_sat)
        assert error >= 0 if ratio >= target else error <= 0


@given(st.lists(st.tuples(sats, sats), min_size=1))
def test_at_the_target_solved_for_the_peers_want_as_much_as_they_have(balances: list[tuple[int, int]]) -> None:
    peers = [PeerLiquidity(remote_sat=remote, local_sat=local) for remote, local in balances]

    target = solve_target(peers)

    liquidity_sat = sum(peer.total_sat for peer in peers)
    if target is None:
        assert liquidity_sat == 0
    else:
        wanted_sat = sum(peer.total_sat * target for peer in peers) / 1_000_000
        assert wanted_sat == pytest.approx(sum(peer.remote_sat for peer in peers))


@given(errors, st.floats(60, 86_400), st.floats(0, 1000))
def test_a_steady_error_moves_the_spread_by_its_proportional_gain(error: float, dt_s: float, k_p: float) -> None:
    state = PidState(spread=500.0, error=error)

    stepped = step_pid(state, error, dt_s=dt_s, gains=PidGains(k_p=k_p))

    assert stepped.spread == pytest.approx(500 + k_p * error * dt_s / 86_400)


@given(errors, errors, st.floats(600, 86_400), st.floats(0.1, 30))
def test_two_half_steps_along_a_line_are_one_whole_step(first: float, last: float, dt_s: float, alpha: float) -> None:
    gains = PidGains(k_t=-5, k_p=120, k_i=60, k_d=30, alpha_i=alpha, alpha_d=alpha)
    start = PidState(spread=0.0, error=first)

    whole = step_pid(start, last, dt_s=dt_s, gains=gains)
    half = step_pid(start, (first + last) / 2, dt_s=dt_s / 2, gains=gains)
    halves = step_pid(half, last, dt_s=dt_s / 2, gains=gains)

    for name in ("spread", "error", "integral", "slope"):
        assert getattr(halves, name) == pytest.approx(getattr(whole, name), rel=1e-6, abs=1e-6)


@given(st.floats(0, 5000), st.floats(0, 500), st.floats(0.01, 5), st.floats(0, 10**7))
def test_the_margin_returns_to_its_mean_and_never_passes_it(
    margin: float, mean: float, alpha: float, dt_s: float
) -> None:
    moved = revert_margin(margin, mean=mean, alpha=alpha, dt_s=dt_s)

    assert min(margin, mean) - 1e-9 <= moved <= max(margin, mean) + 1e-9


@given(st.lists(st.tuples(rates, rates, discounts, discounts, ages), min_size=1, max_size=4))
def test_what_the_gate_lets_through_is_all_of_a_peer_inside_the_limits(
    rows: list[tuple[int, int, int, int, int]],
) -> None:
    gate = UpdateGate(outbound=RateGate(min_ppm=100, max_ppm=2_000), inbound=RateGate(min_ppm=-1_000, max_ppm=0))
    proposals = [
        RateProposal(
            short_channel_id=str(index),
            fee_rate_ppm=present,
            inbound_fee_rate_ppm=present_in,
            new_fee_rate_ppm=new,
            new_inbound_fee_rate_ppm=new_in,
            age_s=age_s,
        )
        for index, (present, new, present_in, new_in, age_s) in enumerate(rows)
    ]

    gated = gate_peer(proposals, gate)

    assert set(gated) in (set(), {proposal.short_channel_id for proposal in proposals})
    if min(age_s for *_, age_s in rows) < gate.min_s:
        assert not gated
    for proposal in proposals:
        if rates := gated.get(proposal.short_channel_id):
            assert rates.fee_rate_ppm == proposal.fee_rate_ppm or 100 <= rates.fee_rate_ppm <= 2_000
            assert (
                rates.inbound_fee_rate_ppm == proposal.inbound_fee_rate_ppm or -1_000 <= rates.inbound_fee_rate_ppm <= 0
            )


def test_without_an_outbound_proposal_the_outbound_rate_stays_and_is_not_the_inbound_one() -> None:
    gated = gate_peer([propose(new_fee_rate_ppm=None, new_inbound_fee_rate_ppm=-300)], UpdateGate())

    assert gated["1x1x1"].fee_rate_ppm == 100
    assert gated["1x1x1"].inbound_fee_rate_ppm == -300


@pytest.mark.parametrize(
    ("changes", "is_written"),
    [
        ({"new_fee_rate_ppm": 110}, True),
        ({"new_fee_rate_ppm": 109}, False),
        ({"new_fee_rate_ppm": 90}, True),
        ({"new_fee_rate_ppm": 91}, False),
        ({"fee_rate_ppm": 2_495, "new_fee_rate_ppm": 2_600}, True),
        ({"fee_rate_ppm": 3, "new_fee_rate_ppm": 0}, True),
        ({"fee_rate_ppm": 2_500, "new_fee_rate_ppm": 2_600}, False),
        ({"age_s": 86_399}, False),
        ({"age_s": 86_400}, True),
        ({"age_s": 0, "force": True}, True),
        ({"age_s": None}, True),
    ],
)
def test_a_change_is_written_that_is_large_enough_and_not_too_early(
    changes: dict[str, object],
    is_written: bool,
) -> None:
    assert bool(gate_peer([propose(**changes)], UpdateGate())) is is_written


def test_the_state_keeps_no_history_of_terms_that_are_switched_off() -> None:
    stepped = step_pid(PidState(spread=0.0, integral=3.0, slope=4.0), 0.3, dt_s=600, gains=PidGains())

    assert (stepped.integral, stepped.slope) == (0.0, 0.0)
    assert math.isfinite(stepped.spread)
