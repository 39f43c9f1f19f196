"""Keeps the last changes of each channel's own policy, and tells the owner of those that were not ours."""

import datetime as dt
from collections.abc import Mapping, Sequence

from nodes.engine.history import begin_history, extend_history
from nodes.engine.language.difference import tell_differences
from nodes.engine.language.sentence import LANGUAGES, Language
from nodes.engine.policy_change import PolicyChange, keep_change
from nodes.engine.report import ChannelPolicy, ChannelState, NodeSnapshot
from nodes.models.channel import Channel, digest_channel
from nodes.pipeline.journal import note
from nodes.selectors.written import find_unseen_changes, find_written

CLOCK_LEEWAY = dt.timedelta(minutes=10)  # between the box's clock and ours
MAX_TOLD = 10  # channels in one line of the journal; of the others their number
Histories = dict[str, list[PolicyChange]]  # by short channel id


def load_histories(snapshot: NodeSnapshot) -> Histories:
    """The changes the snapshot knows of, for a newer one may have come in between, and those still on their way."""
    kept = {bytes(row.digest): row.changes for row in Channel.objects.filter(closed_at=None).defer("state")}
    unseen = find_unseen_changes(snapshot.taken_at)
    histories: Histories = {}
    for channel in snapshot.channels:
        digest = digest_channel(channel.short_channel_id)
        changes = [change for change in kept.get(digest, []) if change.at <= snapshot.taken_at]
        histories[channel.short_channel_id] = keep_change(changes, unseen[digest]) if digest in unseen else changes
    return histories


def bring_histories_up_to(
    snapshot: NodeSnapshot, known: Mapping[str, Channel], *, last_taken_at: dt.datetime | None
) -> Histories:
    """The changes of every channel listed, with one more where the policy is another than `known`.

    `last_taken_at`: when the snapshot before was taken. Changes that were not ours are one line in the journal.
    """
    since = min(last_taken_at or snapshot.taken_at, snapshot.taken_at)
    pairs = {state.short_channel_id: pair for state in snapshot.channels if (pair := _find_change(state, known))}
    digests = {scid: digest_channel(scid) for scid in pairs}
    written = find_written(digests.values(), since=since - CLOCK_LEEWAY) if pairs else {}
    histories: Histories = {}
    for state in snapshot.channels:
        scid, row = state.short_channel_id, known.get(state.short_channel_id)
        changes = row.changes if row else begin_history(state.own_policy, seen_at=snapshot.taken_at)
        if scid in pairs:
            before, after = pairs[scid]
            ours = written.get(digests[scid], ())
            changes = extend_history(changes, before, after=after, between=(since, snapshot.taken_at), written=ours)
        histories[scid] = changes
    _report_owner([scid for scid in pairs if histories[scid][-1].by == "owner"], pairs)
    return histories


def _find_change(state: ChannelState, known: Mapping[str, Channel]) -> tuple[ChannelPolicy, ChannelPolicy] | None:
    row, after = known.get(state.short_channel_id), state.own_policy
    before = row.state.own_policy if row else None
    return (before, after) if before and after and before != after else None


def _report_owner(scids: Sequence[str], pairs: Mapping[str, tuple[ChannelPolicy, ChannelPolicy]]) -> None:
    if not scids:
        return
    told, told_fr = (_tell_changes(scids[:MAX_TOLD], pairs, language=language) for language in LANGUAGES)
    more = max(0, len(scids) - MAX_TOLD)
    channels = "channel" if len(scids) == 1 else "channels"
    text = f"Somebody else changed the policy of {len(scids)} {channels}: {told}{f'; and {more} more' if more else ''}"
    note("manual-change", text, channels=len(scids), changes=told, changes_fr=told_fr, more=more)


def _tell_changes(
    scids: Sequence[str], pairs: Mapping[str, tuple[ChannelPolicy, ChannelPolicy]], *, language: Language
) -> str:
    return "; ".join(f"{scid} ({tell_differences(*pairs[scid], language=language)})" for scid in scids)
