"""Any strategy that remembers, over many runs: every run can be decided again, and every fee stays in its limits."""

import datetime as dt
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, CycleInput, Memories, NodeDecision
from nodes.engine.decision import decide_node
from nodes.engine.document import Activity, Match, Rule, Strategy, TimeOfDayStrategy, UseConfigStrategy
from nodes.engine.prepare import list_periods, looks_at_market
from nodes.engine.stateful_strategies import (
    BrlnStrategy,
    ClbossStrategy,
    DailyStrategy,
    FeeAdjusterStrategy,
    LndmanageStrategy,
    MarginalStrategy,
    PidStrategy,
    StatefulStrategy,
)
from nodes.engine.types import FlowTotals
from tests.unit.nodes.engine_builders import (
    NOW,
    PEER,
    make_channel,
    make_cycle,
    make_input,
    make_policy,
    make_policy_of,
)
from tests.unit.nodes.test_stateful_clboss import MARKET

STRATEGIES: list[StatefulStrategy] = [
    ClbossStrategy(),
    PidStrategy(k_i=60, alpha_i=0.5, margin_mean_ppm=20, margin_alpha=0.5, pin_peer="dynamic", set_inbound=True),
    LndmanageStrategy(initialise=True),
    BrlnStrategy(cost_ppm=150),
    FeeAdjusterStrategy(),
    DailyStrategy(),
    MarginalStrategy(),
]
T = TypeVar("T")
OWN = "03" + "cd" * 32
_encoder = msgspec.msgpack.Encoder(order="deterministic")

looks = st.lists(
    st.tuples(
        st.integers(600, 200_000),  # seconds since the last look
        st.integers(0, 1_000_000),  # balance on our side
        st.integers(0, 5_000_000_000),  # msat sent in a week
        st.none() | st.integers(0, 3_000),  # what others charge
    ),
    min_size=1,
    max_size=12,
)


def run(strategy: StatefulStrategy, steps: list[tuple[int, int, int, int | None]]) -> list[bytes]:
    """The decisions of run after run, each made twice: from the values, and from their bytes."""
    now, fee_rate_ppm, memories, made = NOW, 300, Memories(), []
    cycle = make_cycle(make_policy_of(strategy), own_pubkey=OWN)
    for elapsed_s, local_sat, out_msat, market_ppm in steps:
        now += dt.timedelta(seconds=elapsed_s)
        given_ = look(local_sat, out_msat, market_ppm=market_ppm, fee_rate_ppm=fee_rate_ppm, memories=memories)
        this = replace(cycle, now=now, memory=memories.node)
        decision = decide_node(this, [given_])
        encoded = _encoder.encode(decision)
        assert _encoder.encode(decide_node(reread(this, CycleInput), [reread(given_, ChannelInput)])) == encoded
        assert msgspec.msgpack.decode(encoded, type=NodeDecision) == decision
        memories = Memories(
            node=memories.node | decision.memories.node,
            peers=memories.peers | decision.memories.peers,
            channels=memories.channels | decision.memories.channels,
        )
        [one] = decision.decisions
        assert one.proposed_policy is not None
        assert 0 <= one.proposed_policy.fee_rate_ppm <= 5_000
        assert one.reason.endswith(").")
        fee_rate_ppm = one.proposed_policy.fee_rate_ppm
        made.append(encoded)
    return made


def look(
    local_sat: int, out_msat: int, *, market_ppm: int | None, fee_rate_ppm: int, memories: Memories
) -> ChannelInput:
    flow = FlowTotals(
        days_observed=7.0,
        out_1d_msat=out_msat // 7,
        out_7d_msat=out_msat,
        revenue_7d_msat=out_msat // 5_000,
        forwards_7d=out_msat // 10**8,
        out_forwards_7d=out_msat // 10**8,
    )
    channel = make_channel(
        local_balance_sat=local_sat,
        remote_balance_sat=1_000_000 - local_sat,
        own_policy=make_policy(fee_rate_ppm=fee_rate_ppm, inbound_fee_rate_ppm=0, last_update=None),
    )
    return make_input(
        channel,
        flow=flow,
        peer={"flow": flow, "earned_msat": out_msat // 50_000},
        market=None if market_ppm is None else replace(MARKET, median_fee_rate_ppm=market_ppm),
        memory=memories.channels.get(channel.short_channel_id, {}),
        peer_memory=memories.peers.get(PEER, {}),
    )


def reread(value: T, shape: type[T]) -> T:
    return msgspec.msgpack.decode(_encoder.encode(value), type=shape)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda each: type(each).__name__)
@settings(max_examples=25)
@given(looks)
def test_every_run_is_decided_again_byte_for_byte_and_stays_in_its_limits(
    strategy: StatefulStrategy, steps: list[tuple[int, int, int, int | None]]
) -> None:
    assert run(strategy, steps) == run(strategy, steps)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=lambda each: type(each).__name__)
def test_a_strategy_finds_its_memory_also_inside_another(strategy: StatefulStrategy) -> None:
    """Kept by the memory's own name: a time of day round a strategy does not hide it."""
    given_ = look(400_000, 10**9, market_ppm=400, fee_rate_ppm=300, memories=Memories())
    cycle = make_cycle(make_policy_of(TimeOfDayStrategy(slots=[], inner=strategy)), own_pubkey=OWN)

    alone = decide_node(make_cycle(make_policy_of(strategy), own_pubkey=OWN), [given_]).memories

    assert decide_node(cycle, [given_]).memories == alone


@pytest.mark.parametrize(
    ("strategy", "looks_there"),
    [
        (ClbossStrategy(), True),
        (PidStrategy(), False),
        (TimeOfDayStrategy(slots=[], inner=BrlnStrategy()), True),
        (UseConfigStrategy(name="x", rules=[Rule(name="y", strategy=FeeAdjusterStrategy())]), True),
        (UseConfigStrategy(name="x", rules=[Rule(name="y", strategy=DailyStrategy())]), False),
    ],
)
def test_the_market_is_asked_for_wherever_a_strategy_that_looks_at_it_stands(
    strategy: Strategy, looks_there: bool
) -> None:
    assert looks_at_market(make_policy_of(strategy)) is looks_there


def test_windows_are_measured_for_rules_inside_rules() -> None:
    inner = Rule(name="y", match=Match(activity=Activity(period_s=3_600)))

    assert list_periods(make_policy_of(UseConfigStrategy(name="x", rules=[inner]))) == [3_600]


@pytest.mark.parametrize("pin", ["dynamic", PEER])
def test_a_pin_is_the_word_dynamic_or_a_peer(pin: str) -> None:
    assert msgspec.convert({"pin_peer": pin}, PidStrategy).pin_peer == pin
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"pin_peer": "lowest"}, PidStrategy)
