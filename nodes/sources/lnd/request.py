"""LND's policy update, written out whole: what is left out of it LND takes for 0, or for "keep", field by field."""

from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.policy import Policy

MIN_TIME_LOCK_DELTA = 24  # LND's own


def build_update(channel_point: str, policy: Policy) -> dict[str, object]:
    """All fields, always. An absent base fee or rate would become 0; an inbound fee with one of its two fields would
    set the other to 0; a smallest payment without its flag would be ignored.
    """
    return {
        "chan_point": build_point(channel_point),
        "base_fee_msat": str(policy.base_fee_msat),
        "fee_rate_ppm": policy.fee_rate_ppm,  # never beside fee_rate: LND refuses both
        "time_lock_delta": policy.time_lock_delta,
        "max_htlc_msat": str(policy.max_htlc_msat),
        "min_htlc_msat": str(policy.min_htlc_msat),
        "min_htlc_msat_specified": True,
        "inbound_fee": {
            "base_fee_msat": policy.inbound_base_fee_msat,
            "fee_rate_ppm": policy.inbound_fee_rate_ppm,
        },
    }


def build_status(channel_point: str, *, disabled: bool) -> dict[str, object]:
    """ENABLE takes back a DISABLE at once, AUTO would wait for the peer to come again; either way LND goes on switching
    the channel off while its peer is away.
    """
    return {"chan_point": build_point(channel_point), "action": "DISABLE" if disabled else "ENABLE"}


def build_point(channel_point: str) -> dict[str, object]:
    txid, _, index = channel_point.partition(":")
    if not index.isdecimal():
        raise NodeError(f"{channel_point} is not a funding output like txid:index", fault=Fault.SETTING)
    return {"funding_txid_str": txid, "output_index": int(index)}


def explain_unwritable(policy: Policy) -> str | None:
    """Why LND could not take this policy, or would take it for something else; None: it can."""
    if policy.max_htlc_msat == 0:
        return "LND takes a largest payment of 0 for `keep the present one`: give the real bound"
    if policy.time_lock_delta < MIN_TIME_LOCK_DELTA:
        return f"LND takes no time lock below {MIN_TIME_LOCK_DELTA} blocks, not {policy.time_lock_delta}"
    return None
