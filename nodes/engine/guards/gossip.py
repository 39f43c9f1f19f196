"""What other nodes accept of our updates: a bucket of tokens for each channel direction.

LND: a burst of 10, then one a minute, and the timestamp of each at least a second after the one before (discovery,
`MaxChannelUpdateBurst`, `ChannelUpdateInterval`). Core Lightning: a burst of 4, then one a day. Updates beyond are
dropped unread, so a fee nobody heard of is on the channel.
"""

import datetime as dt
from collections.abc import Iterable

from msgspec import Struct

from nodes.engine.guards.case import GuardCase, Guarded, stop
from nodes.engine.policy_change import KEPT_CHANGES
from nodes.engine.report import ChannelPolicy

SECOND = dt.timedelta(seconds=1)


class GossipBudget(Struct, frozen=True, kw_only=True):
    """`burst` updates at once, then one each `interval`."""

    burst: int
    interval: dt.timedelta


BUDGETS = {
    "lnd": GossipBudget(burst=10, interval=dt.timedelta(minutes=1)),
    "cln": GossipBudget(burst=4, interval=dt.timedelta(days=1)),
}


def spend_gossip(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """Whether the update would be heard. Every announcement counts, whoever caused it."""
    budget = BUDGETS.get(case.implementation if case.settings.gossip == "node" else case.settings.gossip)
    if budget is None or not case.changes:
        return None
    if case.now - case.changes[-1].at < SECOND:
        return stop(case, held_by="gossip_budget", why="two updates need a second between their timestamps")
    announced, is_cut = [change.at for change in case.changes], len(case.changes) >= KEPT_CHANGES
    wait = measure_wait(announced, case.now, budget=budget, starts_empty=is_cut)
    if not wait:
        return None
    why = (
        f"others take {budget.burst} updates of a channel at once and then one each "
        f"{_tell(budget.interval)}: the next is heard in {_tell(wait)}"
    )
    return stop(case, held_by="gossip_budget", why=why)


def measure_wait(
    announced: Iterable[dt.datetime], now: dt.datetime, *, budget: GossipBudget, starts_empty: bool = False
) -> dt.timedelta:
    """How long until the next update is accepted; zero: it is now. The bucket is full before the first one.

    `starts_empty`: earlier ones are no longer known, so no token is sure, and an update for which we count none may
    have been heard for one. Else an update that is dropped takes no token. The level is held as time, so it is exact:
    a token is one interval.
    """
    full = budget.interval * budget.burst
    level, seen_at = dt.timedelta(0) if starts_empty else full, None
    for at in announced:
        level = _fill(level, at - (seen_at or at), full=full)
        if level >= budget.interval:
            level -= budget.interval
        elif starts_empty:
            level = dt.timedelta(0)
        seen_at = max(at, seen_at or at)
    level = _fill(level, now - (seen_at or now), full=full)
    return max(dt.timedelta(0), budget.interval - level)


def _fill(level: dt.timedelta, elapsed: dt.timedelta, *, full: dt.timedelta) -> dt.timedelta:
    return min(full, level + max(dt.timedelta(0), elapsed))


def _tell(span: dt.timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds:.0f} s"
