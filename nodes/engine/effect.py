"""What a change of the fee rate is expected to earn or cost, as an interval.

Source: within one real routing node the weekly volume of a channel was 0.62 +- 0.05 % lower for each 1 % its fee rate
was higher (1,923 channel-weeks of 90 channels); simulations on real graphs with uncertain senders give -0.5 to -0.9 for
the median node. That is an observation, not a cause: the operator raised fees after traffic. The interval takes -0.4 to
-1.2.
"""

from nodes.engine.report import ChannelPolicy
from nodes.engine.types import Effect, FlowTotals

ELASTICITY = -0.62
ELASTICITY_RANGE = (-0.4, -1.2)
EXTRAPOLATED_FACTOR = 2  # the simulated elasticities were taken between 0.75 and 1.5 times the fee
EXTRAPOLATED = f"extrapolated: the fee changes by more than a factor of {EXTRAPOLATED_FACTOR}"


def estimate_effect(flow: FlowTotals, present: ChannelPolicy, *, proposed: ChannelPolicy) -> Effect | None:
    """Change of fee income at constant elasticity e: revenue a day * ((new / old) ** (1 + e) - 1), in sat a day.

    None where nothing is known: less than a day of history, no revenue, a present fee rate of 0 (no ratio), or a
    changed inbound fee (its elasticity was never measured). All revenue is taken as proportional, base fees included;
    how much local balance is left to sell is not looked at.
    """
    has_data = flow.days_observed >= 1 and flow.revenue_7d_msat > 0 and present.fee_rate_ppm > 0
    if not has_data or _has_changed_inbound(present, proposed):
        return None
    revenue_sat_per_day = flow.revenue_7d_msat / 1000 / flow.days_observed
    ratio = proposed.fee_rate_ppm / present.fee_rate_ppm
    changes = [
        _change_revenue(revenue_sat_per_day, ratio, elasticity=elasticity)
        for elasticity in (ELASTICITY, *ELASTICITY_RANGE)
    ]
    return Effect(
        sat_per_day=changes[0],
        low_sat_per_day=min(changes),
        high_sat_per_day=max(changes),
        basis=_tell_basis(flow, present, proposed=proposed),
    )


def is_extrapolated(present: ChannelPolicy, proposed: ChannelPolicy) -> bool:
    """Whether the fee rate moves further than the elasticity was ever measured for."""
    old_ppm, new_ppm = present.fee_rate_ppm, proposed.fee_rate_ppm
    return new_ppm > old_ppm * EXTRAPOLATED_FACTOR or new_ppm * EXTRAPOLATED_FACTOR < old_ppm


def _change_revenue(revenue_sat_per_day: float, ratio: float, *, elasticity: float) -> float:
    """Cut to 0.001 sat, far above the last digits in which machines may differ. At 0 ppm no volume earns anything."""
    kept = ratio ** (1 + elasticity) if ratio > 0 else 0.0
    return round(revenue_sat_per_day * (kept - 1.0), 3) + 0.0


def _tell_basis(flow: FlowTotals, present: ChannelPolicy, *, proposed: ChannelPolicy) -> str:
    few, many = ELASTICITY_RANGE
    basis = (
        f"fees of the last {flow.days_observed:.2g} days ({flow.revenue_7d_msat // 1000} sat) and a volume that "
        f"changes by {ELASTICITY} % ({few} to {many}) for each 1 % of fee: observed on one node, not causal"
    )
    return f"{basis}; {EXTRAPOLATED}" if is_extrapolated(present, proposed) else basis


def _has_changed_inbound(present: ChannelPolicy, proposed: ChannelPolicy) -> bool:
    before = (present.inbound_fee_rate_ppm, present.inbound_base_fee_msat)
    return before != (proposed.inbound_fee_rate_ppm, proposed.inbound_base_fee_msat)
