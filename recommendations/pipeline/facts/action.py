"""Facts of changes on their way to the node: those that failed, those that were taken back."""

from collections.abc import Callable, Iterable, Sequence

from nodes.models.action import Action, ActionKind, ActionState
from nodes.selectors.action import filter_actions
from rag.engine.evidence import Evidence
from recommendations.engine.telling import tell_error
from recommendations.pipeline.facts.asked import MAX_LISTED, Asked, name_span

MAX_OPENED = 5_000  # for one question


def tell_failures(asked: Asked) -> Iterable[Evidence]:
    rows = _list_actions(asked, lambda action: action.state == ActionState.FAILED)
    yield from _tell_actions(asked, rows, key="failed")


def tell_rolled_back(asked: Asked) -> Iterable[Evidence]:
    rows = _list_actions(asked, lambda one: one.state == ActionState.ROLLED_BACK and one.kind == ActionKind.POLICY)
    yield from _tell_actions(asked, rows, key="rolled_back")


def _list_actions(asked: Asked, is_wanted: Callable[[Action], bool]) -> list[Action]:
    """Newest first."""
    rows = filter_actions(state=None, channel=None, since=asked.span.since).filter(created_at__lt=asked.span.until)
    named = set(asked.intent.channels)
    return [
        row
        for row in rows.order_by("-created_at", "id")[:MAX_OPENED]
        if is_wanted(row) and (not named or row.short_channel_id in named)
    ]


def _tell_actions(asked: Asked, rows: Sequence[Action], *, key: str) -> Iterable[Evidence]:
    span = {"since": asked.span.since, "until": asked.span.until}
    text = asked.tell(f"count_{key}" if rows else f"none_{key}", **span, count=len(rows))
    yield asked.fact(f"actions:{key}:{name_span(asked.span)}", text + asked.tell_listed(len(rows)))
    for row in rows[:MAX_LISTED]:
        told = asked.tell(
            key,
            channel=asked.name_id(row.short_channel_id),
            at=row.settled_at or row.created_at,
            old=row.expected_policy.fee_rate_ppm,
            new=row.policy.fee_rate_ppm,
            error=tell_error(row.outcome.error if row.outcome else None, asked.language),
        )
        yield asked.fact(f"action:{row.id}", told)
