"""Facts of payments under way: the HTLCs that the newest report found in a channel."""

from collections.abc import Iterator

from nodes.engine.report import ChannelState, PendingHtlc
from rag.engine.evidence import Evidence
from recommendations.pipeline.facts.asked import MAX_LISTED, Asked


def tell_pending(asked: Asked) -> Iterator[Evidence]:
    """Of the named channels; else of those that have any."""
    busy = [row for row in asked.channels.values() if _count(row.state)]
    for row in asked.named or busy[:MAX_LISTED]:
        yield _tell_channel(row.state, asked)
    if not asked.named and not busy and asked.channels:
        yield asked.fact("node:pending", asked.tell("none_pending"))


def _tell_channel(state: ChannelState, asked: Asked) -> Evidence:
    count = _count(state)
    text = asked.tell("pending" if count else "no_pending", channel=asked.name(state), count=count)
    listed = state.pending_htlcs if isinstance(state.pending_htlcs, list) else []
    text += "".join(_tell_htlc(one, asked) for one in listed[:MAX_LISTED])
    return asked.fact(f"channel:{state.short_channel_id}:pending", text)


def _tell_htlc(htlc: PendingHtlc, asked: Asked) -> str:
    height = htlc.expiration_height
    until = asked.tell("until", height=str(height)) if height is not None else ""
    return asked.tell("htlc_in" if htlc.incoming else "htlc_out", amount=htlc.amount_sat, until=until)


def _count(state: ChannelState) -> int:
    return len(state.pending_htlcs) if isinstance(state.pending_htlcs, list) else state.pending_htlcs
