"""The lowest and highest fee. After the step: nothing outside them is ever written, however far away the fee began."""

from msgspec.structs import replace

from nodes.engine.guards.case import GuardCase, Guarded
from nodes.engine.report import ChannelPolicy


def bound_fee_rate(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """A rate the wish leaves as it is stays, wherever it lies: `ignore_fees` may write the other fields."""
    if policy.fee_rate_ppm == case.present.fee_rate_ppm:
        return None
    limits = case.limits
    return _bound(policy, "fee_rate_ppm", lowest=limits.min_fee_rate_ppm, highest=limits.max_fee_rate_ppm)


def bound_base_fee(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    if policy.base_fee_msat == case.present.base_fee_msat:
        return None
    limits = case.limits
    return _bound(policy, "base_fee_msat", lowest=limits.min_base_fee_msat, highest=limits.max_base_fee_msat)


def bound_inbound(policy: ChannelPolicy, case: GuardCase) -> Guarded | None:
    """LND refuses an inbound surcharge unless it was started to accept one; one that is there may stay."""
    if case.settings.allow_positive_inbound:
        return None
    rate = min(policy.inbound_fee_rate_ppm, max(0, case.present.inbound_fee_rate_ppm))
    base = min(policy.inbound_base_fee_msat, max(0, case.present.inbound_base_fee_msat))
    if rate == policy.inbound_fee_rate_ppm and base == policy.inbound_base_fee_msat:
        return None
    return Guarded(
        policy=replace(policy, inbound_fee_rate_ppm=rate, inbound_base_fee_msat=base),
        held_by="positive_inbound",
        why="an inbound fee is a discount: LND refuses one above 0 unless told otherwise",
    )


def _bound(policy: ChannelPolicy, field: str, *, lowest: int | None, highest: int | None) -> Guarded | None:
    wished: int = getattr(policy, field)
    name, unit = field, field.rsplit("_", 1)[1]
    if lowest is not None and wished < lowest:
        return Guarded(
            policy=replace(policy, **{field: lowest}), held_by=f"min_{name}", why=f"the lowest is {lowest} {unit}"
        )
    if highest is not None and wished > highest:
        return Guarded(
            policy=replace(policy, **{field: highest}), held_by=f"max_{name}", why=f"the highest is {highest} {unit}"
        )
    return None
