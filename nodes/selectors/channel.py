"""Channels of the tenant we are in, with what was last decided for them."""

from dataclasses import dataclass

from nodes.engine.report import ChannelState
from nodes.engine.short_channel_id import channel_id_from_scid
from nodes.models.channel import Channel, digest_channel
from nodes.models.decision import CycleRun, Decision
from nodes.selectors.decision import find_decisions


@dataclass(frozen=True, slots=True)
class ChannelRow:
    channel: Channel
    decision: Decision | None


def list_channels(*, after: str | None, limit: int) -> list[ChannelRow]:
    """Channels in the order we first met them, from the one after `after` on: `limit` of them."""
    channels = Channel.objects.filter(id__gt=int(after) if after else 0).order_by("id")[:limit]
    return _join_decisions(list(channels))


def find_state(short_channel_id: str) -> Channel | None:
    """None also for text that is no short channel id: PostgreSQL would stumble over a NUL in it."""
    try:
        channel_id_from_scid(short_channel_id)
    except ValueError:
        return None
    return Channel.objects.filter(digest=digest_channel(short_channel_id)).first()


def list_open_channels() -> list[Channel]:
    """Those the last snapshot listed."""
    return list(Channel.objects.filter(closed_at=None))


def list_open_states() -> list[ChannelState]:
    """The same as the last snapshot showed them, without what is kept of their policies' changes."""
    return [row.state for row in Channel.objects.filter(closed_at=None).defer("changes")]


def find_channel(short_channel_id: str) -> ChannelRow | None:
    channel = find_state(short_channel_id)
    return _join_decisions([channel])[0] if channel else None


def _join_decisions(channels: list[Channel]) -> list[ChannelRow]:
    run = CycleRun.objects.order_by("-finished_at").first()
    digests = [channel.digest for channel in channels]
    decisions = find_decisions().filter(run=run, channel_digest__in=digests) if run else []
    by_digest = {bytes(decision.channel_digest): decision for decision in decisions}
    return [ChannelRow(channel, by_digest.get(bytes(channel.digest))) for channel in channels]
