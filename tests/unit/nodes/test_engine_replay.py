"""Properties of decisions over any input, and their bytes."""

import datetime as dt

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.decision import decide_node
from nodes.engine.document import Limits
from nodes.engine.replay import EngineVersionError, decode, encode, replay_run
from nodes.engine.report import ChannelPolicy, ChannelState
from nodes.engine.strategies import FlowStrategy, ProportionalStrategy
from nodes.engine.types import ChannelDecision, FlowTotals, LargeFlow, ScoreCard, ScorePart
from nodes.engine.version import ENGINE_VERSION
from tests.unit.nodes.engine_builders import NOW, make_channel, make_cycle, make_input, make_policy_of
from tests.unit.nodes.guards.cases import histories

DAY = dt.timedelta(days=1)
Run = tuple[CycleInput, ChannelInput]
WRITABLE = ("fee_rate_ppm", "inbound_fee_rate_ppm", "inbound_base_fee_msat")


def ppm(highest: int = 10_000) -> st.SearchStrategy[int]:
    return st.integers(0, highest)


policies = st.builds(
    ChannelPolicy,
    base_fee_msat=st.integers(0, 2**32 - 1),
    fee_rate_ppm=ppm(1_000_000),
    time_lock_delta=st.integers(0, 65_535),
    min_htlc_msat=st.integers(0, 10_000),
    max_htlc_msat=st.integers(10_000, 10**12),
    disabled=st.booleans(),
    inbound_base_fee_msat=st.integers(-(2**31), 2**31 - 1),
    inbound_fee_rate_ppm=st.integers(-1_000_000, 1_000_000),
    last_update=st.none() | st.integers(0, 2**32 - 1),
)


@st.composite
def channels(draw: st.DrawFn) -> ChannelState:
    local_sat, remote_sat = draw(st.integers(0, 10**9)), draw(st.integers(0, 10**9))
    return make_channel(
        capacity_sat=local_sat + remote_sat + draw(st.integers(1, 10_000)),
        local_balance_sat=local_sat,
        remote_balance_sat=remote_sat,
        active=draw(st.integers(0, 9)) > 0,
        private=draw(st.integers(0, 9)) == 0,
        initiator=draw(st.none() | st.booleans()),
        own_policy=draw(st.none() | policies),
    )


@st.composite
def limits(draw: st.DrawFn) -> Limits:
    low, high = sorted([draw(ppm()), draw(ppm())])
    return Limits(
        min_fee_rate_ppm=low,
        max_fee_rate_ppm=high,
        min_change_ppm=draw(ppm(50)),
        max_step_ppm=draw(st.none() | st.integers(1, 2000)),
        cooldown_s=draw(st.integers(0, 100_000)),
    )


@st.composite
def strategies(draw: st.DrawFn) -> ProportionalStrategy | FlowStrategy:
    low, high = sorted([draw(ppm()), draw(ppm())])
    if draw(st.booleans()):
        return ProportionalStrategy(min_fee_rate_ppm=low, max_fee_rate_ppm=high)
    return FlowStrategy(
        increment_ppm=draw(st.integers(1, 1000)),
        multiplier=draw(st.integers(1, 100)),
        min_fee_rate_ppm=low,
        max_fee_rate_ppm=high,
        set_inbound=draw(st.booleans()),
    )


amounts = st.integers(0, 10**13) | st.just(0)
flows = st.builds(
    FlowTotals,
    days_observed=st.sampled_from([0.0, 0.5, 1.0, 3.25, 7.0]),
    revenue_7d_msat=amounts,
    failed_out_1d=st.integers(0, 60),
    large=st.builds(
        LargeFlow,
        in_1d_sat=amounts,
        in_7d_sat=amounts,
        out_7d_sat=amounts,
        revenue_7d_msat=amounts,
        assist_7d_msat=amounts,
    ),
)


@st.composite
def runs(draw: st.DrawFn) -> Run:
    channel = draw(channels())
    given = make_input(
        channel,
        flow=draw(flows),
        peer={"flow": draw(flows), "capacity_sat": channel.capacity_sat + draw(st.integers(0, 10**9))},
        changes=draw(histories()),
    )
    return make_cycle(make_policy_of(draw(strategies()), draw(limits()))), given


def decide_run(run: Run) -> ChannelDecision:
    cycle, given = run
    [decision] = decide_node(cycle, [given]).decisions
    return decision


any_input = settings(deadline=None, max_examples=60)


@any_input
@given(runs())
def test_no_written_fee_crosses_a_limit(run: Run) -> None:
    (cycle, given), decision = run, decide_run(run)
    bounds = cycle.policy.limits.node
    present, proposed = given.channel.own_policy, decision.proposed_policy
    if present is None or proposed is None or proposed == present:
        assert decision.direction == "keep"
        return
    assert bounds.min_fee_rate_ppm <= proposed.fee_rate_ppm <= bounds.max_fee_rate_ppm
    is_inside = bounds.min_fee_rate_ppm <= present.fee_rate_ppm <= bounds.max_fee_rate_ppm
    if is_inside and bounds.max_step_ppm is not None:
        assert abs(proposed.fee_rate_ppm - present.fee_rate_ppm) <= bounds.max_step_ppm
    for change in given.changes:
        assert change.by == "node" or cycle.now - change.at >= dt.timedelta(seconds=bounds.cooldown_s)


@any_input
@given(runs())
def test_every_other_field_of_the_policy_is_kept_and_the_whole_is_valid(run: Run) -> None:
    present, proposed = run[1].channel.own_policy, decide_run(run).proposed_policy
    assert (proposed is None) == (present is None)
    if present is None or proposed is None:
        return
    kept = {field: getattr(present, field) for field in WRITABLE}
    assert replace(proposed, **kept) == present
    assert msgspec.convert(msgspec.to_builtins(proposed), ChannelPolicy) == proposed


@any_input
@given(runs())
def test_the_direction_is_that_of_the_fee_rate(run: Run) -> None:
    decision, present = decide_run(run), run[1].channel.own_policy
    moved = 0
    if present is not None and decision.proposed_policy is not None:
        moved = decision.proposed_policy.fee_rate_ppm - present.fee_rate_ppm
    if moved:
        assert decision.direction == ("raise" if moved > 0 else "lower")
    assert decision.reason.endswith(".")


@any_input
@given(runs())
def test_an_effect_lies_within_its_interval_and_stands_on_data(run: Run) -> None:
    effect = decide_run(run).effect
    if effect is not None:
        assert effect.low_sat_per_day <= effect.sat_per_day <= effect.high_sat_per_day
        assert run[1].flow.days_observed >= 1
        assert run[1].flow.revenue_7d_msat > 0


@any_input
@given(runs())
def test_a_stored_decision_is_replayed_from_its_stored_input_byte_for_byte(run: Run) -> None:
    cycle, channel = run
    encoded_cycle, encoded_input, encoded = encode(cycle), encode(channel), encode(decide_run(run))

    assert (decode(encoded_cycle, CycleInput), decode(encoded_input, ChannelInput)) == run
    assert encode(decode(encoded_cycle, CycleInput)) == encoded_cycle
    assert encode(decode(encoded_input, ChannelInput)) == encoded_input
    assert encode(decode(encoded, ChannelDecision)) == encoded
    assert replay_run(encoded_cycle, [encoded_input], encoded_decisions=[encoded]) == [True]


def test_a_decision_that_does_not_follow_from_its_run_is_found_out() -> None:
    cycle, inputs = make_cycle(), [make_input(), make_input(make_channel(short_channel_id="800000x2x0"))]
    right, wrong = decide_node(cycle, inputs).decisions
    altered = replace(wrong, reason=wrong.reason.replace("92", "93"))

    encoded = [encode(given) for given in inputs]
    assert replay_run(encode(cycle), encoded, encoded_decisions=[encode(right), encode(altered)]) == [True, False]


def test_equal_inputs_are_equal_bytes_whatever_their_order_or_time_zone() -> None:
    paris = dt.timezone(dt.timedelta(hours=1))

    def encode_part(inputs: dict[str, float | int | None]) -> bytes:
        part = ScorePart(name="age", weight=0.05, value=0.5, inputs=inputs)
        return encode(make_input(score=ScoreCard(value=0.5, weight_known=0.05, parts=[part])))

    assert encode_part({"a": 1, "b": None}) == encode_part({"b": None, "a": 1})
    assert encode(make_cycle(now=NOW)) == encode(make_cycle(now=NOW.astimezone(paris)))


def test_a_run_of_another_engine_version_is_not_judged() -> None:
    cycle = make_cycle(engine_version=ENGINE_VERSION + 1)

    with pytest.raises(EngineVersionError, match=f"engine version {ENGINE_VERSION + 1}, replay it with that release"):
        replay_run(encode(cycle), [], encoded_decisions=[])


def test_bytes_that_are_no_run_are_refused() -> None:
    with pytest.raises(msgspec.DecodeError):
        decode(b"\x81", CycleInput)
    with pytest.raises(msgspec.ValidationError, match="engine_version"):
        decode(msgspec.msgpack.encode({"engine_version": "1"}), CycleInput)
