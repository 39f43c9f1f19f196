"""What Sparkseer tells: where a node stands in the network, and what it would do with the node the key belongs to.

Ranks count from the best; a gain is how many places a new channel would win. Base fees are in msat, as announced.
"""

from msgspec import Struct, field

from mcp_saas.kit.text import Pubkey
from nodes.sources.provider.amount import (
    Count,
    MsatMean,
    Percentile,
    Plain,
    Ppm,
    PpmMean,
    Rank,
    RankGain,
    Sat,
    SatMean,
)


class NetworkView(Struct, frozen=True, kw_only=True):
    """A node as the network sees it. Response times, score and effective balances are in Sparkseer's own units."""

    pubkey: Pubkey
    alias: Plain | None = None
    capacity_sat: Sat | None = field(name="total_capacity", default=None)
    channel_count: Count | None = field(name="num_channels", default=None)
    mean_channel_sat: SatMean | None = field(name="mean_channel_capacity", default=None)
    median_channel_sat: SatMean | None = field(name="median_channel_capacity", default=None)
    mean_outbound_base_fee_msat: MsatMean | None = field(name="mean_outbound_base_fee", default=None)
    median_outbound_base_fee_msat: MsatMean | None = field(name="median_outbound_base_fee", default=None)
    mean_outbound_fee_rate_ppm: PpmMean | None = field(name="mean_outbound_fee_rate", default=None)
    median_outbound_fee_rate_ppm: PpmMean | None = field(name="median_outbound_fee_rate", default=None)
    mean_inbound_base_fee_msat: MsatMean | None = field(name="mean_inbound_base_fee", default=None)
    median_inbound_base_fee_msat: MsatMean | None = field(name="median_inbound_base_fee", default=None)
    mean_inbound_fee_rate_ppm: PpmMean | None = field(name="mean_inbound_fee_rate", default=None)
    median_inbound_fee_rate_ppm: PpmMean | None = field(name="median_inbound_fee_rate", default=None)
    betweenness_rank: Rank | None = None
    closeness_rank: Rank | None = None
    eigenvector_rank: Rank | None = None
    weighted_betweenness_rank: Rank | None = None
    weighted_closeness_rank: Rank | None = None
    weighted_eigenvector_rank: Rank | None = None
    htlc_response_time_mean: float | None = None
    htlc_response_time_median: float | None = None
    liquidity_flexibility_score: float | None = None
    effective_outbound_balance: float | None = None
    effective_inbound_balance: float | None = None


class SuggestedFee(Struct, frozen=True, kw_only=True):
    """Towards one peer: `passive` waits for payments, `active` pays for rebalancing."""

    pubkey: Pubkey
    passive_fee_rate_ppm: Ppm | None = field(name="passive_fee_rate", default=None)
    active_fee_rate_ppm: Ppm | None = field(name="active_fee_rate", default=None)


class SuggestedChannel(Struct, frozen=True, kw_only=True):
    """A node to open a channel to."""

    pubkey: Pubkey
    gain_in_betweenness_rank: RankGain | None = None
    gain_in_closeness_rank: RankGain | None = None
    gain_in_eigenvector_rank: RankGain | None = None
    minimum_viable_capacity_sat: Sat | None = field(name="minimum_viable_capacity", default=None)
    ideal_capacity_sat: Sat | None = field(name="ideal_capacity", default=None)
    passive_fee_ppm: Ppm | None = None
    active_fee_ppm: Ppm | None = None


class LiquidityValue(Struct, frozen=True, kw_only=True):
    """What liquidity towards one peer is worth: where our price stands among all prices for it."""

    pubkey: Pubkey
    current_outbound_fee_ppm: Ppm | None = None
    passive_strategy_ppm_percentile: Percentile | None = None
    active_strategy_ppm_percentile: Percentile | None = None
