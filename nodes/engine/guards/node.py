"""The wishes for all channels of a node, guarded one by one and then together."""

from collections.abc import Sequence

from msgspec.structs import replace

from nodes.engine.change import narrow_wish, settle_wish
from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.effect import estimate_effect
from nodes.engine.guards.case import GuardCase, Guarded
from nodes.engine.guards.ceiling import DaySpent, Proposal, guard_node, has_ceiling, sum_day
from nodes.engine.guards.order import guard_wish
from nodes.engine.limits import find_limits
from nodes.engine.policy_change import DAY, list_since
from nodes.engine.wish import Wish


def guard_wishes(
    cycle: CycleInput, channels: Sequence[ChannelInput], *, wishes: Sequence[Wish | None]
) -> list[Guarded | None]:
    """What of each wish may be written. None where there is no wish, or no policy to write it into."""
    guarded = [_guard_channel(cycle, given, wish=wish) for given, wish in zip(channels, wishes, strict=True)]
    if not has_ceiling(cycle.policy.guards):
        return guarded
    spent = sum_spent(cycle, channels)
    asked = {index: _propose(given, guarded[index]) for index, given in enumerate(channels)}
    proposals = {index: proposal for index, proposal in asked.items() if proposal is not None}
    held = guard_node(list(proposals.values()), spent, settings=cycle.policy.guards)
    together = dict(zip(proposals, held, strict=True))
    return [together.get(index, one) for index, one in enumerate(guarded)]


def sum_spent(cycle: CycleInput, channels: Sequence[ChannelInput]) -> DaySpent:
    """What our changes of the 24 hours before have used up."""
    since = cycle.now - DAY
    return sum_day(change for given in channels for change in list_since(given.changes, since))


def _guard_channel(cycle: CycleInput, given: ChannelInput, *, wish: Wish | None) -> Guarded | None:
    present = given.channel.own_policy
    if wish is None or present is None:
        return None
    switches_on = cycle.policy.switches_on or wish.switches_on
    settled = settle_wish(wish, present, channel=given.channel, switches_on=switches_on)
    if settled.held_by and not settled.wished:
        return Guarded(policy=present, held_by=settled.held_by, why=settled.why)
    case = GuardCase(
        now=cycle.now,
        present=present,
        limits=find_limits(cycle.policy.limits, given),
        settings=cycle.policy.guards,
        changes=given.changes,
        implementation=cycle.node.implementation,
        wait_s=wish.wait_s,
        is_step=wish.is_step,
    )
    guarded = guard_wish(narrow_wish(wish, settled), case)
    held = settled if settled.held_by else wish.own_hold
    return guarded if guarded.held_by or held is None else replace(guarded, held_by=held.held_by, why=held.why)


def _propose(given: ChannelInput, guarded: Guarded | None) -> Proposal | None:
    present = given.channel.own_policy
    if present is None or guarded is None:
        return None
    effect = estimate_effect(given.flow, present, proposed=guarded.policy)
    return Proposal(short_channel_id=given.channel.short_channel_id, present=present, guarded=guarded, effect=effect)
