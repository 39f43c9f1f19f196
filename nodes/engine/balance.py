"""How much of a channel is ours, by the definitions the fee rules of others use."""

from collections.abc import Iterable

from msgspec import Struct

from nodes.engine.report import ChannelState


class Balance(Struct, frozen=True, kw_only=True):
    capacity_sat: int
    local_sat: int
    remote_sat: int

    @property
    def local_ratio(self) -> float | None:
        """Our share of what both sides hold, 0..1; None when both hold nothing."""
        known_sat = self.local_sat + self.remote_sat
        return self.local_sat / known_sat if known_sat else None


def measure_balance(channel: ChannelState) -> Balance:
    """charge-lnd's definition: a side's balance, its unsettled HTLCs, and for the side that opened the commitment fee.

    A commitment fee that is not reported is what the capacity exceeds both balances and the HTLCs by (anchor outputs
    included). It is left out while the HTLCs are known by number only, or the opener or the balances are not known.
    """
    settling = _measure_with_pending(channel)
    known_sat = settling.local_sat + settling.remote_sat
    commit_fee_sat = channel.commit_fee_sat
    if commit_fee_sat is None:
        commit_fee_sat = max(0, channel.capacity_sat - known_sat) if known_sat and _knows_pending(channel) else 0
    if channel.initiator is None or commit_fee_sat == 0:
        return settling
    return Balance(
        capacity_sat=channel.capacity_sat,
        local_sat=settling.local_sat + (commit_fee_sat if channel.initiator else 0),
        remote_sat=settling.remote_sat + (0 if channel.initiator else commit_fee_sat),
    )


def measure_ratio(channel: ChannelState) -> float | None:
    """`measure_balance(channel).local_ratio`, sooner where no HTLC is pending, as in most channels at most times."""
    local_sat, remote_sat = channel.local_balance_sat, channel.remote_balance_sat
    if channel.pending_htlcs or channel.initiator is None:
        return measure_balance(channel).local_ratio
    held_sat = local_sat + remote_sat
    if not held_sat and not channel.commit_fee_sat:
        return None
    commit_fee_sat = channel.commit_fee_sat
    if commit_fee_sat is None:
        commit_fee_sat = max(0, channel.capacity_sat - held_sat)
    return (local_sat + commit_fee_sat if channel.initiator else local_sat) / (held_sat + commit_fee_sat)


def sum_peer_balance(channels: Iterable[ChannelState]) -> Balance:
    """LNDg's definition for all open channels with one peer: balances and unsettled HTLCs, no commitment fee.

    LNDg itself prices, and sums, only channels that are active and public; the caller chooses the channels.
    """
    balances = [_measure_with_pending(channel) for channel in channels]
    return Balance(
        capacity_sat=sum(balance.capacity_sat for balance in balances),
        local_sat=sum(balance.local_sat for balance in balances),
        remote_sat=sum(balance.remote_sat for balance in balances),
    )


def _knows_pending(channel: ChannelState) -> bool:
    return isinstance(channel.pending_htlcs, list) or channel.pending_htlcs == 0


def _measure_with_pending(channel: ChannelState) -> Balance:
    htlcs = channel.pending_htlcs if isinstance(channel.pending_htlcs, list) else []
    incoming_sat = sum(htlc.amount_sat for htlc in htlcs if htlc.incoming)
    outgoing_sat = sum(htlc.amount_sat for htlc in htlcs if not htlc.incoming)
    return Balance(
        capacity_sat=channel.capacity_sat,
        local_sat=channel.local_balance_sat + outgoing_sat,
        remote_sat=channel.remote_balance_sat + incoming_sat,
    )
