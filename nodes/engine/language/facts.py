"""The numbers of a channel that sentences name. What is not known says so."""

from nodes.engine.balance import measure_balance
from nodes.engine.cycle import ChannelInput

UNKNOWN = "?"


def gather_facts(given: ChannelInput) -> dict[str, str]:
    """By the names the templates use, ready to show."""
    share, peer = measure_balance(given.channel).local_ratio, given.peer
    theirs, market, flow = given.channel.peer_policy, given.market, given.flow
    return {
        "local_percent": _percent(share),
        "local_sat": str(given.channel.local_balance_sat),
        "peer_percent": _percent(peer.local_sat / peer.capacity_sat if peer.capacity_sat else None),
        "peer_fee_rate_ppm": str(theirs.fee_rate_ppm) if theirs else UNKNOWN,
        "peer_base_fee_msat": str(theirs.base_fee_msat) if theirs else UNKNOWN,
        "median_ppm": str(market.median_fee_rate_ppm) if market else UNKNOWN,
        "mean_ppm": f"{market.mean_fee_rate_ppm:.0f}" if market else UNKNOWN,
        "days": f"{flow.days_observed:.2g}",
        "failed_out_1d": str(peer.flow.failed_out_1d),
        "out_1d_sat": str(flow.out_1d_msat // 1000),
    }


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.0f}"
