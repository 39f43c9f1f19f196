"""CLBOSS's price of a peer: what others charge, by our balance, by our size, by what was tried.

Source: CLBOSS, `Boss/Mod/ChannelFeeSetter`, `PeerCompetitorFeeMonitor` and the three modders. It prices a peer once an
hour, at a moment of chance, and all its channels alike.
"""

import datetime as dt

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.draw import draw_unit
from nodes.engine.market import PeerMarket
from nodes.engine.memory import ClbossMemory
from nodes.engine.policies.clboss.balance import count_bins, find_bin, move_bin, multiply_balance
from nodes.engine.policies.clboss.size import multiply_size
from nodes.engine.policies.clboss.theory import deal_deck, multiply_price, play_deck
from nodes.engine.stateful_strategies import ClbossStrategy

HOUR_S = 3_600


class PeerView(Struct, frozen=True, kw_only=True):
    """All our channels with a peer at one moment. `earned_msat`: by forwards that left since the memory's moment."""

    now: dt.datetime
    seed: str  # decides all that is left to chance
    capacity_sat: int
    local_sat: int
    earned_msat: int
    market: PeerMarket
    memory: ClbossMemory | None


def price_peer(view: PeerView, strategy: ClbossStrategy) -> ClbossMemory:
    """The peer's price and state after this look. Between its hours the price of the last one stands."""
    state = _look_again(view, view.memory) if view.memory else _look_first(view)
    if state.fee_rate_ppm is not None and view.now < state.due_at:
        return state
    balance = multiply_balance(state.balance_bin, view.capacity_sat) if strategy.by_balance else 1.0
    size = _multiply_size(view.market) if strategy.by_size else 1.0
    price = multiply_price(state.deck) if strategy.by_price_theory else 1.0
    factor = balance * size * price
    return replace(
        state,
        fee_rate_ppm=max(1, _round_half_up(view.market.median_fee_rate_ppm * factor)),
        base_fee_msat=_price_base(view.market.median_base_fee_msat, factor, zero_base=strategy.zero_base),
        due_at=view.now + dt.timedelta(seconds=HOUR_S * (0.5 + draw_unit(view.seed, "hour", view.now))),
        reason=(
            f"Others charge {view.market.median_fee_rate_ppm} ppm towards this peer in the median, times {balance:.2f} "
            f"for our balance, {size:.2f} for our size, {price:.2f} for the price being tried"
        ),
    )


def _look_first(view: PeerView) -> ClbossMemory:
    return ClbossMemory(
        at=view.now,
        due_at=view.now,
        balance_bin=find_bin(view.local_sat, view.capacity_sat),
        capacity_sat=view.capacity_sat,
        local_sat=view.local_sat,
        deck=deal_deck(0, seed=view.seed),
    )


def _look_again(view: PeerView, memory: ClbossMemory) -> ClbossMemory:
    """The balance's bin moves with the balance alone; a channel more or less is another scale."""
    if memory.capacity_sat != view.capacity_sat or memory.balance_bin >= count_bins(view.capacity_sat):
        balance_bin = find_bin(view.local_sat, view.capacity_sat)
    elif memory.local_sat != view.local_sat:
        draw = draw_unit(view.seed, "bin", view.now)
        balance_bin = move_bin(memory.balance_bin, view.local_sat, capacity_sat=view.capacity_sat, draw=draw)
    else:
        balance_bin = memory.balance_bin
    connected_s = max(0, int((view.now - memory.at).total_seconds()))
    return replace(
        memory,
        at=view.now,
        balance_bin=balance_bin,
        capacity_sat=view.capacity_sat,
        local_sat=view.local_sat,
        deck=play_deck(memory.deck, connected_s=connected_s, earned_msat=view.earned_msat, seed=view.seed),
    )


def _multiply_size(market: PeerMarket) -> float:
    return multiply_size(smaller=market.smaller, larger=market.larger, competitors=market.competitors)


def _price_base(median_msat: int, factor: float, *, zero_base: str) -> int:
    if zero_base == "require":
        return 0
    base_fee_msat = _round_half_up(median_msat * factor)
    return max(1, base_fee_msat) if zero_base == "disallow" else base_fee_msat


def _round_half_up(value: float) -> int:
    return int(value + 0.5)
