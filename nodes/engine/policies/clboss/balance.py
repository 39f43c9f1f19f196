"""CLBOSS's balance modder: the fuller our side of a peer, the cheaper, in steps that do not flutter.

Source: CLBOSS, `Boss/Mod/FeeModderByBalance.cpp`. It looks at the first normal channel of a peer only; here all our
channels with the peer are one.
"""

import math

SAT_A_BIN = 200_000
MIN_BINS, MAX_BINS = 4, 50
STEEPNESS = math.log(50)


def count_bins(capacity_sat: int) -> int:
    """clip(round(capacity / 200,000 sat), 4, 50), half up as C++ rounds."""
    return min(max(int(capacity_sat / SAT_A_BIN + 0.5), MIN_BINS), MAX_BINS)


def find_bin(local_sat: int, capacity_sat: int) -> int:
    """Which part of the capacity the balance reaches into: 0 (empty) .. bins - 1 (full)."""
    bins = count_bins(capacity_sat)
    return min(int(_place(local_sat, capacity_sat)), bins - 1)


def move_bin(present: int, local_sat: int, *, capacity_sat: int, draw: float) -> int:
    """The bin after the balance moved. With x = local / capacity * bins and t = floor(x):

    t below the present bin: t with the probability 1 - (x - t), else t + 1; t above it: t with the probability x - t,
    else t - 1; t itself: no move. `draw`: 0 <= draw < 1, uniform.
    """
    target = find_bin(local_sat, capacity_sat)
    depth = min(_place(local_sat, capacity_sat) - target, 1.0)
    if target < present:
        return target if draw < 1 - depth else target + 1
    if target > present:
        return target if draw < depth else target - 1
    return present


def multiply_balance(balance_bin: int, capacity_sat: int) -> float:
    """exp(ln 50 * (0.5 - (2 bin + 1) / (2 bins))): up to 7.07 for an empty side, down to 0.14 for a full one."""
    bins = count_bins(capacity_sat)
    return math.exp(STEEPNESS * (0.5 - (2 * balance_bin + 1) / (2 * bins)))


def _place(local_sat: int, capacity_sat: int) -> float:
    return local_sat / capacity_sat * count_bins(capacity_sat)
