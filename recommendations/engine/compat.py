"""What we advise in the words of the older box software (dazbrel): four actions, percent a year, parameters."""

from __future__ import annotations

from typing import Literal

from nodes.engine.short_channel_id import channel_id_from_scid
from recommendations.engine.advice import Advice, Kind
from recommendations.engine.params import Closing, FeeChange, Opening, Rebalance
from recommendations.engine.ranking import DEFAULT_DAYS

ActionType = Literal["OpenChannel", "CloseChannel", "AdjustFees", "RebalanceChannel"]
ACTION_TYPES: dict[Kind, ActionType] = {
    Kind.OPEN_CHANNEL: "OpenChannel",
    Kind.CLOSE_CHANNEL: "CloseChannel",
    Kind.FEE_ADJUSTMENT: "AdjustFees",
    Kind.REBALANCE: "RebalanceChannel",
}
Parameters = dict[str, int | str | bool | None]


def measure_roi(advice: Advice, capacity_sat: int | None) -> float | None:
    """Percent of the capacity concerned that following the advice once brings within a year, its cost paid:

    100 * (mean * min(lasts_days, 365) - cost_sat) / capacity_sat;  365 days where it lasts.  None: one is not known.
    """
    estimate = advice.estimated_impact
    if estimate.mean is None or advice.cost_sat is None or not capacity_sat:
        return None
    days = min(estimate.lasts_days or DEFAULT_DAYS, DEFAULT_DAYS)
    return round(100 * (estimate.mean * days - advice.cost_sat) / capacity_sat, 4)


def list_parameters(advice: Advice) -> Parameters:
    """`channel_id` as LND numbers channels, in text. Amounts in sat, fee rates in ppm."""
    found = _list_own(advice)
    return found | {"command": advice.command, "action_id": str(advice.action_id) if advice.action_id else None}


def _list_own(advice: Advice) -> Parameters:
    match advice.params:
        case FeeChange() as params:
            scid = params.channel.short_channel_id
            return _name(scid) | {
                "new_fee_rate": params.new_ppm,
                "old_fee_rate": params.old_ppm,
                "new_base_fee_msat": params.new_base_msat,
                "old_base_fee_msat": params.old_base_msat,
            }
        case Rebalance() as params:
            source, target = params.source.short_channel_id, params.target.short_channel_id
            return (
                _name(source, prefix="from_")
                | _name(target, prefix="to_")
                | {
                    "amount": params.amount_sat,
                    "max_fee": params.max_cost_sat,
                }
            )
        case Opening() as params:
            return {"peer_pubkey": params.pubkey, "amount": params.ideal_sat, "min_amount": params.min_sat}
        case Closing() as params:
            return _name(params.channel.short_channel_id) | {"force": False}
    return {}


def _name(scid: str, *, prefix: str = "") -> Parameters:
    return {f"{prefix}channel_id": str(channel_id_from_scid(scid)), f"{prefix}short_channel_id": scid}
