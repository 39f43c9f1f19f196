"""Shapes of actions, rollbacks and kill switches: what a box obeys, and what its owner does about it."""

import datetime as dt
from typing import Annotated, Self
from uuid import UUID

from msgspec import Struct

from mcp_saas.kit.text import without_nul
from nodes.engine.language.sentence import Language
from nodes.engine.report import ChannelPolicy, Instant
from nodes.models.action import Action
from nodes.pipeline.handover import ActionResult
from nodes.selectors.action import tell_why
from nodes.selectors.kill_switch import Level

Words = Annotated[str, without_nul(max_length=400)]


class ActionView(Struct, frozen=True):
    """What to write to the node, always the whole policy, and how far it is.

    `confirmed` from the report of a success on; `verified_at` is when a snapshot showed it in force, null until then.
    """

    id: UUID
    kind: str
    channel: str
    state: str
    policy: ChannelPolicy
    expected_policy: ChannelPolicy
    created_at: dt.datetime
    expires_at: dt.datetime
    why: str
    run_id: UUID | None
    sent_at: dt.datetime | None
    lease_until: dt.datetime | None
    reported_at: dt.datetime | None  # the box says it is written
    verified_at: dt.datetime | None  # a snapshot shows it
    settled_at: dt.datetime | None
    error: str | None

    @classmethod
    def describe(cls, action: Action, *, language: Language = "en") -> Self:
        return cls(
            id=action.id,
            kind=action.kind,
            channel=action.short_channel_id,
            state=action.public_state,
            policy=action.policy,
            expected_policy=action.expected_policy,
            created_at=action.created_at,
            expires_at=action.expires_at,
            why=tell_why(action, language),
            run_id=action.run_id,
            sent_at=action.sent_at,
            lease_until=action.lease_until,
            reported_at=action.reported_at,
            verified_at=action.verified_at,
            settled_at=action.settled_at,
            error=action.outcome.error if action.outcome else None,
        )


class ActionList(Struct, frozen=True):
    """Actions, oldest first. They are the caller's to write only if it named a `holder`."""

    items: list[ActionView]


class ActionResultBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What came of an action. `applied_policy`: what the node has in force now; `at`: when, by the box's clock."""

    success: bool
    at: Instant
    applied_policy: ChannelPolicy | None = None
    error: Words | None = None

    def to_result(self) -> ActionResult:
        return ActionResult(success=self.success, at=self.at, applied_policy=self.applied_policy, error=self.error)


class RollbackBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What to take back: all that was handed over on a day (UTC), or from `since` up to, not including, `until`."""

    day: dt.date | None = None
    since: Instant | None = None
    until: Instant | None = None

    def __post_init__(self) -> None:
        if (self.day is None) == (self.since is None):
            raise ValueError("day: give either a day, or since (and until)")
        if self.day is not None and self.until is not None:
            raise ValueError("until: a day has its own end")
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValueError("until: must be later than since")
        for name, moment in (("since", self.since), ("until", self.until)):
            if moment is not None and not is_storable(moment):
                raise ValueError(f"{name}: lies outside of the years that can be kept")
        if self.day == dt.date.max:
            raise ValueError("day: it has no end that can be kept")

    def read_window(self) -> tuple[dt.datetime, dt.datetime | None]:
        if self.day is not None:
            since = dt.datetime.combine(self.day, dt.time.min, dt.UTC)
            return since, since + dt.timedelta(days=1)
        return self.since or dt.datetime.min.replace(tzinfo=dt.UTC), self.until


def is_storable(moment: dt.datetime) -> bool:
    """Whether it is within the years 1 to 9999 in UTC as well."""
    try:
        moment.astimezone(dt.UTC)
    except OverflowError:
        return False
    return True


class RollbackRefusal(Struct, frozen=True):
    """An action that is not taken back, and why."""

    action_id: UUID
    channel: str
    reason: str


class RollbackAnswer(Struct, frozen=True):
    """The new actions that put back what was there before, what is no longer going to be written, what is refused."""

    actions: list[ActionView]
    cancelled: list[UUID]
    refused: list[RollbackRefusal]


class KillSwitchBody(Struct, frozen=True, forbid_unknown_fields=True):
    """On or off. `reason` is for those who find it on; in an emergency nobody has to think of one."""

    is_on: bool
    reason: Annotated[str, without_nul(max_length=200)] = ""


class SwitchHold(Struct, frozen=True):
    """Another switch that stops the same."""

    level: Level
    reason: str


class KillSwitchAnswer(Struct, frozen=True):
    """The owner's own switch, the others that hold as well, and (of a node) the channels that are stopped."""

    is_on: bool
    reason: str | None
    set_at: dt.datetime | None
    held_by: list[SwitchHold]
    channels: list[str]
