"""lndmanage's rule: dearer while more flows out than wanted, cheaper while less does, never far at once.

Source: lndmanage, `lib/fee_setting.py`. It looks at all channels with a peer together, over seven days.
"""

from msgspec import Struct

TARGET_SAT_A_DAY = 100_000 / 7
TARGET_FORWARDS_A_DAY = 4 / 7
RESERVE_SAT = 500_000
MAX_FACTOR = 1.5
MIN_BASE_FACTOR = 0.75


class PeerDemand(Struct, frozen=True, kw_only=True):
    """What flowed out to a peer in `days`, and what is left on our side."""

    capacity_sat: int
    local_sat: int
    out_sat: int
    out_forwards: int = 0
    days: float = 7.0


def bound_demand(capacity_sat: int, local_sat: int, *, compare_full_reserve: bool = False) -> float:
    """The lowest factor: 1.05 for an empty side, 1 where the reserve R is just held, down to 0.5 for a full one.

    R = 500,000 sat, or a third of the capacity where that is more than its half. Below R: 1 + 0.05 (R - local) / R;
    else 1 - 0.5 (local - R) / (capacity - R). lndmanage itself compares the balance with the full 500,000 sat even
    then, which `compare_full_reserve` repeats: small channels with a large balance hardly get cheaper.
    """
    reserve_sat = RESERVE_SAT if capacity_sat // 2 >= RESERVE_SAT else max(1, capacity_sat // 3)
    threshold_sat = RESERVE_SAT if compare_full_reserve else reserve_sat
    if local_sat < threshold_sat:
        return 1 + 0.05 * (reserve_sat - local_sat) / reserve_sat
    return 1 - 0.5 * (local_sat - reserve_sat) / max(1, capacity_sat - reserve_sat)


def scale_rate(demand: PeerDemand, *, compare_full_reserve: bool = False) -> float:
    """On the mean fee rate: 1 + 0.5 (r / r_t - 1) with r_t = 100,000 sat in 7 days, from the bound to 1.5."""
    pull = 1 + 0.5 * (demand.out_sat / demand.days / TARGET_SAT_A_DAY - 1)
    lowest = bound_demand(demand.capacity_sat, demand.local_sat, compare_full_reserve=compare_full_reserve)
    return max(lowest, min(pull, MAX_FACTOR))


def scale_base_fee(demand: PeerDemand) -> float:
    """The factor on the base fee: 1 + 0.5 (n / n_t - 1) with n_t = 4 forwards in 7 days, 0.75 .. 1.5."""
    pull = 1 + 0.5 * (demand.out_forwards / demand.days / TARGET_FORWARDS_A_DAY - 1)
    return max(MIN_BASE_FACTOR, min(pull, MAX_FACTOR))
