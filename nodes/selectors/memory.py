"""What strategies remember."""

from nodes.engine.cycle import Memories
from nodes.models.memory import Scope, StrategyMemory


def load_memories() -> Memories:
    """All that was kept, for the next run."""
    rows = [(row.scope, row.remembered) for row in StrategyMemory.objects.all()]
    return Memories(
        node=next((kept.node for scope, kept in rows if scope == Scope.NODE), {}),
        peers={kept.subject: kept.peer for scope, kept in rows if scope == Scope.PEER},
        channels={kept.subject: kept.channel for scope, kept in rows if scope == Scope.CHANNEL},
    )
