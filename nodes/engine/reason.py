"""The sentence an owner reads: what was seen, what follows from it, and what held it."""

from nodes.engine.guards.case import Guarded
from nodes.engine.report import ChannelPolicy
from nodes.engine.wish import Wish

_OTHERS = {
    "base_fee_msat": "the base fee in msat",
    "time_lock_delta": "the time lock in blocks",
    "min_htlc_msat": "the smallest payment in msat",
    "max_htlc_msat": "the largest payment in msat",
}


def explain_change(wish: Wish, present: ChannelPolicy, *, guarded: Guarded) -> str:
    """One sentence with the numbers it stands on."""
    return f"{wish.tell_reason()}, {_tell_outcome(wish, present, guarded=guarded)} ({wish.terms})."


def _tell_outcome(wish: Wish, present: ChannelPolicy, *, guarded: Guarded) -> str:
    changes = _tell_changes(present, guarded.policy)
    asks_other_rate = wish.fee_rate_ppm not in (None, guarded.policy.fee_rate_ppm)
    if not changes and guarded.held_by:
        asked = f"which asks for {wish.fee_rate_ppm} ppm, but" if asks_other_rate else "but"
        return f"{asked} the fee stays at {present.fee_rate_ppm} ppm: {guarded.why}"
    if not changes:
        return f"so the fee stays at {present.fee_rate_ppm} ppm"
    missed = f"not to {wish.fee_rate_ppm} ppm" if asks_other_rate else "and not all that it asks for"
    return f"so {' and '.join(changes)}{f', {missed}: {guarded.why}' if guarded.held_by else ''}"


def _tell_changes(present: ChannelPolicy, proposed: ChannelPolicy) -> list[str]:
    changes = []
    old_ppm, new_ppm = present.fee_rate_ppm, proposed.fee_rate_ppm
    if new_ppm < old_ppm:
        changes.append(f"the fee goes down from {old_ppm} to {new_ppm} ppm to sell outgoing liquidity")
    if new_ppm > old_ppm:
        changes.append(f"the fee goes up from {old_ppm} to {new_ppm} ppm to sell outgoing liquidity for more")
    if proposed.inbound_fee_rate_ppm != present.inbound_fee_rate_ppm:
        changes.append(
            f"the inbound fee goes from {present.inbound_fee_rate_ppm} to {proposed.inbound_fee_rate_ppm} ppm"
        )
    if proposed.inbound_base_fee_msat != present.inbound_base_fee_msat:
        old_msat, new_msat = present.inbound_base_fee_msat, proposed.inbound_base_fee_msat
        changes.append(f"the inbound base fee goes from {old_msat} to {new_msat} msat")
    for name, words in _OTHERS.items():
        old, new = getattr(present, name), getattr(proposed, name)
        if old != new:
            changes.append(f"{words} goes from {old} to {new}")
    if proposed.disabled != present.disabled:
        changes.append("the channel is switched off" if proposed.disabled else "the channel is switched on")
    return changes
