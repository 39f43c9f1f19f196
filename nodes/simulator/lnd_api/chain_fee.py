"""GET /v2/wallet/estimatefee/{conf_target}"""

import math

from nodes.simulator.lnd_api.error import Code, LndError
from nodes.simulator.lnd_api.request import Request
from nodes.simulator.view import NodeView

MIN_RELAY_SAT_PER_KW, USUAL_SAT_PER_KW, MIN_CONF_TARGET = 253, 2_500, 2
DAY_S, SWING = 86_400, 0.5


def estimate_fee(view: NodeView, request: Request) -> dict[str, object]:
    """A model: dearer by day than by night, and by the square root of how much sooner than in 36 blocks."""
    conf_target = request.read_path_uint64("conf_target")
    if conf_target < MIN_CONF_TARGET:
        raise LndError(Code.UNKNOWN, f"conf_target must be greater than {MIN_CONF_TARGET - 1}")
    hour_swing = 1 + SWING * math.sin(2 * math.pi * (view.now_s % DAY_S) / DAY_S)
    sat_per_kw = round(USUAL_SAT_PER_KW * hour_swing * math.sqrt(6 / conf_target))
    return {
        "sat_per_kw": str(max(MIN_RELAY_SAT_PER_KW, sat_per_kw)),
        "min_relay_fee_sat_per_kw": str(MIN_RELAY_SAT_PER_KW),
    }
