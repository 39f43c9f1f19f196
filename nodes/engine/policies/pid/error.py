"""How far a peer's balance is from where it should be.

Source: feelancer, `src/feelancer/pid/aggregator.py` and `analytics.py`.
"""

from collections.abc import Sequence

from msgspec import Struct

MILLION = 1_000_000


class ErrorScale(Struct, frozen=True, kw_only=True):
    """The error at both ends. Ratios in millionths of the peer's liquidity that lies on its side."""

    error_max: float = 0.5
    error_min: float = -0.5
    ratio_max: int = MILLION
    ratio_min: int = 0


class PeerLiquidity(Struct, frozen=True, kw_only=True):
    """All our channels with a peer. Pending HTLCs are taken as failed. `target`: None where nobody set one."""

    remote_sat: int
    local_sat: int
    target: float | None = None  # millionths

    @property
    def total_sat(self) -> int:
        return self.remote_sat + self.local_sat


def measure_error(liquidity: PeerLiquidity, target: float, *, scale: ErrorScale) -> float:
    """0 at the target, linear to `error_max` at `ratio_max` and to `error_min` at `ratio_min`; 0 without liquidity."""
    if liquidity.total_sat == 0:
        return 0.0
    ratio = MILLION * liquidity.remote_sat / liquidity.total_sat
    if ratio >= scale.ratio_max:
        return scale.error_max
    if ratio <= scale.ratio_min:
        return scale.error_min
    if ratio >= target:
        return scale.error_max * (ratio - target) / (scale.ratio_max - target)
    return -scale.error_min * (ratio - target) / (target - scale.ratio_min)


def solve_target(peers: Sequence[PeerLiquidity]) -> float | None:
    """The target of the peers without one: sum(liquidity * target) = sum(remote). None where they hold nothing."""
    free = [peer for peer in peers if peer.target is None]
    liquidity_sat = sum(peer.total_sat for peer in free)
    if liquidity_sat == 0:
        return None
    return MILLION * sum(peer.remote_sat for peer in free) / liquidity_sat
