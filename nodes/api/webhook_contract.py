"""Bodies and answers about webhooks."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from mcp_saas.kit.text import spelled, without_nul
from nodes.engine.webhook.endpoint import Attempt, Target
from nodes.engine.webhook.event import EVENT_TYPES, EventType
from nodes.models.webhook import WebhookDelivery, WebhookEndpoint
from nodes.selectors.webhook import Standing

Address = Annotated[str, spelled(r'[!-"$->@-~?]+', "an address without blanks and fragment", max_length=512)]
Description = Annotated[str, without_nul(max_length=200)]
Wanted = Annotated[frozenset[EventType], Meta(max_length=len(EVENT_TYPES))]
DAY_S = 86_400


class WebhookBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to, and what: no events are all there are and will be."""

    url: Address
    events: Wanted = frozenset()
    description: Description = ""

    def to_target(self) -> Target:
        return Target(url=self.url, events=sort_events(self.events), description=self.description)


class WebhookChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What is left out stays as it is."""

    url: Address | UnsetType = UNSET
    events: Wanted | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET

    def to_target(self, before: Target) -> Target:
        return Target(
            url=before.url if self.url is UNSET else self.url,
            events=before.events if self.events is UNSET else sort_events(self.events),
            description=before.description if self.description is UNSET else self.description,
        )


class WebhookView(Struct, frozen=True):
    """An endpoint. `disabled_by`: owner; gone, it answered 410; failed, nothing was delivered for the whole retry plan.
    While `previous_secret_until` lasts, two secrets sign.
    """

    id: UUID
    url: str
    events: list[EventType]
    description: str
    is_enabled: bool
    disabled_by: Literal["owner", "gone", "failed"] | None
    created_at: dt.datetime
    previous_secret_until: dt.datetime | None

    @classmethod
    def describe(cls, row: WebhookEndpoint) -> "WebhookView":
        return cls(
            id=row.id,
            url=row.target.url,
            events=list(row.target.events),
            description=row.target.description,
            is_enabled=not row.disabled_by,
            disabled_by=row.disabled_by or None,  # type: ignore[arg-type]  # the table allows no other
            created_at=row.created_at,
            previous_secret_until=row.secrets.previous_until,
        )


class WebhookStanding(Struct, frozen=True):
    """An endpoint and how it fares. While it does not answer, nothing is tried before `paused_until`."""

    webhook: WebhookView
    waiting: int
    parked: int
    tried_at: dt.datetime | None
    delivered_at: dt.datetime | None
    paused_until: dt.datetime | None

    @classmethod
    def describe(cls, standing: Standing) -> "WebhookStanding":
        row = standing.endpoint
        return cls(
            WebhookView.describe(row),
            standing.waiting,
            standing.parked,
            row.tried_at,
            row.delivered_at,
            row.paused_until,
        )


class WebhookList(Struct, frozen=True):
    """All endpoints of the box, the oldest first."""

    items: list[WebhookStanding]


class NewWebhook(Struct, frozen=True):
    """The secret is shown this once."""

    secret: str
    webhook: WebhookView


class SecretBody(Struct, frozen=True, forbid_unknown_fields=True):
    """For how long the present secret signs beside the new one."""

    overlap_s: Annotated[int, Meta(ge=0, le=7 * DAY_S)] = DAY_S


class NewSecret(Struct, frozen=True):
    """The secret is shown this once; until `previous_secret_until` the one before signs as well."""

    secret: str
    previous_secret_until: dt.datetime | None


class DeliveryView(Struct, frozen=True):
    """One event on its way to one endpoint. `message_id` is the header `webhook-id`; `log` has the newest twenty
    attempts, the oldest first.
    """

    id: UUID
    message_id: str
    event: EventType
    state: Literal["waiting", "delivered", "parked"]
    error: str | None
    attempts: int
    created_at: dt.datetime
    due_at: dt.datetime | None
    settled_at: dt.datetime | None
    body: str
    log: list[Attempt]

    @classmethod
    def describe(cls, row: WebhookDelivery) -> "DeliveryView":
        return cls(
            id=row.id,
            message_id=row.message.public_id,
            event=row.message.event,  # type: ignore[arg-type]  # the engine's own names
            state=row.state,  # type: ignore[arg-type]
            error=row.error or None,
            attempts=row.attempts,
            created_at=row.created_at,
            due_at=row.due_at if row.state == "waiting" else None,
            settled_at=row.settled_at,
            body=row.message.body,
            log=list(row.log),
        )


class DeliveryPage(Struct, frozen=True):
    """Deliveries, the newest first."""

    items: list[DeliveryView]
    next_cursor: str | None


class ReplayBody(Struct, frozen=True, forbid_unknown_fields=True):
    """One delivery, or all that happened since an instant; `only_failed`: of these what was not delivered."""

    delivery_id: UUID | None = None
    since: Annotated[dt.datetime, Meta(tz=True)] | None = None
    only_failed: bool = True


class ReplayAnswer(Struct, frozen=True):
    """How many are on their way again."""

    queued: int


def sort_events(wanted: frozenset[EventType]) -> tuple[EventType, ...]:
    return tuple(event for event in EVENT_TYPES if event in wanted)
