"""How many changes a channel may see from us within 24 hours."""

from nodes.engine.guards.case import GuardCase, Guarded, stop
from nodes.engine.policy_change import DAY, list_since
from nodes.engine.report import ChannelPolicy


def count_day(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    most = case.settings.max_changes_per_day_channel
    if most is None:
        return None
    ours = sum(change.by == "engine" for change in list_since(case.changes, case.now - DAY)) if case.changes else 0
    if ours < most:
        return None
    return stop(case, held_by="changes_per_day", why=f"we changed it {ours} times within 24 h, and {most} is the most")
