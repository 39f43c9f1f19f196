"""CLBOSS's price of a peer over runs: no data without a market, all channels alike, tried out and remembered."""

import datetime as dt
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from nodes.engine.cycle import ChannelInput, NodeDecision
from nodes.engine.decision import decide_node
from nodes.engine.market import PeerMarket
from nodes.engine.memory import ClbossMemory
from nodes.engine.policies.clboss.theory import CARD_S
from nodes.engine.policies.clboss.wish import wish_clboss
from nodes.engine.stateful_strategies import ClbossStrategy
from nodes.engine.wish import Wish
from tests.unit.nodes.engine_builders import NOW, PEER, make_channel, make_cycle, make_input, make_policy_of

MARKET = PeerMarket(
    channels=3,
    median_base_fee_msat=1_000,
    median_fee_rate_ppm=400,
    mean_fee_rate_ppm=420.0,
    p10_ppm=1,
    p25_ppm=100,
    p75_ppm=700,
    p95_ppm=2_000,
    competitors=3,
    smaller=1,
    larger=1,
)


def make_peer(memory: ClbossMemory | None = None, **changes: Any) -> ChannelInput:
    """A peer of 1,000,000 sat with half on our side."""
    channel = make_channel(local_balance_sat=500_000, remote_balance_sat=500_000)
    fields: dict[str, Any] = {"market": MARKET, "peer_memory": {"clboss": memory} if memory else {}} | changes
    return make_input(channel, **fields)


def look(given: ChannelInput, *, at: dt.datetime = NOW, **parameters: Any) -> tuple[Wish, ClbossMemory]:
    wish = wish_clboss(make_cycle(now=at), given, strategy=ClbossStrategy(**parameters))
    assert isinstance(wish.peer_memory, ClbossMemory)
    return wish, wish.peer_memory


def test_without_a_market_there_is_no_wish() -> None:
    wish = wish_clboss(make_cycle(), make_peer(market=None), strategy=ClbossStrategy())

    assert (wish.rule, wish.fee_rate_ppm) == ("clboss/no-data", None)
    assert "no data" in wish.reason


def test_half_a_balance_and_a_middle_size_cost_the_median_times_the_price_tried() -> None:
    wish, memory = look(make_peer())

    tried = memory.deck.waiting[0]
    factor = 1.2**tried if tried > 0 else 0.8**-tried
    assert wish.fee_rate_ppm == int(400 * factor + 0.5)
    assert wish.base_fee_msat == int(1_000 * factor + 0.5)
    assert "400 ppm" in wish.reason


@pytest.mark.parametrize(("zero_base", "median_msat", "expected"), [
    ("require", 1_000, 0), ("disallow", 0, 1), ("allow", 0, 0), ("allow", 1_000, 1_000),
])  # fmt: skip
def test_a_base_fee_is_zero_where_it_is_required_and_never_where_it_is_not_allowed(
    zero_base: str, median_msat: int, expected: int
) -> None:
    given = make_peer(market=replace(MARKET, median_base_fee_msat=median_msat))

    wish, _ = look(given, zero_base=zero_base, by_price_theory=False)

    assert wish.base_fee_msat == expected


def test_the_rate_is_one_ppm_at_least() -> None:
    wish, _ = look(make_peer(market=replace(MARKET, median_fee_rate_ppm=0)))

    assert wish.fee_rate_ppm == 1


def test_all_our_channels_with_a_peer_are_one_balance() -> None:
    """CLBOSS looks at the first channel in normal operation alone."""
    empty = make_peer(peer={"capacity_sat": 2_000_000, "local_sat": 1_000_000})

    wish, memory = look(empty, by_price_theory=False)

    assert memory.balance_bin == 5  # of 10 bins
    assert wish.fee_rate_ppm == pytest.approx(400 * 50 ** (0.5 - 11 / 20), abs=1)


def test_a_price_stands_until_its_hour_has_come() -> None:
    first, memory = look(make_peer())
    other_market = make_peer(memory, market=replace(MARKET, median_fee_rate_ppm=900))

    soon, kept = look(other_market, at=NOW + dt.timedelta(minutes=10))
    later, _ = look(make_peer(kept, market=replace(MARKET, median_fee_rate_ppm=900)), at=NOW + dt.timedelta(minutes=91))

    assert soon.fee_rate_ppm == first.fee_rate_ppm
    assert later.fee_rate_ppm != first.fee_rate_ppm
    assert dt.timedelta(minutes=30) <= memory.due_at - NOW <= dt.timedelta(minutes=90)


def test_the_price_tried_is_replaced_after_two_days_and_keeps_what_it_earned() -> None:
    _, memory = look(make_peer())
    later = NOW + dt.timedelta(seconds=CARD_S)

    _, moved = look(make_peer(memory, peer={"earned_msat": 77}), at=later)

    assert moved.deck.waiting == memory.deck.waiting[1:]
    assert [(card.price, card.earned_msat) for card in moved.deck.played] == [(memory.deck.waiting[0], 77)]


def test_a_balance_that_does_not_move_leaves_its_bin_alone() -> None:
    _, memory = look(make_peer())
    elsewhere = replace(memory, balance_bin=4)

    _, kept = look(make_peer(elsewhere), at=NOW + dt.timedelta(hours=2))

    assert kept.balance_bin == 4


def test_a_larger_capacity_is_another_scale() -> None:
    _, memory = look(make_peer())

    _, moved = look(make_peer(memory, peer={"capacity_sat": 4_000_000, "local_sat": 4_000_000}))

    assert moved.balance_bin == 19


def test_the_deck_is_dealt_by_the_boxs_secret_and_not_by_what_is_public() -> None:
    policy = make_policy_of(ClbossStrategy())

    def deal(seed: str, own_pubkey: str) -> tuple[int, ...]:
        decision = decide_node(make_cycle(policy, own_pubkey=own_pubkey, draw_seed=seed), [make_peer()])
        memory = decision.memories.peers[PEER]["clboss"]
        assert isinstance(memory, ClbossMemory)
        return tuple(memory.deck.waiting)

    assert deal("secret", "03" + "cd" * 32) == deal("secret", "02" + "ab" * 32)
    assert len({deal(f"secret {number}", "03" + "cd" * 32) for number in range(20)}) > 10


def test_a_decision_carries_the_memory_of_each_peer_once_and_the_bytes_give_it_back() -> None:
    channels = [
        make_peer(),
        make_input(make_channel(short_channel_id="2x2x2"), market=MARKET, peer={"local_sat": 500_000}),
    ]
    cycle = make_cycle(make_policy_of(ClbossStrategy()), own_pubkey="03" + "cd" * 32)

    decision = decide_node(cycle, channels)
    again = decide_node(cycle, msgspec.msgpack.decode(msgspec.msgpack.encode(channels), type=list[ChannelInput]))

    encoded = msgspec.msgpack.encode(decision, order="deterministic")
    assert msgspec.msgpack.encode(again, order="deterministic") == encoded
    assert msgspec.msgpack.decode(encoded, type=NodeDecision) == decision
    assert list(decision.memories.peers) == [PEER]
    rates = {one.proposed_policy.fee_rate_ppm for one in decision.decisions if one.proposed_policy}
    assert len(rates) == 1
