"""charge-lnd's `proportional`: cheap where we have much to sell, dear where little is left."""

from collections.abc import Callable
from functools import partial

from nodes.engine.balance import measure_ratio
from nodes.engine.cycle import ChannelInput, CycleInput, PeerTotals
from nodes.engine.document import Values
from nodes.engine.policies.values import bind_wish, holds_for_all, measure_max_htlc
from nodes.engine.strategies import ProportionalStrategy
from nodes.engine.wish import Wish

MIN_CHANGE_PPM = 10  # charge-lnd's default for this strategy
NO_RANGE = "No rule on the way gives the lowest and the highest fee rate"


def prepare_proportional(
    cycle: CycleInput, values: Values, *, strategy: ProportionalStrategy
) -> Callable[[ChannelInput], Wish]:
    """int(min + (1 - ratio) * (max - min)), the ratio 0..1 being local / (local + remote).

    Source: charge-lnd, strategy `proportional`. Balances count unsettled HTLCs and the commitment fee (`balance.py`).
    """
    low_ppm = values.min_fee_rate_ppm if strategy.min_fee_rate_ppm is None else strategy.min_fee_rate_ppm
    high_ppm = values.max_fee_rate_ppm if strategy.max_fee_rate_ppm is None else strategy.max_fee_rate_ppm
    sums_peer = values.sum_peer_channels if strategy.sum_peer_channels is None else strategy.sum_peer_channels
    if low_ppm is None or high_ppm is None:
        nothing = Wish(rule="proportional/no-range", reason=NO_RANGE, terms="proportional")
        return lambda _: nothing
    make = bind_wish(values, terms=f"proportional, {low_ppm}..{high_ppm} ppm", min_change_ppm=MIN_CHANGE_PPM)
    reason = "Local balance is {:.0f} % of " + ("all channels with this peer" if sums_peer else "the channel")
    priced = partial(make, rule="proportional", reason=reason)
    empty = Wish(rule="proportional/empty", reason="Neither side holds a balance", terms="proportional")
    is_same, width_ppm = holds_for_all(values), high_ppm - low_ppm

    def wish(given: ChannelInput) -> Wish:
        ratio = measure_peer_ratio(given.peer) if sums_peer else measure_ratio(given.channel)
        if ratio is None:
            return empty
        limits = {} if is_same else {"max_htlc_msat": measure_max_htlc(values, given.channel)}
        ppm = int(low_ppm + (1.0 - ratio) * width_ppm)
        return priced(facts=(100 * ratio,), fee_rate_ppm=ppm, **limits)

    return wish


def measure_peer_ratio(peer: PeerTotals) -> float | None:
    """Our share of the active channels with the peer; of all where none is active."""
    return peer.active.ratio if peer.active.channels else peer.shared_ratio
