"""charge-lnd's `static`: the values of the rule, each field that is given."""

from collections.abc import Callable

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Values
from nodes.engine.policies.values import frame_wish
from nodes.engine.strategies import StaticStrategy
from nodes.engine.wish import Wish


def prepare_static(cycle: CycleInput, values: Values, *, strategy: StaticStrategy) -> Callable[[ChannelInput], Wish]:
    ppm = values.fee_rate_ppm
    say = frame_wish(values, terms="static" if ppm is None else f"static, {ppm} ppm")
    return lambda given: say(given, rule="static", reason="The rule has fixed values", fee_rate_ppm=ppm)
