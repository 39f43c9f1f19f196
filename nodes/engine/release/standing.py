"""Where a node stands on the ladder of its release, and what its last review found."""

from __future__ import annotations

import datetime as dt

from msgspec import Struct

from nodes.engine.release.revenue import Comparison
from nodes.engine.release.settings import Groups, Rung
from nodes.engine.release.stop import RuleVerdict
from nodes.engine.report import Instant


class Review(Struct, frozen=True, kw_only=True):
    """What the stop rules found. Revenue is looked at once a day, the others at every run."""

    at: Instant
    revenue_on: dt.date | None = None  # the UTC day of the last look at revenue
    revenue: Comparison | None = None
    verdicts: list[RuleVerdict] = []


class Undoing(Struct, frozen=True, kw_only=True):
    """What a stop takes back: what was handed over with since <= sent_at < until, also where it is confirmed later.

    `named`: why an action stays, by its id, as far as the journal says so.
    """

    since: Instant
    until: Instant
    named: dict[str, str] = {}


class Standing(Struct, frozen=True, kw_only=True):
    """Where the node stands and since when; what a pause or a stop left behind."""

    share_percent: int = 0
    since: Instant | None = None  # of the present mode and share
    acting_since: Instant | None = None  # when it left shadow: what was earned before is the level to compare with
    resumes: Rung | None = None  # where a pause goes on
    stopped_by: str | None = None  # a stop rule's words: growth by rule waits for the owner
    undoing: Undoing | None = None
    review: Review | None = None
    groups: Groups = Groups()


def remark_no_data(review: Review | None) -> str | None:
    """What is to be said of going on upon this review. None: the stop rules had data."""
    if review is not None and any(verdict.finding != "no data" for verdict in review.verdicts):
        return None
    found = "there was no review of this step yet" if review is None else "the stop rules had no data on this step"
    return f"{found}: nothing shows what it did"
