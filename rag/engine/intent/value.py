"""What a question asks of the asker's own node, as one value."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

Topic = Literal[
    "why_fee", "compare", "changes", "unchanged", "held", "state", "fees", "score", "depleted", "mode", "earnings",
    "best_earner", "failures", "failed_payments", "rolled_back", "largest", "smallest", "emptiest", "fullest", "synced",
    "pending", "depletion",
]  # fmt: skip
Direction = Literal["raise", "lower"]
Gap = Literal["forecast", "others", "time", "which", "order"]


class KnownChannel(Struct, frozen=True):
    """A channel of the asker's own node; a stranger chose the alias."""

    short_channel_id: str
    peer_pubkey: str
    alias: str


class Span(Struct, frozen=True):
    """`since <= instant < until`, in UTC: a calendar's day, week, month or year, or so many hours up to now."""

    since: dt.datetime
    until: dt.datetime


class Intent(Struct, frozen=True, kw_only=True):
    """`topics` is empty where the question is about no record of the node.

    `channels`: short channel ids of the node that it names; `shared`: a name that several peers begin with; `unknown`:
    names, ids and keys of channels that the node does not have, as they were typed. `gap`: why records cannot answer:
    it asks for what is to come, for somebody else's figures, for a time that we do not read, or for one of too
    many, or orders what this product never does.
    """

    topics: tuple[Topic, ...] = ()
    channels: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    direction: Direction | None = None
    span: Span | None = None
    gap: Gap | None = None

    @property
    def is_own(self) -> bool:
        return bool(self.topics or self.unknown or self.gap)
