"""What somebody set against the engine, by hand or by taking back what it wrote, stays for a while."""

import datetime as dt

from nodes.engine.guards.case import GuardCase, Guarded, stop, tell_hours
from nodes.engine.policy_change import PolicyChange
from nodes.engine.report import ChannelPolicy


def respect_owner(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """LNDg notes such a change as `Ext` and goes on; here the channel rests, by the newest of them.

    A rollback holds alike, an owner's and a stop rule's: the next run would write again what was just taken back.
    """
    for change in reversed(case.changes):
        if change.by == "owner":
            return _hold(case, change, held_by="manual_change", words="somebody else changed it")
        if change.by == "rollback":
            return _hold(case, change, held_by="rolled_back", words="what was written was taken back")
    return None


def _hold(case: GuardCase, change: PolicyChange, *, held_by: str, words: str) -> Guarded | None:
    hold_s = case.settings.manual_hold_s
    since_s = (case.now - change.at).total_seconds()
    if since_s >= hold_s:
        return None
    until = (change.at + dt.timedelta(seconds=hold_s)).astimezone(dt.UTC)
    why = f"{words} {tell_hours(since_s)} ago, and that holds until {until:%Y-%m-%d %H:%M} UTC ({tell_hours(hold_s)})"
    return stop(case, held_by=held_by, why=why)
