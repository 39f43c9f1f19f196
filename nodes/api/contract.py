"""Shapes of the node API: what a box and its owner's apps send and read."""

import datetime as dt
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from msgspec import Meta, Struct

from mcp_saas.kit.text import without_nul
from nodes.api.forecast_contract import ChannelForecastView
from nodes.engine.connection import Connection
from nodes.engine.credential import NODE_SERVICES, Service, hint_at
from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import FeePolicy
from nodes.engine.rebalance import ReportedRebalance
from nodes.engine.report import ChannelPolicy, ChannelState, Instant, ReportedForward
from nodes.engine.summary import NodeSummary
from nodes.engine.types import Direction, Effect, ScoreCard
from nodes.models.credential import Credential
from nodes.models.journal import JournalEntry, JournalLink
from tenants.engine.plan import LimitName


class SnapshotAnswer(Struct, frozen=True):
    """A snapshot was taken in."""

    seq: int
    stored: bool  # false: we had it already


class ForwardsBody(Struct, frozen=True, forbid_unknown_fields=True):
    """New forwards, and where the box has read to. No events and no cursor: only asks where to go on from."""

    events: Annotated[list[ReportedForward], Meta(max_length=10_000)] = []
    cursor: Annotated[str, without_nul(max_length=128)] | None = None


class ForwardsAnswer(Struct, frozen=True):
    """How many were new, and the cursor to go on from. `set_aside`: how many were not kept, since they say they are
    older than Lightning (2018).
    """

    stored: int
    cursor: str
    set_aside: int = 0


class RebalancesBody(Struct, frozen=True, forbid_unknown_fields=True):
    """New payments of the node to itself, and where the box has read to. `until`: all before that moment are told;
    null: there is more to come. No events and no cursor: only asks where to go on from.
    """

    events: Annotated[list[ReportedRebalance], Meta(max_length=10_000)] = []
    cursor: Annotated[str, without_nul(max_length=128)] | None = None
    until: Instant | None = None


class RebalancesAnswer(Struct, frozen=True):
    """How many were new, and the cursor to go on from. `set_aside`: as of forwards."""

    stored: int
    cursor: str
    set_aside: int = 0


class DecidedAction(Struct, frozen=True):
    """The action that came of a decision; `actions` tells more of it."""

    id: UUID
    state: str


class DecisionView(Struct, frozen=True, kw_only=True):
    """A decision, why, and everything it stands on. `why` is in the caller's language, `reason` as it was stored."""

    id: int
    run_id: UUID
    mode: str  # of the node at the run
    group: str  # of the channel in the release: canary, hold_out or rest
    short_channel_id: str
    decided_at: dt.datetime
    direction: Direction
    old_fee_rate_ppm: int | None  # null: not known
    new_fee_rate_ppm: int | None
    why: str
    section: str | None
    rule: str
    reason: str
    held_by: str | None
    action: DecidedAction | None
    current_policy: ChannelPolicy | None
    proposed_policy: ChannelPolicy | None
    effect: Effect | None
    score: ScoreCard
    inputs: ChannelInput


class DecisionPage(Struct, frozen=True):
    """A page of decisions, newest first."""

    items: list[DecisionView]
    next_cursor: str | None


class RunView(Struct, frozen=True):
    """One run of the pipeline in figures. `started_by`: `schedule`, or the kinds of triggers."""

    id: UUID
    finished_at: dt.datetime
    snapshot_seq: int
    mode: str
    started_by: str
    engine_version: int
    summary: NodeSummary
    context: CycleInput  # with the inputs of its decisions: all that it was decided from


class LatestRun(Struct, frozen=True):
    """The newest run; null before the first."""

    run: RunView | None


class ChannelView(Struct, frozen=True):
    """A channel as the last snapshot showed it, with its score and what was last decided."""

    short_channel_id: str
    first_seen_at: dt.datetime
    closed_at: dt.datetime | None
    state: ChannelState
    score: ScoreCard | None  # null: not scored yet
    decision: DecisionView | None


class ChannelDetail(ChannelView, frozen=True):
    """A channel as `list_channels` shows it, with its forecast; null: none was made of it in the last three days."""

    forecast: ChannelForecastView | None = None


class ChannelPage(Struct, frozen=True):
    """A page of channels."""

    items: list[ChannelView]
    next_cursor: str | None


class FeePolicyAnswer(Struct, frozen=True):
    """The fee policy in force; version 0 are the defaults of a node that has none of its own."""

    version: int
    document: FeePolicy


class ConnectionView(Struct, frozen=True):
    """How the cloud fares with the node it reads itself: `fault` and `words` are of the last failure, null when the
    last reading succeeded; nothing is sent before `retry_at`.
    """

    read_at: dt.datetime | None
    failures: int
    failing_since: dt.datetime | None
    retry_at: dt.datetime | None
    fault: str | None
    words: str | None

    @classmethod
    def describe(cls, connection: Connection) -> Self:
        return cls(*(getattr(connection, name) for name in cls.__struct_fields__))


class CredentialView(Struct, frozen=True):
    """That a credential is set, and when it was last used; all null: none is. What it holds is never shown.

    `connection` is of `lnd` and `cln`; null: the node was not read yet.
    """

    service: Service
    set_at: dt.datetime | None
    last_used_at: dt.datetime | None
    hint: str | None
    connection: ConnectionView | None = None

    @classmethod
    def describe(cls, service: Service, row: Credential | None, *, connection: Connection | None = None) -> Self:
        if row is None:
            return cls(service, None, None, None)
        seen = ConnectionView.describe(connection) if connection and service in NODE_SERVICES else None
        return cls(service, row.set_at, row.last_used_at, hint_at(row.access), seen)


class CredentialList(Struct, frozen=True):
    """Every service a credential can be set for."""

    items: list[CredentialView]


class JournalItem(Struct, frozen=True):
    """One entry of the journal."""

    id: int
    at: dt.datetime
    kind: str
    text: str
    facts: dict[str, Any]


class JournalPage(Struct, frozen=True):
    """A page of the journal, newest first."""

    items: list[JournalItem]
    next_cursor: str | None


class EventItem(Struct, frozen=True):
    """One entry of the audit journal; the hashes are hex, null for an entry that is not in the chain."""

    id: int
    at: dt.datetime
    kind: str
    text: str
    facts: dict[str, Any]
    seq: int | None
    content_hash: str | None
    link_hash: str | None

    @classmethod
    def describe(cls, entry: JournalEntry, link: JournalLink | None) -> Self:
        chained = (link.seq, bytes(link.content_hash).hex(), bytes(link.link_hash).hex()) if link else (None,) * 3
        return cls(entry.id, entry.at, entry.kind, entry.detail.text, entry.detail.facts, *chained)


class EventPage(Struct, frozen=True):
    """A page of the audit journal, newest first."""

    items: list[EventItem]
    next_cursor: str | None


class ExportLink(Struct, frozen=True):
    """Where to fetch an archive, without a token, until `expires_at`."""

    url: str
    expires_at: dt.datetime


class ExportAnswer(Struct, frozen=True):
    """An export and how far it is. `sha256` is that of the archive; `link` is there once it is ready."""

    id: UUID
    device_id: UUID
    state: Literal["pending", "running", "ready", "failed"]
    requested_at: dt.datetime
    finished_at: dt.datetime | None
    expires_at: dt.datetime
    tables: int | None
    rows: int | None
    size_bytes: int | None
    sha256: str | None
    link: ExportLink | None


class QuotaItem(Struct, frozen=True):
    """One limit of the plan. `used` is null where nothing counts it yet: nothing is refused then either."""

    name: LimitName
    limit: int
    used: int | None
    is_counted: bool


class QuotaAnswer(Struct, frozen=True):
    """What a Dazbox uses of its plan."""

    device_id: UUID
    plan: str
    items: list[QuotaItem]


class AuditVerdict(Struct, frozen=True):
    """Whether a journal is as it was written, and if not, the first place where it is not and how."""

    device_id: UUID
    is_whole: bool
    entries: int
    first_bad_seq: int | None
    fault: str | None


class AuditAnswer(Struct, frozen=True):
    """The verdict on each box of the owner."""

    items: list[AuditVerdict]
