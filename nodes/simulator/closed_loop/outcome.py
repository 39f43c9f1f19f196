"""What one run earned, spent and saw. Only what really moved is counted: never a fee charged or predicted."""

from msgspec import Struct

ONCHAIN_SAT_PER_CHANNEL_DAY = 1.2  # a real node of 85 channels: 36,782 sat of on-chain fees in 365 days
DEPLETED_SHARE = 0.05


class Day(Struct, frozen=True, kw_only=True):
    """Amounts in msat; shares 0..1. `tried`: payments of the demand; `passed`: those that arrived, by any way."""

    earned_msat: int
    rebalance_msat: int
    forwarded_msat: int
    settled: int
    failed: int  # at our node's outgoing channel, or beyond it
    local_failed: int
    tried: int
    passed: int
    changes: int
    depleted_share: float  # of our channels, at the end of the day: less than 5 % is ours
    local_share: float  # of all our channels together


class ChannelOutcome(Struct, frozen=True, kw_only=True):
    earned_msat: int
    forwarded_msat: int
    local_share: float
    fee_rate_ppm: int | None


class Outcome(Struct, frozen=True, kw_only=True):
    """One policy on one node and seed. `amounts_sat` and `effective_ppm` are those of the settled forwards."""

    policy: str
    pubkey: str
    seed: int
    competitors: str
    days: list[Day]
    channels: dict[str, ChannelOutcome]
    amounts_sat: list[int]
    effective_ppm: list[int]
    cpu_s: float = 0.0

    @property
    def net_sat_per_day(self) -> float:
        """Fees earned, less what rebalancing cost, less the node's share of on-chain fees."""
        earned = sum(day.earned_msat - day.rebalance_msat for day in self.days)
        return earned / 1000 / max(1, len(self.days)) - ONCHAIN_SAT_PER_CHANNEL_DAY * len(self.channels)
