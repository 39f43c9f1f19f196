"""charge-lnd's `ignore`, `ignore_fees` and `disable`."""

from collections.abc import Callable

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import UseConfigStrategy, Values
from nodes.engine.policies.values import frame_wish
from nodes.engine.strategies import DisableStrategy, IgnoreFeesStrategy, IgnoreStrategy
from nodes.engine.wish import Wish

IGNORED = Wish(rule="ignore", reason="The rule leaves this channel alone", terms="ignore")
DISABLED = Wish(rule="disable", reason="The rule switches this channel off", terms="disable", disabled=True)


def prepare_ignore(cycle: CycleInput, values: Values, *, strategy: IgnoreStrategy) -> Callable[[ChannelInput], Wish]:
    return lambda _: IGNORED


def prepare_ignore_fees(
    cycle: CycleInput, values: Values, *, strategy: IgnoreFeesStrategy
) -> Callable[[ChannelInput], Wish]:
    say = frame_wish(values, terms="ignore_fees", fields=())
    return lambda given: say(given, rule="ignore_fees", reason="The rule leaves the fees alone")


def prepare_unmatched(
    cycle: CycleInput, values: Values, *, strategy: UseConfigStrategy
) -> Callable[[ChannelInput], Wish]:
    """A configuration within the configuration, of which no rule matched: fees stay, limits are set."""
    say = frame_wish(values, terms=f"use_config {strategy.name}", fields=())
    return lambda given: say(given, rule="use_config/unmatched", reason="No rule of the nested configuration matches")


def prepare_disable(cycle: CycleInput, values: Values, *, strategy: DisableStrategy) -> Callable[[ChannelInput], Wish]:
    return lambda _: DISABLED
