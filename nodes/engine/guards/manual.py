"""A change that was not ours is its owner's will, and stays for a while."""

from nodes.engine.guards.case import GuardCase, Guarded, stop, tell_hours
from nodes.engine.report import ChannelPolicy


def respect_owner(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """LNDg notes such a change as `Ext` and goes on; here the channel rests, by the newest of them."""
    for change in reversed(case.changes):
        if change.by == "owner":
            since_s = (case.now - change.at).total_seconds()
            if since_s >= case.settings.manual_hold_s:
                return None
            why = (
                f"somebody else changed it {tell_hours(since_s)} ago, "
                f"and that holds for {tell_hours(case.settings.manual_hold_s)}"
            )
            return stop(case, held_by="manual_change", why=why)
    return None
