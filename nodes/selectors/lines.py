"""Decisions, actions and forwards as flat lines: what tables and CSV files show of them."""

import datetime as dt
from collections.abc import Iterator
from uuid import UUID

from django.db.models import QuerySet
from msgspec import Struct

from nodes.engine.language.difference import tell_differences
from nodes.engine.language.sentence import Language, tell_decision
from nodes.engine.report import ChannelPolicy, Forward
from nodes.models.action import Action
from nodes.models.decision import Decision
from nodes.models.forward import ForwardDay
from nodes.selectors.action import tell_why
from nodes.selectors.decision import DecisionFilter, action_of, filter_decisions

BATCH_ROWS = 500


class DecisionLine(Struct, frozen=True, kw_only=True):
    """One decision. `new_fee_rate_ppm` is what is proposed; whether it is written is the action's state."""

    id: int
    decided_at: dt.datetime
    run_id: UUID
    mode: str
    group: str
    channel: str
    peer_alias: str | None
    direction: str
    old_fee_rate_ppm: int | None
    new_fee_rate_ppm: int | None
    changes: str | None  # every field that moves; null: nothing does
    section: str | None
    rule: str
    held_by: str | None
    action_id: UUID | None
    action_state: str | None
    why: str

    @classmethod
    def tell(cls, row: Decision, language: Language) -> "DecisionLine":
        given, outcome, action = row.inputs, row.outcome, action_of(row)
        return cls(
            id=row.id,
            decided_at=row.decided_at,
            run_id=row.run_id,
            mode=row.run.mode,
            group=row.group,
            channel=given.channel.short_channel_id,
            peer_alias=given.channel.peer_alias,
            direction=outcome.direction,
            old_fee_rate_ppm=given.channel.own_policy.fee_rate_ppm if given.channel.own_policy else None,
            new_fee_rate_ppm=outcome.proposed_policy.fee_rate_ppm if outcome.proposed_policy else None,
            changes=_tell_changes(given.channel.own_policy, outcome.proposed_policy, language=language),
            section=outcome.section,
            rule=outcome.rule,
            held_by=outcome.held_by,
            action_id=action.id if action else None,
            action_state=action.public_state if action else None,
            why=tell_decision(given, outcome, language=language),
        )


class ActionLine(Struct, frozen=True, kw_only=True):
    """One action. The old fee is the one it was to be written over."""

    id: UUID
    kind: str
    channel: str
    state: str
    old_fee_rate_ppm: int
    new_fee_rate_ppm: int
    changes: str | None  # every field that moves
    run_id: UUID | None
    decision_id: int | None
    created_at: dt.datetime
    approved_at: dt.datetime | None
    sent_at: dt.datetime | None
    reported_at: dt.datetime | None
    verified_at: dt.datetime | None  # by a snapshot
    settled_at: dt.datetime | None
    error: str | None
    why: str

    @classmethod
    def tell(cls, row: Action, language: Language) -> "ActionLine":
        moments = ("created_at", "approved_at", "sent_at", "reported_at", "verified_at", "settled_at")
        return cls(
            **{name: getattr(row, name) for name in ("id", "kind", "run_id", "decision_id", *moments)},
            state=row.public_state,
            channel=row.short_channel_id,
            old_fee_rate_ppm=row.expected_policy.fee_rate_ppm,
            new_fee_rate_ppm=row.policy.fee_rate_ppm,
            changes=_tell_changes(row.expected_policy, row.policy),
            error=row.outcome.error if row.outcome else None,
            why=tell_why(row, language),
        )


def _tell_changes(
    before: ChannelPolicy | None, after: ChannelPolicy | None, *, language: Language = "en"
) -> str | None:
    return (tell_differences(before, after, language=language) if before and after else None) or None


def batch_decisions(chosen: DecisionFilter, language: Language) -> Iterator[list[DecisionLine]]:
    """Newest first, a few hundred at a time."""
    for rows in _walk_down(filter_decisions(chosen)):
        yield [DecisionLine.tell(row, language) for row in rows if chosen.fits(row)]


def batch_actions(
    rows: QuerySet[Action], language: Language, *, newest_first: bool = False
) -> Iterator[list[ActionLine]]:
    """In the order in which they were made, or from the newest back."""
    order = rows.order_by("created_at", "decision_id", "id")
    ids = list((order.reverse() if newest_first else order).values_list("id", flat=True))
    for start in range(0, len(ids), BATCH_ROWS):
        some = (rows if language == "en" else rows.select_related("decision")).in_bulk(ids[start : start + BATCH_ROWS])
        yield [ActionLine.tell(some[key], language) for key in ids[start : start + BATCH_ROWS] if key in some]


def batch_forwards(since: dt.datetime | None, until: dt.datetime | None) -> Iterator[list[Forward]]:
    """With since <= settled_at < until, oldest first, a day at a time."""
    rows = ForwardDay.objects.order_by("day")
    rows = rows.filter(day__gte=since.astimezone(dt.UTC).date()) if since else rows
    rows = rows.filter(day__lte=until.astimezone(dt.UTC).date()) if until else rows
    for day in list(rows.values_list("day", flat=True)):
        found = ForwardDay.objects.filter(day=day).first()
        forwards = sorted(found.forwards, key=lambda forward: forward.settled_at) if found else []
        yield [
            one for one in forwards if (not since or one.settled_at >= since) and (not until or one.settled_at < until)
        ]


def _walk_down(rows: QuerySet[Decision]) -> Iterator[list[Decision]]:
    last: int | None = None
    while found := list((rows if last is None else rows.filter(id__lt=last))[:BATCH_ROWS]):
        yield found
        last = found[-1].id
