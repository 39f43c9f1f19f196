"""Keeps what strategies want to find again at their next run."""

import datetime as dt

from nodes.engine.cycle import Memories
from nodes.models.memory import Remembered, Scope, StrategyMemory, digest_subject

FORGOTTEN_AFTER = dt.timedelta(days=90)  # of channels and peers that no strategy looked at meanwhile


def keep_memories(memories: Memories, *, now: dt.datetime) -> None:
    """Writes what a run remembers over what was known of the same node, peer or channel; forgets what grew old.

    Belongs in the transaction of the run: a run that left no trace did not learn anything either.
    """
    rows = [
        *([_make_row(Scope.NODE, Remembered(node=memories.node), now=now)] if memories.node else []),
        *(
            _make_row(Scope.PEER, Remembered(subject=pubkey, peer=kept), now=now)
            for pubkey, kept in sorted(memories.peers.items())
        ),
        *(
            _make_row(Scope.CHANNEL, Remembered(subject=scid, channel=kept), now=now)
            for scid, kept in sorted(memories.channels.items())
        ),
    ]
    if not rows:
        return
    StrategyMemory.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["digest"], update_fields=["kept_at", "remembered"]
    )
    StrategyMemory.objects.filter(kept_at__lt=now - FORGOTTEN_AFTER).delete()


def _make_row(scope: Scope, remembered: Remembered, *, now: dt.datetime) -> StrategyMemory:
    digest = digest_subject(scope, remembered.subject)
    return StrategyMemory(digest=digest, scope=scope, kept_at=now, remembered=remembered)
