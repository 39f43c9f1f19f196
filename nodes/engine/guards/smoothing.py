"""Only a share of the way at a time."""

import math

from msgspec.structs import replace

from nodes.engine.guards.case import GuardCase, Guarded
from nodes.engine.report import ChannelPolicy


def smooth_rates(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """An exponential moving average of the wishes, the present fee being its state.

    new = present + share * (wish - present), rounded towards the wish, and no step shorter than the least change
    that is written: so the fee gets there.
    """
    share = case.limits.smoothing
    if share is None:
        return None
    present, least = case.present, case.least_change_ppm
    smoothed = replace(
        policy,
        fee_rate_ppm=_move(present.fee_rate_ppm, policy.fee_rate_ppm, share=share, least=least),
        inbound_fee_rate_ppm=_move(present.inbound_fee_rate_ppm, policy.inbound_fee_rate_ppm, share=share, least=least),
    )
    if smoothed == policy:
        return None
    return Guarded(policy=smoothed, held_by="smoothing", why=f"it goes {share:.0%} of the way at a time")


def _move(present_ppm: int, wished_ppm: int, *, share: float, least: int) -> int:
    way = abs(wished_ppm - present_ppm)
    step = max(min(way, math.ceil(way * share)), min(way, least))
    return present_ppm + step if wished_ppm > present_ppm else present_ppm - step
