"""What a change of a policy is expected to earn or cost, as an interval.

Source: within one real routing node the weekly volume of a channel was 0.62 +- 0.05 % lower for each 1 % its fee rate
was higher (1,923 channel-weeks of 90 channels); simulations on real graphs with uncertain senders give -0.5 to -0.9 for
the median node. That is an observation, not a cause: the operator raised fees after traffic. The interval takes -0.4 to
-1.2.
"""

from nodes.engine.report import MAX_PPM, ChannelPolicy
from nodes.engine.types import Effect, FlowTotals

ELASTICITY = -0.62
ELASTICITY_RANGE = (-0.4, -1.2)
EXTRAPOLATED_FACTOR = 2  # the simulated elasticities were taken between 0.75 and 1.5 times the fee
EXTRAPOLATED = f"extrapolated: the fee changes by more than a factor of {EXTRAPOLATED_FACTOR}"


def estimate_effect(flow: FlowTotals, present: ChannelPolicy, *, proposed: ChannelPolicy) -> Effect | None:
    """Change of fee income at constant elasticity e: revenue a day * (ratio ** (1 + e) - 1), in sat a day.

    `ratio` is `measure_ratio`. A channel that is switched off loses all its income. None where nothing is known: less
    than a day of history, no revenue, no ratio, a channel that is off or switched on (what it will earn nobody
    measured), a changed inbound fee (its elasticity was never measured), or other limits of payments alone. How much
    local balance is left to sell is not looked at.
    """
    if flow.days_observed < 1 or flow.revenue_7d_msat <= 0:
        return None
    revenue_sat_per_day = flow.revenue_7d_msat / 1000 / flow.days_observed
    if proposed.disabled and not present.disabled:
        lost = -round(revenue_sat_per_day, 3) + 0.0
        basis = f"{_tell_income(flow)}, all of which a channel that is off loses; what other channels take over is open"
        return Effect(sat_per_day=lost, low_sat_per_day=lost, high_sat_per_day=lost, basis=basis)
    ratio = None if _is_unmeasured(present, proposed) else measure_ratio(flow, present, proposed=proposed)
    if ratio is None:
        return None
    changes = [
        _change_revenue(revenue_sat_per_day, ratio, elasticity=elasticity)
        for elasticity in (ELASTICITY, *ELASTICITY_RANGE)
    ]
    return Effect(
        sat_per_day=changes[0],
        low_sat_per_day=min(changes),
        high_sat_per_day=max(changes),
        basis=_tell_basis(flow, is_far=is_far(ratio)),
    )


def measure_ratio(flow: FlowTotals, present: ChannelPolicy, *, proposed: ChannelPolicy) -> float | None:
    """What a payment of the channel's own mean size pays after, as a multiple of what it pays before.

    Mean size: of the payments that left in seven days. None where nothing was paid before, and where a base fee is
    asked but no payment tells a size.
    """
    is_by_size = present.base_fee_msat or proposed.base_fee_msat
    if is_by_size and not (flow.out_forwards_7d and flow.out_7d_msat):
        return None
    mean_msat = flow.out_7d_msat / flow.out_forwards_7d if is_by_size else float(MAX_PPM)
    before, after = (policy.base_fee_msat + mean_msat * policy.fee_rate_ppm / MAX_PPM for policy in (present, proposed))
    return after / before if before > 0 else None


def is_extrapolated(flow: FlowTotals, present: ChannelPolicy, *, proposed: ChannelPolicy) -> bool:
    """Whether the fee moves further than the elasticity was ever measured for."""
    ratio = measure_ratio(flow, present, proposed=proposed)
    return ratio is not None and proposed.disabled == present.disabled and is_far(ratio)


def is_far(ratio: float) -> bool:
    """Further than the elasticity was ever measured for."""
    return ratio > EXTRAPOLATED_FACTOR or ratio * EXTRAPOLATED_FACTOR < 1


def _change_revenue(revenue_sat_per_day: float, ratio: float, *, elasticity: float) -> float:
    """Cut to 0.001 sat, far above the last digits in which machines may differ. At 0 ppm no volume earns anything."""
    kept = ratio ** (1 + elasticity) if ratio > 0 else 0.0
    return round(revenue_sat_per_day * (kept - 1.0), 3) + 0.0


def _tell_income(flow: FlowTotals) -> str:
    return f"fees of the last {flow.days_observed:.2g} days ({flow.revenue_7d_msat // 1000} sat)"


def _tell_basis(flow: FlowTotals, *, is_far: bool) -> str:
    few, many = ELASTICITY_RANGE
    basis = (
        f"{_tell_income(flow)} and a volume that "
        f"changes by {ELASTICITY} % ({few} to {many}) for each 1 % of fee: observed on one node, not causal"
    )
    return f"{basis}; {EXTRAPOLATED}" if is_far else basis


def _is_unmeasured(present: ChannelPolicy, proposed: ChannelPolicy) -> bool:
    """A channel that is off or goes on, another inbound fee, or another policy whose outbound fees are the same."""
    inbound, outbound = (
        tuple(getattr(proposed, field) != getattr(present, field) for field in fields)
        for fields in (("inbound_fee_rate_ppm", "inbound_base_fee_msat"), ("fee_rate_ppm", "base_fee_msat"))
    )
    return any(inbound) or (proposed != present and (present.disabled or not any(outbound)))
