"""Whether what a strategy wishes differs enough from the present policy to be written.

Source: charge-lnd's change rule. The outbound rate has to move by `min_change_ppm`; a smaller move goes along when
another fee or limit is written, not when the channel is only switched on or off. A smaller move of the inbound rate is
never written, unless it ends at 0 or its base fee moves too. Any other field counts as soon as it differs. Payments'
limits stay within those of the channel itself.
"""

from functools import cache

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.report import MAX_PPM, ChannelPolicy, ChannelState
from nodes.engine.wish import POLICY_FIELDS, Wish


class Settled(Struct, frozen=True):
    """`wished`: by field what is to be written, empty for nothing. `held_by`: why something of the wish is left out."""

    wished: dict[str, int]
    held_by: str | None = None
    why: str | None = None


NOTHING = Settled({})


def settle_wish(wish: Wish, present: ChannelPolicy, *, channel: ChannelState, switches_on: bool = False) -> Settled:
    """What of the wish differs from the present policy, if it is worth writing at all.

    `switches_on`: a channel that is off is switched on where the wish says so.
    """
    fee_rate_ppm, min_change_ppm = wish.fee_rate_ppm, wish.min_change_ppm
    moved_ppm = 0 if fee_rate_ppm is None else abs(fee_rate_ppm - present.fee_rate_ppm)
    is_worth = moved_ppm > 0 and moved_ppm >= min_change_ppm
    differing = _settle_others(wish, present, channel=channel, outbound_ppm=fee_rate_ppm if is_worth else None)
    if fee_rate_ppm is not None and moved_ppm and (is_worth or differing):
        differing["fee_rate_ppm"] = min(fee_rate_ppm, MAX_PPM)  # a peer may announce more than that
    is_switched = wish.disabled is not None and wish.disabled != present.disabled and channel.active
    if wish.disabled is not None and is_switched and (wish.disabled or switches_on):
        differing["disabled"] = wish.disabled
    if moved_ppm and not is_worth and not differing:
        return _hold_small(min_change_ppm)
    cut = _find_cut(wish, present, channel=channel, differing=differing)
    if cut is not None:
        return Settled(differing, *cut)
    return Settled(differing) if differing else NOTHING


def _settle_others(
    wish: Wish, present: ChannelPolicy, *, channel: ChannelState, outbound_ppm: int | None
) -> dict[str, int]:
    """All fees and limits but the outbound rate: what differs. `outbound_ppm`: the rate it moves to, None: it stays."""
    differing: dict[str, int] = {}
    if (
        wish.inbound_base_fee_msat is not None
        or wish.inbound_fee_rate_ppm is not None
        or wish.inbound_level_ppm is not None
    ):
        _settle_inbound(wish, present, outbound_ppm=outbound_ppm, differing=differing)
    if wish.time_lock_delta is not None or wish.min_htlc_msat is not None or wish.max_htlc_msat is not None:
        _settle_limits(wish, present, channel=channel, differing=differing)
    if wish.base_fee_msat is not None and wish.base_fee_msat != present.base_fee_msat:
        differing["base_fee_msat"] = wish.base_fee_msat
    return differing


def _find_cut(
    wish: Wish, present: ChannelPolicy, *, channel: ChannelState, differing: dict[str, int]
) -> tuple[str, str] | None:
    """(held_by, why) of the first field that is not to be written as it was wished."""
    for field in POLICY_FIELDS:
        wished = getattr(wish, field)
        if wished is not None and wished != (differing[field] if field in differing else getattr(present, field)):
            return _name_cut(field, wish, channel=channel)
    return None


def _name_cut(field: str, wish: Wish, *, channel: ChannelState) -> tuple[str, str]:
    if field == "disabled" and not channel.active:
        return "inactive", "the peer is away, and the switch is left to the node"
    if field == "disabled":
        return "switches_on", "the fee policy switches on no channel that is off (switches_on)"
    if field in {"min_htlc_msat", "max_htlc_msat"}:
        lowest, highest = channel.lowest_htlc_msat or 0, channel.highest_htlc_msat
        return "channel_bounds", f"the channel takes payments from {lowest} to {highest or 'any number of'} msat only"
    if field == "fee_rate_ppm" or abs(getattr(wish, field)) > MAX_PPM:
        return "highest_rate", f"no rate may be above {MAX_PPM} ppm"
    least_ppm = wish.min_change_ppm if wish.min_inbound_change_ppm is None else wish.min_inbound_change_ppm
    return "min_change_ppm", f"its rule writes no inbound change below {least_ppm} ppm"


@cache
def _hold_small(min_change_ppm: int) -> Settled:
    return Settled({}, "min_change_ppm", f"its rule writes no change below {min_change_ppm} ppm")


def _settle_inbound(wish: Wish, present: ChannelPolicy, *, outbound_ppm: int | None, differing: dict[str, int]) -> None:
    """`outbound_ppm`: the rate the channel moves to, None where it stays."""
    base_msat, inbound_ppm = wish.inbound_base_fee_msat, wish.inbound_fee_rate_ppm
    if wish.inbound_level_ppm is not None:
        inbound_ppm = min(0, wish.inbound_level_ppm - (present.fee_rate_ppm if outbound_ppm is None else outbound_ppm))
    is_new_base = base_msat is not None and base_msat != present.inbound_base_fee_msat
    if base_msat is not None and is_new_base:
        differing["inbound_base_fee_msat"] = base_msat
    if inbound_ppm is None or inbound_ppm == present.inbound_fee_rate_ppm:
        return
    least_ppm = wish.min_change_ppm if wish.min_inbound_change_ppm is None else wish.min_inbound_change_ppm
    if is_new_base or inbound_ppm == 0 or abs(present.inbound_fee_rate_ppm - inbound_ppm) >= least_ppm:
        differing["inbound_fee_rate_ppm"] = max(-MAX_PPM, min(inbound_ppm, MAX_PPM))


def _settle_limits(wish: Wish, present: ChannelPolicy, *, channel: ChannelState, differing: dict[str, int]) -> None:
    """A smallest payment above the largest is refused by any node: then both stay as they are."""
    if wish.time_lock_delta is not None and wish.time_lock_delta != present.time_lock_delta:
        differing["time_lock_delta"] = wish.time_lock_delta
    lowest_msat, highest_msat = wish.min_htlc_msat, wish.max_htlc_msat
    if lowest_msat is None and highest_msat is None:
        return
    lowest_msat = present.min_htlc_msat if lowest_msat is None else max(lowest_msat, channel.lowest_htlc_msat or 0)
    if highest_msat is None:
        highest_msat = present.max_htlc_msat
    elif channel.highest_htlc_msat is not None:
        highest_msat = min(highest_msat, channel.highest_htlc_msat)
    if lowest_msat > highest_msat:
        return
    if lowest_msat != present.min_htlc_msat:
        differing["min_htlc_msat"] = lowest_msat
    if highest_msat != present.max_htlc_msat:
        differing["max_htlc_msat"] = highest_msat


def narrow_wish(wish: Wish, settled: Settled) -> Wish:
    """The wish for what is to be written, and nothing else."""
    return replace(wish, **(dict.fromkeys(POLICY_FIELDS) | settled.wished))
