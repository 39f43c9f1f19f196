"""CLBOSS's size modder: a node larger than those it competes with may ask for more.

Source: CLBOSS, `Boss/Mod/FeeModderBySize.cpp`.
"""

import math

SMALLEST = math.sqrt(0.5)
MAX_LIMIT, MIN_LIMIT = 16.0, 2.0


def multiply_size(*, smaller: int, larger: int, competitors: int) -> float:
    """0.5 .. 16: by our place among the other peers of the peer, in total capacity; 1 where nobody differs from us.

    place = smaller / (smaller + larger). Below the middle x = sqrt(0.5) + 2 place (1 - sqrt(0.5)); above it x = 1 +
    (2 place - 1)(sqrt(limit) - 1) with limit = max(2, 16 - ln(competitors)). The multiplier is x squared. CLBOSS
    divides 0 by 0 when every competitor has exactly our capacity.
    """
    if smaller + larger == 0:
        return 1.0
    place = smaller / (smaller + larger)
    if smaller < larger:
        root = SMALLEST + 2 * place * (1 - SMALLEST)
    else:
        limit = max(MIN_LIMIT, MAX_LIMIT - math.log(competitors))
        root = 1 + (2 * place - 1) * (math.sqrt(limit) - 1)
    return root * root
