"""The strategies a rule of the fee policy can name, with their parameters. Types only: `policies` has the wishes."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from nodes.engine.report import ConfirmationTarget, FeeRatePpm, Seconds


def check_fee_range(min_fee_rate_ppm: int | None, max_fee_rate_ppm: int | None) -> None:
    """Raises ValueError for a lowest rate above the highest."""
    if min_fee_rate_ppm is not None and max_fee_rate_ppm is not None and min_fee_rate_ppm > max_fee_rate_ppm:
        raise ValueError(f"min_fee_rate_ppm: must not be above max_fee_rate_ppm {max_fee_rate_ppm}")


class StaticStrategy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="static"):
    """charge-lnd's `static`: the values of the rule. What is not given stays as it is."""


class ProportionalStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="proportional"
):
    """charge-lnd's `proportional`: cheap where we have much to sell, dear where little is left.

    A parameter that is null is taken from the values collected on the way.
    """

    min_fee_rate_ppm: FeeRatePpm | None = None
    max_fee_rate_ppm: FeeRatePpm | None = None
    sum_peer_channels: bool | None = None  # the balance of all active channels with the peer together

    def __post_init__(self) -> None:
        check_fee_range(self.min_fee_rate_ppm, self.max_fee_rate_ppm)


class MatchPeerStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="match_peer"
):
    """charge-lnd's `match_peer`: what the peer charges us, each field unless the values name it."""


class CostStrategy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="cost"):
    """charge-lnd's `cost`: a channel sold once pays its opening `cost_factor` times; 1 ppm where we paid nothing."""

    cost_factor: Annotated[float, Meta(ge=0, le=1e6)] | None = None  # null: from the values, else 1


class OnchainFeeStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="onchain_fee"
):
    """charge-lnd's `onchain_fee`: as dear as sending `onchain_fee_btc` in a transaction of 223 vbytes."""

    onchain_fee_btc: Annotated[float, Meta(gt=0, le=21_000_000)] | None = None  # null: from the values, else 0.1
    conf_target: ConfirmationTarget | None = None  # null: from the values, else 6


class IgnoreStrategy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="ignore"):
    """charge-lnd's `ignore`: leaves the channel alone."""

    unmatched: bool = False  # the channel counts as one no rule matches; in a nested configuration: none of its rules


class IgnoreFeesStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="ignore_fees"
):
    """charge-lnd's `ignore_fees`: sets the limits of payments and the time lock, and no fee."""


class DisableStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="disable"
):
    """charge-lnd's `disable`: switches an active channel off for payments that would leave by it.

    A rule with another of charge-lnd's strategies (`ignore` excepted) switches it on again.
    """


class FlowStrategy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="flow"):
    """LNDg's autofees: small steps from the present fee, by what flowed."""

    increment_ppm: Annotated[int, Meta(ge=1, le=1000)] = 5
    multiplier: Annotated[int, Meta(ge=1, le=100)] = 5
    failed_htlcs: Annotated[int, Meta(ge=0, le=100_000)] = 25
    low_liquidity_percent: Annotated[int, Meta(ge=0, le=100)] = 15
    excess_liquidity_percent: Annotated[int, Meta(ge=0, le=100)] = 95
    min_fee_rate_ppm: FeeRatePpm = 0
    max_fee_rate_ppm: FeeRatePpm = 2_500
    inbound_max_cost_percent: Annotated[int, Meta(ge=0, le=100)] = 65
    set_inbound: bool = False
    update_interval_s: Seconds = 86_400  # LNDg's AF-UpdateHours: a rule of steps must not step at every look

    def __post_init__(self) -> None:
        check_fee_range(self.min_fee_rate_ppm, self.max_fee_rate_ppm)
        if self.low_liquidity_percent >= self.excess_liquidity_percent:
            raise ValueError("low_liquidity_percent: must be below excess_liquidity_percent")


PlainStrategy = (
    StaticStrategy
    | ProportionalStrategy
    | MatchPeerStrategy
    | CostStrategy
    | OnchainFeeStrategy
    | IgnoreStrategy
    | IgnoreFeesStrategy
    | DisableStrategy
    | FlowStrategy
)
