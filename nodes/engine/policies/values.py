"""The values collected on the way to a rule, as fields of a wish."""

from collections.abc import Callable
from functools import partial
from typing import Any

from nodes.engine.cycle import ChannelInput
from nodes.engine.document import Values
from nodes.engine.report import ChannelState
from nodes.engine.wish import Wish

LIMIT_FIELDS = ("time_lock_delta", "min_htlc_msat", "max_htlc_msat")
FEE_FIELDS = ("base_fee_msat", "inbound_base_fee_msat", "inbound_fee_rate_ppm", "inbound_level_ppm")
Say = Callable[..., Wish]  # (given, rule=, reason=, ...) -> Wish


def frame_wish(values: Values, *, terms: str, fields: tuple[str, ...] = FEE_FIELDS, min_change_ppm: int = 0) -> Say:
    """A maker of wishes that hold the values: `fields` of the fees, all limits, and that the channel is switched on.

    `min_change_ppm`: the strategy's own, where no rule gives one. Later arguments lie over the values. Called with the
    channel first; see `holds_for_all`.
    """
    make = bind_wish(values, terms=terms, fields=fields, min_change_ppm=min_change_ppm)
    if holds_for_all(values):
        return lambda _, **said: make(**said)
    return lambda given, **said: make(**said | {"max_htlc_msat": measure_max_htlc(values, given.channel)})


def holds_for_all(values: Values) -> bool:
    """Whether the values are the same for every channel: a largest payment by the capacity is not."""
    return not values.max_htlc_ratio


def bind_wish(
    values: Values, *, terms: str, fields: tuple[str, ...] = FEE_FIELDS, min_change_ppm: int = 0
) -> Callable[..., Wish]:
    """`frame_wish` without the channel, for values that hold for all. What is None is so by default."""
    least_ppm = read_least_change(values)
    least_ppm = min_change_ppm if least_ppm is None else least_ppm
    named = {name: getattr(values, name) for name in (*fields, *LIMIT_FIELDS, "min_inbound_change_ppm")}
    constant: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    return partial(Wish, **constant, terms=terms, disabled=False, min_change_ppm=least_ppm)


def read_least_change(values: Values) -> int | None:
    """In ppm; None where the strategy's own holds, because none was given or -1 took it back."""
    least_ppm = values.min_change_ppm
    return None if least_ppm is None or least_ppm < 0 else least_ppm


def measure_max_htlc(values: Values, channel: ChannelState) -> int | None:
    """min(max_htlc_msat, int(ratio * (capacity - reserve) * 1000)), as charge-lnd has it.

    The reserve is what the peer must keep, not what we must. Where it is not known, the ratio says nothing.
    """
    if channel.remote_reserve_sat is None or not values.max_htlc_ratio:
        return values.max_htlc_msat
    share_msat = int(values.max_htlc_ratio * (channel.capacity_sat - channel.remote_reserve_sat) * 1000)
    return min(share_msat, values.max_htlc_msat) if values.max_htlc_msat else share_msat


def fill_wish(wish: Wish, given: ChannelInput, *, values: Values) -> dict[str, Any]:
    """The fields of a wish its strategy has left open and the values name."""
    fields = {
        name: value
        for name in (*FEE_FIELDS, *LIMIT_FIELDS)
        if getattr(wish, name) is None and (value := getattr(values, name)) is not None
    }
    if values.max_htlc_ratio and wish.max_htlc_msat is None:
        fields["max_htlc_msat"] = measure_max_htlc(values, given.channel)
    least_ppm = read_least_change(values)
    if least_ppm is not None:
        fields["min_change_ppm"] = least_ppm
    if values.min_inbound_change_ppm is not None:
        fields["min_inbound_change_ppm"] = values.min_inbound_change_ppm
    return fields
