"""A channel rests after a change, whoever made it."""

from nodes.engine.guards.case import GuardCase, Guarded, stop, tell_hours
from nodes.engine.report import ChannelPolicy


def let_rest(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """The longer of the limit and the strategy's own interval. The node's switching off and on is no change."""
    needed_s = max(case.limits.cooldown_s, case.wait_s)
    if needed_s == 0:
        return None
    last_at = next((change.at for change in reversed(case.changes) if change.by != "node"), None)
    rested_s = None if last_at is None else (case.now - last_at).total_seconds()
    if rested_s is None or rested_s >= needed_s:
        return None
    why = f"it was changed {tell_hours(rested_s)} ago and rests for {tell_hours(needed_s)}"
    return stop(case, held_by="cooldown_s", why=why)
