"""What was done, followed: what it was expected to bring against what it brought, over as many days after as before.

brought = income a day after - income a day before, of the channels it was about. Beside it stands how the income of all
other channels moved in the same days: a good week for the whole node is no merit of the advice.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from uuid import UUID

from msgspec import Struct

from nodes.engine.report import Forward
from recommendations.engine.advice import Estimate, Kind, cut_sat

DAY = dt.timedelta(days=1)
MOST_DAYS = 14


class Deed(Struct, frozen=True, kw_only=True):
    """Something done. `scids`: the channels it was about; empty: nothing that earns. `until`: the next change."""

    kind: Kind
    subject: str
    at: dt.datetime
    expected: Estimate
    scids: frozenset[str]
    recommendation_id: UUID | None = None
    action_id: UUID | None = None
    until: dt.datetime | None = None


class Followed(Struct, frozen=True, kw_only=True):
    """Sat a day, to the millisat. `days`: of either side; 0 with `why_none` where nothing can be compared."""

    deed: Deed
    days: int = 0
    before: float | None = None
    after: float | None = None
    brought: float | None = None
    rest_before: float | None = None
    rest_after: float | None = None
    why_none: str | None = None


class Known(Struct, frozen=True):
    """All forwards are known from `since` until `until`."""

    since: dt.datetime | None
    until: dt.datetime


def follow(deed: Deed, forwards: Sequence[Forward], *, known: Known) -> Followed:
    """`forwards`: all that are known of the 14 days before and after it."""
    if not deed.scids:
        return Followed(deed=deed, why_none="earns_nothing")
    if known.since is None or known.since > deed.at - DAY:
        return Followed(deed=deed, why_none="no_days_before")
    end = min(known.until, deed.until or known.until)
    days = min(MOST_DAYS, (end - deed.at).days, (deed.at - known.since).days)
    if days < 1:
        return Followed(deed=deed, why_none="too_soon" if deed.until is None else "changed_again")
    sides = (deed.at - days * DAY, deed.at), (deed.at, deed.at + days * DAY)
    (before, rest_before), (after, rest_after) = (
        _sum_income(forwards, deed.scids, since=since, until=until) for since, until in sides
    )
    return Followed(
        deed=deed,
        days=days,
        before=cut_sat(before / days),
        after=cut_sat(after / days),
        brought=cut_sat((after - before) / days),
        rest_before=cut_sat(rest_before / days),
        rest_after=cut_sat(rest_after / days),
    )


def _sum_income(
    forwards: Sequence[Forward], scids: Collection[str], *, since: dt.datetime, until: dt.datetime
) -> tuple[float, float]:
    """Sat of fees of what left by these channels, and of what left by all others."""
    mine_msat = rest_msat = 0
    for forward in forwards:
        if forward.status == "settled" and since <= forward.settled_at < until:
            if forward.outgoing_scid in scids:
                mine_msat += forward.fee_msat
            else:
                rest_msat += forward.fee_msat
    return mine_msat / 1000, rest_msat / 1000
