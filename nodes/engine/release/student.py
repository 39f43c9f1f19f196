"""Student's t: how wide an interval over few days has to be."""

import math
from statistics import NormalDist


def find_t_quantile(tail: float, degrees: float) -> float:
    """The t that is exceeded, to either side, with probability `tail`, at `degrees` > 0 of freedom (fractions too).

    Source: G. W. Hill, Algorithm 396, Communications of the ACM 13 (1970) 619; six digits from 2 degrees on.
    """
    n = max(degrees, 1.0)
    if n < 2:  # between the exact values for 1 and 2 degrees: wide enough for either
        return 1 / math.tan(tail * math.pi / 2)
    if n == 2:
        return math.sqrt(2 / (tail * (2 - tail)) - 2)
    a = 1 / (n - 0.5)
    b = 48 / a**2
    c = ((20_700 * a / b - 98) * a - 16) * a + 96.36
    d = ((94.5 / (b + c) - 3) / b + 1) * math.sqrt(a * math.pi / 2) * n
    y = (d * tail) ** (2 / n)
    squared = _expand_near(tail, n, a=a, b=b, c=c, d=d) if y > 0.05 + a else _expand_far(y, n, d=d)
    return math.sqrt(n * squared)


def _expand_near(tail: float, n: float, *, a: float, b: float, c: float, d: float) -> float:
    """Around the normal distribution's quantile."""
    x = NormalDist().inv_cdf(tail / 2)
    y = x * x
    if n < 5:
        c += 0.3 * (n - 4.5) * (x + 0.6)
    c = (((0.05 * d * x - 5) * x - 7) * x - 2) * x + b + c
    y = (((((0.4 * y + 6.3) * y + 36) * y + 94.5) / c - y - 3) / b + 1) * x
    return math.expm1(a * y * y)


def _expand_far(y: float, n: float, *, d: float) -> float:
    """Far out, where few days are all there is."""
    inner = (1 / (((n + 6) / (n * y) - 0.089 * d - 0.822) * (n + 2) * 3) + 0.5 / (n + 4)) * y - 1
    return inner * (n + 1) / (n + 2) + 1 / y
