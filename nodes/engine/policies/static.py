"""charge-lnd's `static`: the values of the rule, each field that is given."""

from collections.abc import Callable
from typing import Any

from nodes.engine.cycle import ChannelInput, CycleInput
from nodes.engine.document import Values
from nodes.engine.policies.values import FEE_FIELDS, LIMIT_FIELDS, frame_wish, holds_for_all
from nodes.engine.strategies import StaticStrategy
from nodes.engine.wish import Wish


def _tell_values(values: Values) -> str:
    named = (*FEE_FIELDS, *LIMIT_FIELDS, "fee_rate_ppm", "max_htlc_ratio")
    has_any = any(getattr(values, name) is not None for name in named)
    return "The rule has fixed values" if has_any else "The rule names no value"


def prepare_static(cycle: CycleInput, values: Values, *, strategy: StaticStrategy) -> Callable[[ChannelInput], Wish]:
    ppm = values.fee_rate_ppm
    say = frame_wish(values, terms="static" if ppm is None else f"static, {ppm} ppm")
    said: dict[str, Any] = {"rule": "static", "reason": _tell_values(values), "fee_rate_ppm": ppm}
    if holds_for_all(values):
        wish = say(None, **said)
        return lambda _: wish
    return lambda given: say(given, **said)
