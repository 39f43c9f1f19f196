"""What a whole node may change within 24 hours: how many channels, and how much income may be put at risk."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from msgspec import Struct

from nodes.engine.guards.case import Guarded
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.policy_change import PolicyChange
from nodes.engine.report import ChannelPolicy
from nodes.engine.types import Effect


class Proposal(Struct, frozen=True, kw_only=True):
    """What one channel's guards left of its wish."""

    short_channel_id: str
    present: ChannelPolicy
    guarded: Guarded
    effect: Effect | None  # None: no data, which puts nothing at risk that we know of


class DaySpent(Struct, frozen=True, kw_only=True):
    """What the last 24 hours have used up."""

    changes: int = 0
    cost_msat: int = 0


def sum_day(changes: Iterable[PolicyChange]) -> DaySpent:
    """Of all channels' changes within the last 24 hours: ours alone."""
    ours = [change for change in changes if change.by == "engine"]
    return DaySpent(changes=len(ours), cost_msat=sum(change.expected_loss_msat for change in ours))


def measure_loss_msat(effect: Effect | None) -> int:
    """Income a day that the change may cost, at the low end of its interval, rounded up; 0: none, or no data."""
    return 0 if effect is None else max(0, math.ceil(-effect.low_sat_per_day * 1000))


def has_ceiling(settings: GuardSettings) -> bool:
    return settings.max_changes_per_day_node is not None or settings.max_cost_per_day_sat is not None


def guard_node(proposals: Sequence[Proposal], spent: DaySpent, *, settings: GuardSettings) -> list[Guarded]:
    """Each proposal as it may be written, in the order given.

    The change with the largest expected benefit comes first, and among equals the smaller channel id. One too dear
    for what is left is held, and a cheaper one after it may still pass. What costs nothing always passes the ceiling
    of cost.
    """
    before = spent
    guarded = [proposal.guarded for proposal in proposals]
    if not has_ceiling(settings):
        return guarded
    changing = [index for index, proposal in enumerate(proposals) if proposal.guarded.policy != proposal.present]
    for index in sorted(changing, key=lambda index: _rank(proposals[index])):
        proposal = proposals[index]
        loss_msat = measure_loss_msat(proposal.effect)
        hold = _find_excess(spent, loss_msat, before=before, settings=settings)
        if hold is None:
            spent = DaySpent(changes=spent.changes + 1, cost_msat=spent.cost_msat + loss_msat)
        else:
            guarded[index] = Guarded(policy=proposal.present, held_by=hold[0], why=hold[1])
    return guarded


def _rank(proposal: Proposal) -> tuple[float, tuple[int, ...]]:
    benefit_sat = proposal.effect.sat_per_day if proposal.effect else 0.0
    return -benefit_sat, tuple(map(int, proposal.short_channel_id.split("x")))


def _tell_rest(most: int, before: DaySpent) -> str:
    left = max(0, most - before.changes)
    return f"and the {left} left go to others that are expected to earn more" if left else "and none is left"


def _tell_sat(msat: int) -> str:
    """With as many digits as it has: 0 is nothing at all."""
    return f"{msat / 1000:.3f}".rstrip("0").rstrip(".")


def _find_excess(
    spent: DaySpent, loss_msat: int, *, before: DaySpent, settings: GuardSettings
) -> tuple[str, str] | None:
    most, ceiling_sat = settings.max_changes_per_day_node, settings.max_cost_per_day_sat
    if most is not None and spent.changes >= most:
        used = f"{before.changes} were changed before" if before.changes else "none was changed before"
        return (
            "node_changes_per_day",
            f"the node may change {most} channels within 24 h, {used}, {_tell_rest(most, before)}",
        )
    if ceiling_sat is not None and loss_msat and spent.cost_msat + loss_msat > ceiling_sat * 1000:
        why = (
            f"it may cost {_tell_sat(loss_msat)} sat a day, and of the {ceiling_sat} sat that changes of 24 h "
            f"may cost {_tell_sat(max(0, ceiling_sat * 1000 - spent.cost_msat))} sat are left"
        )
        return "cost_per_day", why
    return None
