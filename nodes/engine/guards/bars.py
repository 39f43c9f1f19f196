"""Channels that cannot or should not be priced at all. A closed channel is in no snapshot."""

from msgspec import Struct

from nodes.engine.balance import measure_balance
from nodes.engine.document import Bars
from nodes.engine.report import ChannelState

ANNOUNCEMENT_DEPTH = 6  # BOLT 7: blocks before a channel may be announced


class Bar(Struct, frozen=True, kw_only=True):
    """Why a channel is not priced at all."""

    held_by: str
    reason: str


class NodeStanding(Struct, frozen=True, kw_only=True):
    """What bars look at besides the channel."""

    block_height: int
    synced_to_chain: bool


NOT_SYNCED = Bar(
    held_by="not_synced",
    reason="The node has not caught up with the chain, so what it reports may be old and its fees stay as they are.",
)
UNKNOWN_POLICY = Bar(
    held_by="unknown_policy",
    reason="The node reported no policy of its own for this channel: with nothing to compare with, nothing changes.",
)
PENDING = Bar(held_by="pending", reason="The channel is not confirmed in the chain yet, so its fee stays as it is.")
PRIVATE = Bar(
    held_by="private", reason="The channel is private and forwards for nobody else, so its fee stays as it is."
)
UNANNOUNCED = Bar(
    held_by="unannounced",
    reason="The channel is not six blocks deep, so nobody else knows it yet and its fee stays as it is.",
)
INACTIVE = Bar(held_by="inactive", reason="The channel is not active, so its fee stays as it is.")
NO_BALANCE = Bar(
    held_by="no_balance", reason="Neither side holds a balance, so there is nothing to sell and the fee stays as it is."
)


def find_bar(channel: ChannelState, node: NodeStanding, *, bars: Bars) -> Bar | None:
    """Why this channel is kept out, if it is: the first that holds."""
    if bars.unsynced and not node.synced_to_chain:
        return NOT_SYNCED
    if channel.own_policy is None:
        return UNKNOWN_POLICY
    return _find_youth(channel, node, bars=bars) or _find_standstill(channel, bars)


def _find_youth(channel: ChannelState, node: NodeStanding, *, bars: Bars) -> Bar | None:
    """By the block in its name: one beyond the chain is an alias, as private channels may keep; 0 tells no age."""
    block = int(channel.short_channel_id.partition("x")[0])
    if channel.private:
        return PRIVATE if bars.private else None
    if block > node.block_height:
        return PENDING if bars.unannounced else None
    is_young = block > 0 and node.block_height - block + 1 < ANNOUNCEMENT_DEPTH
    return UNANNOUNCED if is_young and bars.unannounced else None


def _find_standstill(channel: ChannelState, bars: Bars) -> Bar | None:
    if bars.inactive and not channel.active:
        return INACTIVE
    if channel.local_balance_sat or channel.remote_balance_sat or not bars.empty:
        return None
    return NO_BALANCE if measure_balance(channel).local_ratio is None else None
