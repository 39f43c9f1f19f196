"""Simple exponential smoothing by statsmodels: the one door to that library.

It takes a second and 100 MB to load, so whoever needs a forecast imports this module where it makes one, in a worker.
"""

from collections.abc import Sequence

import numpy as np
from statsmodels.tsa.holtwinters import SimpleExpSmoothing

from nodes.engine.error_bounds import MIN_DAYS
from nodes.engine.forecast import HORIZONS

WEIGHTS = (0.02, 0.05, 0.1, 0.2, 0.4)  # of the newest day; the usual range, few enough to try them all


def smooth_days(days_msat: Sequence[int]) -> list[float]:
    """The mean of each of the next 30 days: the level after the last one. It begins with the mean of the first two
    weeks; the weight is the one that would have erred least (squared, a day ahead).

    ETS(A,N,N) of Hyndman et al., Forecasting with Exponential Smoothing (2008), chapter 2. A few weights are tried:
    a search for the best would fit the model many times more.
    """
    series = np.asarray(days_msat, dtype=np.float64)
    scale = float(np.abs(series).max())
    if scale == 0.0:
        return [0.0] * max(HORIZONS)
    series /= scale
    first = float(series[:MIN_DAYS].mean())
    model = SimpleExpSmoothing(series, initialization_method="known", initial_level=first)
    with np.errstate(divide="ignore"):  # of the log of no error at all, in a figure we do not use
        fits = [model.fit(smoothing_level=weight, optimized=False) for weight in WEIGHTS]
        ahead = min(fits, key=lambda fit: fit.sse).forecast(max(HORIZONS))
    return [float(value) * scale for value in ahead]
