"""Facts of the channels at either end: the largest and smallest, the emptiest and fullest."""

from collections.abc import Callable, Iterator
from typing import Literal

from nodes.engine.balance import measure_ratio
from nodes.engine.report import ChannelState
from rag.engine.evidence import Evidence
from recommendations.pipeline.facts.asked import Asked
from recommendations.pipeline.facts.channel import tell_channel

Extreme = Literal["largest", "smallest", "emptiest", "fullest"]
# The least of this comes first; null: nothing is known of it.
MEASURES: dict[Extreme, Callable[[ChannelState], float | None]] = {
    "largest": lambda state: -state.capacity_sat,
    "smallest": lambda state: state.capacity_sat,
    "emptiest": measure_ratio,
    "fullest": lambda state: None if (ratio := measure_ratio(state)) is None else -ratio,
}
MAX_EQUAL = 3


def tell_extreme(asked: Asked, *, key: Extreme) -> Iterator[Evidence]:
    """That channel, and some of those equal to it, in the order of their ids."""
    values = {scid: value for scid, row in asked.channels.items() if (value := MEASURES[key](row.state)) is not None}
    if not values:
        return
    first = min(values.values())
    equal = sorted((scid for scid, value in values.items() if value == first), key=_order)
    text = asked.tell("equal", count=len(equal), shown=MAX_EQUAL) if len(equal) > MAX_EQUAL else ""
    yield asked.fact(f"node:{key}", asked.tell(key, count=len(values)) + text)
    yield from (tell_channel(asked.channels[scid], asked) for scid in equal[:MAX_EQUAL])


def _order(short_channel_id: str) -> list[int]:
    return [int(part) for part in short_channel_id.split("x")]
