"""Which rules of the fee policy match a channel. A rule is compiled once a run into the list of its tests.

Source of what is matched: charge-lnd's sections (`chan.`, `node.`, `onchain.`). All bounds are inclusive; a quantity
that is not known lies within none. What charge-lnd gets wrong is not followed: two empty sides are no division by
zero, the peer's `disabled` can be matched, a peer the graph does not know only fails the bounds that ask the graph.
"""

from collections.abc import Callable, Iterator
from typing import Any

from nodes.engine.balance import measure_balance
from nodes.engine.cycle import ChannelInput, CycleInput, FlowWindow
from nodes.engine.document import Activity, Match, OnchainMatch, PeerMatch
from nodes.engine.onchain import find_onchain_fee
from nodes.engine.report import PendingHtlc

SECONDS_A_BLOCK = 600


class ChannelView:
    """A channel as the tests see it: every quantity a bound can ask for, None where it is not known."""

    __slots__ = ("age_blocks", "given", "local_sat", "next_expiry_blocks", "pending_htlcs", "ratio", "remote_sat")

    def __init__(self, given: ChannelInput, block_height: int) -> None:
        channel = given.channel
        balance = measure_balance(channel)
        self.given = given
        self.local_sat, self.remote_sat, self.ratio = balance.local_sat, balance.remote_sat, balance.local_ratio
        self.age_blocks = block_height - int(channel.short_channel_id.partition("x")[0])
        pending = channel.pending_htlcs
        self.pending_htlcs = len(pending) if isinstance(pending, list) else pending
        self.next_expiry_blocks = _find_next_expiry(pending, block_height) if isinstance(pending, list) else None


Test = Callable[[ChannelView], bool]
Quantity = Callable[[ChannelView], float | None]

_CHANNEL: dict[str, Quantity] = {
    "ratio": lambda view: view.ratio,
    "capacity_sat": lambda view: view.given.channel.capacity_sat,
    "local_sat": lambda view: view.local_sat,
    "remote_sat": lambda view: view.remote_sat,
    "age_blocks": lambda view: view.age_blocks,
    "peer_base_fee_msat": lambda view: policy.base_fee_msat if (policy := view.given.channel.peer_policy) else None,
    "peer_fee_rate_ppm": lambda view: policy.fee_rate_ppm if (policy := view.given.channel.peer_policy) else None,
    "pending_htlcs": lambda view: view.pending_htlcs,
    "next_expiry_blocks": lambda view: view.next_expiry_blocks,
}
_PEER: dict[str, Quantity] = {
    "channels": lambda view: position.channel_count if (position := view.given.position) else None,
    "capacity_sat": lambda view: position.capacity_sat if (position := view.given.position) else None,
    "shared_channels_active": lambda view: view.given.peer.active.channels,
    "shared_channels_inactive": lambda view: view.given.peer.inactive.channels,
    "shared_capacity_active_sat": lambda view: view.given.peer.active.total_sat,
    "shared_capacity_inactive_sat": lambda view: view.given.peer.inactive.total_sat,
    "shared_ratio": lambda view: view.given.peer.shared_ratio,
    "shared_ratio_active": lambda view: view.given.peer.active.ratio,
    "shared_ratio_inactive": lambda view: view.given.peer.inactive.ratio,
}
_WINDOW: dict[str, Callable[[FlowWindow], float | None]] = {
    "htlcs_in": lambda window: window.htlcs_in,
    "htlcs_out": lambda window: window.htlcs_out,
    "sat_in": lambda window: window.in_sat,
    "sat_out": lambda window: window.out_sat,
    "htlcs_ratio": lambda window: _share(window.htlcs_in, window.htlcs_out),
    "sat_ratio": lambda window: _share(window.in_sat, window.out_sat),
}


def compile_match(match: Match, cycle: CycleInput) -> list[Test] | None:
    """The tests of a rule, cheap ones first; None: no channel can pass, whatever it is (the chain says so)."""
    if match.onchain is not None and not _holds_onchain(match.onchain, cycle):
        return None
    tests = [*_compile_identity(match), *_compile_bounds(match, _CHANNEL)]
    if match.peer is not None:
        tests += [*_compile_peers(match.peer), *_compile_bounds(match.peer, _PEER)]
    if match.activity is not None:
        tests.append(_compile_activity(match.activity))
    return tests


def _compile_identity(match: Match) -> Iterator[Test]:
    if match.channels is not None:
        scids = frozenset(match.channels)
        yield lambda view: view.given.channel.short_channel_id in scids
    if match.tags is not None:
        wanted = frozenset(match.tags)
        yield lambda view: not wanted.isdisjoint(view.given.tags)
    for name in ("initiator", "private", "active"):
        flag = getattr(match, name)
        if flag is not None:
            yield _compile_flag(name, is_set=flag)
    if match.peer_disabled is not None:
        is_disabled = match.peer_disabled
        yield lambda view: (policy := view.given.channel.peer_policy) is not None and policy.disabled is is_disabled


def _compile_flag(name: str, *, is_set: bool) -> Test:
    return lambda view: getattr(view.given.channel, name) is is_set


def _compile_peers(match: PeerMatch) -> Iterator[Test]:
    if match.pubkeys is not None:
        pubkeys = frozenset(match.pubkeys)
        yield lambda view: view.given.channel.peer_pubkey in pubkeys


def _compile_bounds(match: Match | PeerMatch, quantities: dict[str, Quantity]) -> Iterator[Test]:
    for name, quantity in quantities.items():
        lowest, highest = getattr(match, f"min_{name}"), getattr(match, f"max_{name}")
        if lowest is not None or highest is not None:
            yield _compile_range(quantity, lowest, highest=highest)


def _compile_range(quantity: Callable[[Any], float | None], lowest: float | None, *, highest: float | None) -> Test:
    low = float("-inf") if lowest is None else lowest
    high = float("inf") if highest is None else highest

    def test(view: Any) -> bool:
        amount = quantity(view)
        return amount is not None and low <= amount <= high

    return test


def _compile_activity(match: Activity) -> Test:
    ranges = [
        _compile_range(quantity, getattr(match, f"min_{name}"), highest=getattr(match, f"max_{name}"))
        for name, quantity in _WINDOW.items()
        if getattr(match, f"min_{name}") is not None or getattr(match, f"max_{name}") is not None
    ]
    period_s, ignores_age = match.period_s, match.ignore_age

    def test(view: ChannelView) -> bool:
        window: Any = view.given.windows.get(period_s)
        if window is None or not window.is_covered:
            return False
        if not ignores_age and view.age_blocks * SECONDS_A_BLOCK < period_s:
            return False
        return all(in_range(window) for in_range in ranges)

    return test


def _holds_onchain(match: OnchainMatch, cycle: CycleInput) -> bool:
    if match.synced_to_chain is not None and match.synced_to_chain is not cycle.node.synced_to_chain:
        return False
    if match.min_sat_per_vbyte is None and match.max_sat_per_vbyte is None:
        return True
    rate = find_onchain_fee(cycle, match.conf_target)
    if rate is None:
        return False
    is_enough = match.min_sat_per_vbyte is None or match.min_sat_per_vbyte <= rate
    return is_enough and (match.max_sat_per_vbyte is None or rate <= match.max_sat_per_vbyte)


def _find_next_expiry(pending: list[PendingHtlc], block_height: int) -> int | None:
    heights = [htlc.expiration_height for htlc in pending if htlc.expiration_height is not None]
    return min(heights) - block_height if heights else None


def _share(incoming: int, outgoing: int) -> float | None:
    return incoming / (incoming + outgoing) if incoming + outgoing else None
