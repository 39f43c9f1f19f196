"""What the box reports goes in here; what the pipeline works on comes out."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import structlog
from django.db import transaction
from django.utils import timezone

from mcp_saas.kit.alias import tame_alias
from mcp_saas.kit.errors import refuse_field, refuse_value
from nodes.engine.document import FeePolicy
from nodes.engine.prepare import NodeFacts, find_lookback, looks_at_market
from nodes.engine.report import ChannelState, Forward, NodeSnapshot
from nodes.models.channel import Channel, digest_channel
from nodes.models.forward import ForwardDay
from nodes.models.node import OwnNode
from nodes.models.snapshot import Snapshot
from nodes.pipeline.days import add_events, set_aside_impossible
from nodes.pipeline.history import bring_histories_up_to, load_histories
from nodes.pipeline.journal import note
from nodes.pipeline.quota import check_snapshot_quota
from nodes.pipeline.review import finish_undoing
from nodes.pipeline.silence import end_silence
from nodes.pipeline.trigger import notice_forwards, notice_snapshot
from nodes.pipeline.verify import verify_actions
from nodes.selectors.forward import load_forwards
from nodes.selectors.graph import find_markets, find_positions
from nodes.selectors.memory import load_memories
from nodes.selectors.node import latest_policy_version, lock_own_node
from tenants.context import current_tenant
from tenants.sealing.payload import pack
from tenants.sealing.tenant import current_keys

log = structlog.get_logger(__name__)
CLOCK_LEEWAY = dt.timedelta(minutes=5)
MAX_STEP_BACK = 2 * CLOCK_LEEWAY  # above the leeway: a clock set right is taken at once, however far it ran ahead
FUTURE = "lies in the future: check the clock of the box"
PAST = "lies more than 10 minutes before the last snapshot, {}: check the clock of the box"


@dataclass(frozen=True, slots=True)
class SnapshotReceipt:
    seq: int
    is_new: bool
    needs_cycle: bool  # before its turn: it is the first, or a trigger speaks


@dataclass(frozen=True, slots=True)
class ForwardReceipt:
    stored: int
    cursor: str
    needs_cycle: bool
    set_aside: int = 0  # of a moment that cannot be


def accept_snapshot(snapshot: NodeSnapshot) -> SnapshotReceipt:
    """Stores a report, brings the channels up to it and settles the actions it is proof of: all or nothing.

    The same `seq` with the same content again is no error and no second row. `seq` alone says which is newer: the
    clock may be set back a little. Raises Problem 409 for an older `seq` or other content under a known one, 422 for
    a moment in the future or long before the last snapshot, 400 for a node that is its own peer, 429 beyond the plan;
    nothing is stored then.
    """
    refuse_future({
        "/taken_at": snapshot.taken_at,
        **{
            f"/channels/{index}/opened_at": channel.opened_at
            for index, channel in enumerate(snapshot.channels)
            if channel.opened_at is not None
        },
    })
    _refuse_itself_as_peer(snapshot)
    snapshot = _tame_aliases(snapshot)
    digest = current_keys().digest("snapshot", pack(snapshot))
    with transaction.atomic():
        node = lock_own_node()
        if node.last_seq is not None and snapshot.seq <= node.last_seq:
            return _accept_repeat(snapshot.seq, digest, node=node)
        _refuse_step_back(snapshot.taken_at, node.last_taken_at)
        check_snapshot_quota(snapshot)
        Snapshot.objects.create(seq=snapshot.seq, taken_at=snapshot.taken_at, digest=digest, content=snapshot)
        _bring_channels_up_to(snapshot, last_taken_at=node.last_taken_at)
        verify_actions(snapshot)
        finish_undoing(node)
        is_first = node.last_seq is None
        node.last_seq, node.last_taken_at, node.state = snapshot.seq, snapshot.taken_at, snapshot.node
        speaking = notice_snapshot(node, snapshot)
        end_silence(node)
        node.save(update_fields=["last_seq", "last_taken_at", "state", "watch", "alerts"])
        if is_first:
            note("first-snapshot", f"First report of the box: {len(snapshot.channels)} channels", seq=snapshot.seq)
    return SnapshotReceipt(snapshot.seq, is_new=True, needs_cycle=is_first or bool(speaking))


def accept_forwards(events: Sequence[Forward], cursor: str | None) -> ForwardReceipt:
    """Adds forwards we do not have yet, told apart by `id`, and remembers the box's cursor.

    Without a cursor nothing but the one to go on from is answered, and events are still taken. What says it is older
    than Lightning is set aside and counted. Raises Problem 422 for a moment in the future; nothing is stored then.
    """
    refuse_future({f"/events/{index}/settled_at": event.settled_at for index, event in enumerate(events)})
    events, set_aside = set_aside_impossible(events)
    if set_aside:
        log.warning("forwards_set_aside", count=set_aside)
    with transaction.atomic():
        node = lock_own_node()
        stored = add_events(ForwardDay, "forwards", events=events)
        earliest = min((event.settled_at for event in events), default=timezone.now())
        node.history_since = min(node.history_since or earliest, earliest)
        node.forward_cursor = cursor if cursor is not None else node.forward_cursor
        speaking = notice_forwards(node, events, now=timezone.now()) if stored else []
        node.save(update_fields=["history_since", "forward_cursor", "watch"])
    return ForwardReceipt(stored, node.forward_cursor, needs_cycle=bool(speaking), set_aside=set_aside)


def load_facts(policy: FeePolicy | None = None) -> NodeFacts | None:
    """The newest snapshot and what belongs to it; None before the first. `policy`: instead of the one in force."""
    snapshot = Snapshot.objects.order_by("-seq").first()
    if snapshot is None:
        return None
    node = OwnNode.objects.get()
    until = snapshot.content.taken_at
    version = None if policy else latest_policy_version()
    policy = policy or (version.document if version else FeePolicy())
    peers = {channel.peer_pubkey for channel in snapshot.content.channels}
    return NodeFacts(
        snapshot=snapshot.content,
        forwards=load_forwards(since=until - find_lookback(policy), until=until),
        history_since=node.history_since,
        policy=policy,
        policy_version=version.version if version else 0,
        own_pubkey=current_tenant().pubkey,
        draw_seed=current_keys().digest("draw", b"").hex(),
        changes=load_histories(snapshot.content),
        positions=find_positions(peers),
        markets=find_markets(peers) if looks_at_market(policy) else {},
        memories=load_memories(),
    )


def _accept_repeat(seq: int, digest: bytes, *, node: OwnNode) -> SnapshotReceipt:
    known = Snapshot.objects.filter(seq=seq).values_list("digest", flat=True).first()
    if known is not None and bytes(known) == digest:
        return SnapshotReceipt(seq, is_new=False, needs_cycle=False)
    if known is not None:
        detail = f"{seq} was reported before with other content"
        raise refuse_value("/seq", detail, status=409, code="seq-taken", title="Another snapshot has this number")
    detail = f"{seq} is older than {node.last_seq}, the last we have"
    raise refuse_value("/seq", detail, status=409, code="seq-outdated", title="A newer snapshot is here")


def _refuse_step_back(taken_at: dt.datetime, last_taken_at: dt.datetime | None) -> None:
    if last_taken_at is not None and taken_at < last_taken_at - MAX_STEP_BACK:
        detail = PAST.format(last_taken_at.isoformat())
        raise refuse_value("/taken_at", detail, status=422, code="clock-stepped-back", title="The clock went back")


def _tame_aliases(snapshot: NodeSnapshot) -> NodeSnapshot:
    """Strangers choose aliases: what is kept of one can stand in any line, and none costs the box its report."""
    node = msgspec.structs.replace(snapshot.node, alias=tame_alias(snapshot.node.alias))
    return msgspec.structs.replace(snapshot, node=node, channels=[_tame_peer(channel) for channel in snapshot.channels])


def _tame_peer(channel: ChannelState) -> ChannelState:
    tame = tame_alias(channel.peer_alias or "") or None
    return channel if tame == channel.peer_alias else msgspec.structs.replace(channel, peer_alias=tame)


def _refuse_itself_as_peer(snapshot: NodeSnapshot) -> None:
    own = current_tenant().pubkey
    for index, channel in enumerate(snapshot.channels):
        if channel.peer_pubkey == own:
            raise refuse_field(f"/channels/{index}/peer_pubkey", "this is the node itself: no channel leads to it")


def refuse_future(moments: Mapping[str, dt.datetime]) -> None:
    """`moments`: by the pointer of the field. Raises Problem 422 for the first that lies further ahead than a clock may
    run.
    """
    limit = timezone.now() + CLOCK_LEEWAY
    for pointer, moment in moments.items():
        if moment > limit:
            raise refuse_value(pointer, FUTURE, status=422, code="in-the-future", title="A moment lies in the future")


def _bring_channels_up_to(snapshot: NodeSnapshot, *, last_taken_at: dt.datetime | None) -> None:
    known = {row.state.short_channel_id: row for row in Channel.objects.all()}
    histories = bring_histories_up_to(snapshot, known, last_taken_at=last_taken_at)
    rows = [
        Channel(
            digest=digest_channel(scid := state.short_channel_id),
            first_seen_at=known[scid].first_seen_at if scid in known else snapshot.taken_at,
            last_seq=snapshot.seq,
            state=state,
            changes=histories[scid],
        )
        for state in snapshot.channels
    ]
    Channel.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["digest"],
        update_fields=["last_seq", "closed_at", "state", "changes"],
    )
    Channel.objects.filter(last_seq__lt=snapshot.seq, closed_at=None).update(closed_at=snapshot.taken_at)
