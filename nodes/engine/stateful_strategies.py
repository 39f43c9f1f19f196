"""The strategies that remember: CLBOSS, feelancer, lndmanage, brln, fee_adjuster, the daily rule, and our own.

Types only, with the defaults of the originals: `policies` has the wishes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mcp_saas.kit.text import Pubkey, spelled
from nodes.engine.report import MAX_PPM, BaseFeeMsat, FeeRatePpm, InboundFeeRatePpm, Sat, Seconds, TimeLockDelta

Gain = Annotated[float, Meta(ge=-MAX_PPM, le=MAX_PPM)]
Decay = Annotated[float, Meta(ge=0, le=86_400)]  # a day
Share = Annotated[float, Meta(ge=0, le=1)]
Ppm = Annotated[float, Meta(ge=-MAX_PPM, le=MAX_PPM)]
Factor = Annotated[float, Meta(ge=0, le=100)]
Error = Annotated[float, Meta(ge=-1, le=1)]
Pin = Annotated[
    str, spelled(r"dynamic|0[23][0-9a-f]{64}", "dynamic, or 66 lower-case hex digits, starting with 02 or 03")
]
Rounds = Annotated[int, Meta(ge=1, le=10_000)]


def _check_order(low: float, high: float, *, names: str) -> None:
    if low > high:
        lower, upper = names.split()
        raise ValueError(f"{lower}: must not be above {upper} {high}")


class ClbossStrategy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="clboss"):
    """CLBOSS: what others charge towards the peer, times our balance, our size and a price that is tried out."""

    by_balance: bool = True
    by_size: bool = True
    by_price_theory: bool = True
    zero_base: Literal["allow", "require", "disallow"] = "allow"


class PidStrategy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="pid"):
    """feelancer: a PID controller a peer on its balance, and a margin for the node. Gains and decays are per day."""

    k_t: Gain = 0.0
    k_p: Gain = 120.0
    k_i: Gain = 0.0
    k_d: Gain = 0.0  # without a unit of time
    alpha_i: Decay = 0.0
    alpha_d: Decay = 0.0
    error_max: Error = 0.5
    error_min: Error = -0.5
    ratio_max: Share = 1.0
    ratio_min: Share = 0.0
    targets: Annotated[dict[Pubkey, Share], Meta(max_length=20_000)] = {}  # of the liquidity, on the peer's side
    margin_mean_ppm: Ppm = 0.0
    margin_alpha: Decay = 0.0
    idio_const_ppm: Ppm = 0.0
    idio_percent: Annotated[float, Meta(ge=-90, le=1_000)] = 0.0
    idio_min_ppm: Ppm = 0.0
    idio_max_ppm: Ppm = float(MAX_PPM)
    set_inbound: bool = False
    new_local_ppm: Ppm = 21_000.0
    new_remote_ppm: Ppm = 0.0
    max_age_spread_hours: Annotated[float, Meta(ge=0, le=100_000)] = 168.0
    pin_peer: Pin | None = None
    pin_method: Literal["fee_rate", "spread"] = "fee_rate"
    pin_value_ppm: Ppm = 0.0
    level_gain: Annotated[float, Meta(ge=-100, le=100)] = 0.0
    level_target_ppm: Ppm = 0.0
    level_max_deviation_ppm: Annotated[float, Meta(ge=0, le=MAX_PPM)] = 100.0
    min_fee_rate_ppm: FeeRatePpm = 0  # from here on: the update gate
    max_fee_rate_ppm: FeeRatePpm = 2_500
    min_inbound_fee_rate_ppm: InboundFeeRatePpm = -2_500
    max_inbound_fee_rate_ppm: InboundFeeRatePpm = 0
    min_up_ppm: FeeRatePpm = 10
    min_down_ppm: FeeRatePpm = 10
    min_inbound_up_ppm: FeeRatePpm = 10
    min_inbound_down_ppm: FeeRatePpm = 10
    update_interval_s: Seconds = 86_400

    def __post_init__(self) -> None:
        _check_order(self.min_fee_rate_ppm, self.max_fee_rate_ppm, names="min_fee_rate_ppm max_fee_rate_ppm")
        _check_order(
            self.min_inbound_fee_rate_ppm,
            self.max_inbound_fee_rate_ppm,
            names="min_inbound_fee_rate_ppm max_inbound_fee_rate_ppm",
        )
        _check_order(self.error_min, self.error_max, names="error_min error_max")
        _check_order(self.idio_min_ppm, self.idio_max_ppm, names="idio_min_ppm idio_max_ppm")
        if self.ratio_min >= self.ratio_max:
            raise ValueError(f"ratio_min: must be below ratio_max {self.ratio_max}")


class LndmanageStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="lndmanage"
):
    """lndmanage: dearer while more flows out to a peer than wanted, cheaper while less does."""

    min_fee_rate_ppm: FeeRatePpm = 5
    max_fee_rate_ppm: FeeRatePpm = 5_000
    max_base_fee_msat: BaseFeeMsat = 5_000
    set_base_fee: bool = True
    time_lock_delta: TimeLockDelta | None = 40
    initialise: bool = False  # once a peer: the first price of lndmanage, whatever the fee
    first_fee_rate_ppm: FeeRatePpm = 2_500
    first_base_fee_msat: BaseFeeMsat = 0
    compare_full_reserve: bool = False  # as lndmanage does: its small channels hardly get cheaper
    update_interval_s: Seconds = 7 * 86_400  # a rule of factors must not multiply at every look

    def __post_init__(self) -> None:
        _check_order(self.min_fee_rate_ppm, self.max_fee_rate_ppm, names="min_fee_rate_ppm max_fee_rate_ppm")


class BrlnStrategy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="brln"):
    """brln-autofee-pro: what others charge towards the peer, moved by how short and how successful a channel is."""

    min_fee_rate_ppm: FeeRatePpm = 100
    max_fee_rate_ppm: FeeRatePpm = 1_500
    seed_add_ppm: Ppm = 25.0
    seed_quantile: Share = 0.65
    seed_max_ppm: FeeRatePpm = 2_000
    seed_max_rise: Share = 0.5  # a day
    seed_smoothing: Annotated[float, Meta(gt=0, le=1)] = 0.2
    low_share: Share = 0.1  # of the balance that is ours
    low_rounds: Rounds = 3
    low_rise: Share = 0.05  # a round
    low_max_rise: Share = 0.2
    surge_max_rise: Share = 0.3
    top_rise: Share = 0.1
    negative_margin_rise: Share = 0.05
    cost_ppm: FeeRatePpm | None = None  # what rebalancing costs; null: not known, so there is no floor by it
    cost_floor: Factor = 1.15
    earned_floor: Factor = 0.85  # of the rate at which it really sold
    min_step_ppm: FeeRatePpm = 5
    min_change_ppm: FeeRatePpm = 15
    min_change_share: Share = 0.04
    up_interval_s: Seconds = 3 * 3_600
    down_interval_s: Seconds = 5 * 3_600
    breaker_share: Share = 0.7  # of the payments before a raise
    breaker_cut: Share = 0.1
    spread_rounds: Annotated[int, Meta(ge=1, le=24)] = 3  # a third of the channels an hour

    def __post_init__(self) -> None:
        _check_order(self.min_fee_rate_ppm, self.max_fee_rate_ppm, names="min_fee_rate_ppm max_fee_rate_ppm")


class FeeAdjusterStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="fee_adjuster"
):
    """fee_adjuster.py: what others charge towards the peer, adjusted by hand, by trend and by group."""

    adjustment: Annotated[float, Meta(ge=-1, le=10)] = 0.0
    trend_sensitivity: Annotated[float, Meta(ge=0, le=10)] = 1.0
    group_adjustments: Annotated[dict[str, Annotated[float, Meta(ge=-1, le=10)]], Meta(max_length=200)] = {}  # by tag
    min_fee_rate_ppm: FeeRatePpm = 0
    max_fee_rate_ppm: FeeRatePpm = 2_500

    def __post_init__(self) -> None:
        _check_order(self.min_fee_rate_ppm, self.max_fee_rate_ppm, names="min_fee_rate_ppm max_fee_rate_ppm")


class DailyStrategy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="daily"):
    """lightdash's daily rule: a little dearer after a payment, a little cheaper without one."""

    min_fee_rate_ppm: FeeRatePpm = 1
    max_fee_rate_ppm: FeeRatePpm = 5_000
    base_fee_msat: BaseFeeMsat = 1_000
    low_local_sat: Sat = 50_000
    min_availability: Share | None = 0.8  # null: a peer that is away is not disabled
    update_interval_s: Seconds = 86_400

    def __post_init__(self) -> None:
        _check_order(self.min_fee_rate_ppm, self.max_fee_rate_ppm, names="min_fee_rate_ppm max_fee_rate_ppm")


class MarginalStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="marginal"
):
    """Our own: the price that is expected to earn most, learned a channel from what was sold at which price."""

    min_fee_rate_ppm: FeeRatePpm = 5
    max_fee_rate_ppm: FeeRatePpm = 5_000
    market_factor: Annotated[float, Meta(gt=0, le=100)] = 0.7  # times what others charge: expected to halve the demand
    depletion_weight: Factor = 0.25  # of what the node earns, a sat sold from an empty channel costs
    half_life_days: Annotated[float, Meta(ge=1, le=365)] = 20.0  # of what was learned
    max_raise: Annotated[float, Meta(ge=1.1, le=10)] = 2.0  # times the present price, a run
    max_cut: Annotated[float, Meta(ge=1.1, le=10)] = 1.5
    update_interval_s: Seconds = 82_800  # a daily run may come an hour early

    def __post_init__(self) -> None:
        _check_order(self.min_fee_rate_ppm, self.max_fee_rate_ppm, names="min_fee_rate_ppm max_fee_rate_ppm")


StatefulStrategy = (
    ClbossStrategy
    | PidStrategy
    | LndmanageStrategy
    | BrlnStrategy
    | FeeAdjusterStrategy
    | DailyStrategy
    | MarginalStrategy
)
