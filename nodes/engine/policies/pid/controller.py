"""feelancer's controllers: a PID with exponentially weighted history for each peer, a margin for the node.

Source: feelancer, `src/feelancer/pid/analytics.py` and `docs/concept.md`. Gains and decays are per day, except
`k_d`, which has no unit of time.
"""

import math

from msgspec import Struct

DAY_S = 86_400
FIRST_DT_S = 3_600  # a controller's first step has no time before it


class PidGains(Struct, frozen=True, kw_only=True):
    """ppm a day for an error of 1 (`k_t`: whatever the error); decays of 0 switch their term off."""

    k_t: float = 0.0
    k_p: float = 120.0
    k_i: float = 0.0
    k_d: float = 0.0
    alpha_i: float = 0.0
    alpha_d: float = 0.0


class PidState(Struct, frozen=True, kw_only=True):
    """`spread` in ppm; the error, its weighted integral and its weighted slope as of the last step."""

    spread: float
    error: float = 0.0
    integral: float = 0.0
    slope: float = 0.0


def step_pid(state: PidState, error: float, *, dt_s: float, gains: PidGains) -> PidState:
    """One step of `dt_s` > 0 seconds. With e' E' D' of the last step, b = (e - e') / dt and mean = (e + e') / 2:

    L = exp(-alpha_i dt), c = E' + b / alpha_i - e', E = e - b / alpha_i + L c,
    I = dt (mean - b / alpha_i) + (1 - L) c / alpha_i;
    M = exp(-alpha_d dt), D = b + M (D' - b), J = (e - e') + (1 - M)(D' - b) / alpha_d;
    spread += k_t dt + k_p mean dt + k_i I + k_d J.
    """
    mean = (error + state.error) / 2
    integral, gained = _integrate(state, error, dt_s=dt_s, alpha=gains.alpha_i / DAY_S)
    slope, moved = _differentiate(state, error, dt_s=dt_s, alpha=gains.alpha_d / DAY_S)
    days = dt_s / DAY_S
    step = gains.k_t * days + gains.k_p * mean * days + gains.k_i / DAY_S * gained + gains.k_d * moved
    return PidState(spread=state.spread + step, error=error, integral=integral, slope=slope)


def revert_margin(margin: float, *, mean: float, alpha: float, dt_s: float) -> float:
    """m += (k_m - m)(1 - exp(-alpha dt)), alpha per day."""
    return margin + (mean - margin) * (1 - math.exp(-alpha * dt_s / DAY_S))


def _integrate(state: PidState, error: float, *, dt_s: float, alpha: float) -> tuple[float, float]:
    """(E, I): the weighted mean of the error after the step, and its integral over the step."""
    if alpha == 0:
        return 0.0, 0.0
    lag = (error - state.error) / dt_s / alpha
    kept = math.exp(-alpha * dt_s)
    carried = state.integral + lag - state.error
    mean = (error + state.error) / 2
    return error - lag + kept * carried, dt_s * (mean - lag) + (1 - kept) * carried / alpha


def _differentiate(state: PidState, error: float, *, dt_s: float, alpha: float) -> tuple[float, float]:
    """(D, J): the weighted slope of the error after the step, and its integral over the step."""
    if alpha == 0:
        return 0.0, 0.0
    slope = (error - state.error) / dt_s
    kept = math.exp(-alpha * dt_s)
    carried = state.slope - slope
    return slope + kept * carried, (error - state.error) + (1 - kept) * carried / alpha
