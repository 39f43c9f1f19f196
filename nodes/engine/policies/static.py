"""charge-lnd's `static`: the values of the rule, each field that is given."""

from collections.abc import Callable

from nodes.engine.cycle import ChannelInput
from nodes.engine.document import Values
from nodes.engine.strategies import StaticStrategy
from nodes.engine.wish import Wish


def prepare_static(strategy: StaticStrategy, values: Values) -> Callable[[ChannelInput], Wish]:
    wish = Wish(
        rule="static",
        reason="The rule has fixed values",
        terms="static" if values.fee_rate_ppm is None else f"static, {values.fee_rate_ppm} ppm",
        fee_rate_ppm=values.fee_rate_ppm,
    )
    return lambda _: wish
