"""Whether what a strategy wishes differs enough from the present policy to be written.

Source: charge-lnd's change rule. The outbound rate has to move by `min_change_ppm`; a smaller move goes along when
something else is written. A smaller move of the inbound rate is never written, unless it ends at 0 or its base fee
moves too. Any other field counts as soon as it differs. Payments' limits stay within those of the channel itself.
"""

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.report import MAX_PPM, ChannelPolicy, ChannelState
from nodes.engine.wish import POLICY_FIELDS, Wish


class Settled(Struct, frozen=True):
    """`wished`: by field what is to be written, empty for nothing. `held_by`: the rule that kept a smaller change."""

    wished: dict[str, int]
    held_by: str | None = None
    why: str | None = None


NOTHING = Settled({})


def settle_wish(wish: Wish, present: ChannelPolicy, *, channel: ChannelState, switches_on: bool = False) -> Settled:
    """What of the wish differs from the present policy, if it is worth writing at all.

    `switches_on`: a channel that is off is switched on where the wish says so.
    """
    wished = _name_fields(wish, channel)
    if not channel.active or (wish.disabled is False and not switches_on):
        wished.pop("disabled", None)
    fee_rate_ppm, min_change_ppm = wish.fee_rate_ppm, wish.min_change_ppm
    moved_ppm = 0 if fee_rate_ppm is None else abs(fee_rate_ppm - present.fee_rate_ppm)
    is_worth = moved_ppm > 0 and moved_ppm >= min_change_ppm
    if wish.inbound_level_ppm is not None:
        outbound_ppm = fee_rate_ppm if is_worth and fee_rate_ppm is not None else present.fee_rate_ppm
        wished["inbound_fee_rate_ppm"] = max(-MAX_PPM, min(0, wish.inbound_level_ppm - outbound_ppm))
    if _holds_inbound(wish, present, wished=wished):
        del wished["inbound_fee_rate_ppm"]
    if not _fit_together(wished, present):
        wished.pop("min_htlc_msat", None)
        wished.pop("max_htlc_msat", None)
    differing = {name: value for name, value in wished.items() if value != getattr(present, name)}
    if not differing:
        return NOTHING
    if not is_worth and list(differing) == ["fee_rate_ppm"]:
        return Settled(
            {},
            "min_change_ppm",
            f"its rule writes no change below {min_change_ppm} ppm",
        )
    return Settled(differing)


def narrow_wish(wish: Wish, settled: Settled) -> Wish:
    """The wish for what is to be written, and nothing else."""
    return replace(wish, **(dict.fromkeys(POLICY_FIELDS) | settled.wished))


def _fit_together(wished: dict[str, int], present: ChannelPolicy) -> bool:
    """A smallest payment above the largest is refused by any node."""
    lowest = wished.get("min_htlc_msat", present.min_htlc_msat)
    return lowest <= wished.get("max_htlc_msat", present.max_htlc_msat)


def _name_fields(wish: Wish, channel: ChannelState) -> dict[str, int]:
    wished = {name: value for name in POLICY_FIELDS if (value := getattr(wish, name)) is not None}
    if "fee_rate_ppm" in wished:
        wished["fee_rate_ppm"] = min(wished["fee_rate_ppm"], MAX_PPM)  # a peer may announce more than that
    if "inbound_fee_rate_ppm" in wished:
        wished["inbound_fee_rate_ppm"] = max(-MAX_PPM, min(wished["inbound_fee_rate_ppm"], MAX_PPM))
    if "min_htlc_msat" in wished and channel.lowest_htlc_msat is not None:
        wished["min_htlc_msat"] = max(wished["min_htlc_msat"], channel.lowest_htlc_msat)
    if "max_htlc_msat" in wished and channel.highest_htlc_msat is not None:
        wished["max_htlc_msat"] = min(wished["max_htlc_msat"], channel.highest_htlc_msat)
    return wished


def _holds_inbound(wish: Wish, present: ChannelPolicy, *, wished: dict[str, int]) -> bool:
    inbound_ppm = wished.get("inbound_fee_rate_ppm")
    if not inbound_ppm:
        return False
    base_msat = wished.get("inbound_base_fee_msat")
    if base_msat is not None and base_msat != present.inbound_base_fee_msat:
        return False
    least_ppm = wish.min_change_ppm if wish.min_inbound_change_ppm is None else wish.min_inbound_change_ppm
    return abs(present.inbound_fee_rate_ppm - inbound_ppm) < least_ppm
