"""Channels of the tenant we are in, with what was last decided for them."""

from dataclasses import dataclass

from nodes.models.channel import Channel
from nodes.models.decision import CycleRun, Decision


@dataclass(frozen=True, slots=True)
class ChannelRow:
    channel: Channel
    decision: Decision | None


def list_channels(*, after: str | None, limit: int) -> list[ChannelRow]:
    """Channels in the order we first met them, from the one after `after` on: `limit` of them."""
    channels = Channel.objects.filter(id__gt=int(after) if after else 0).order_by("id")[:limit]
    return _join_decisions(list(channels))


def find_channel(short_channel_id: str) -> ChannelRow | None:
    rows = _join_decisions(list(Channel.objects.filter(short_channel_id=short_channel_id)))
    return rows[0] if rows else None


def _join_decisions(channels: list[Channel]) -> list[ChannelRow]:
    run = CycleRun.objects.order_by("-finished_at").first()
    scids = [channel.short_channel_id for channel in channels]
    decisions = Decision.objects.filter(run=run, short_channel_id__in=scids) if run else []
    by_scid = {decision.short_channel_id: decision for decision in decisions}
    return [ChannelRow(channel, by_scid.get(channel.short_channel_id)) for channel in channels]
