"""Every property of charge-lnd's, and where it goes in a fee policy. Source: its README, of version 0.3.1."""

from collections.abc import Callable
from typing import Any

from nodes.engine.charge_lnd.text import read_bool, read_float, read_int

Read = Callable[[str], Any]
Target = tuple[tuple[str, ...], Read]
LEAST_RATIO = 1e-18  # of any channel's capacity less than one msat


def _bounds(prefix: str, name: str, *, path: tuple[str, ...], read: Read) -> dict[str, Target]:
    """`min_` and `max_` of one quantity; the last part of `path` is what it is called here."""
    return {f"{prefix}.{side}_{name}": ((*path[:-1], f"{side}_{path[-1]}"), read) for side in ("min", "max")}


def _read_htlc_ratio(text: str) -> float:
    """Below 0 it is a largest payment of 0 there, while 0 itself says nothing."""
    ratio = read_float(text)
    return LEAST_RATIO if ratio < 0 else min(1.0, ratio)


MATCHERS: dict[str, Target] = {
    "chan.initiator": (("initiator",), read_bool),
    "chan.private": (("private",), read_bool),
    "chan.disabled": (("peer_disabled",), read_bool),
    **_bounds("chan", "capacity", path=("capacity_sat",), read=read_int),
    **_bounds("chan", "age", path=("age_blocks",), read=read_int),
    **_bounds("chan", "ratio", path=("ratio",), read=read_float),
    **_bounds("chan", "local_balance", path=("local_sat",), read=read_int),
    **_bounds("chan", "remote_balance", path=("remote_sat",), read=read_int),
    **_bounds("chan", "base_fee_msat", path=("peer_base_fee_msat",), read=read_int),
    **_bounds("chan", "fee_ppm", path=("peer_fee_rate_ppm",), read=read_int),
    **_bounds("chan", "count_pending_htlcs", path=("pending_htlcs",), read=read_int),
    **_bounds("chan", "next_pending_htlc_expiry", path=("next_expiry_blocks",), read=read_int),
    **_bounds("node", "channels", path=("peer", "channels"), read=read_int),
    **_bounds("node", "capacity", path=("peer", "capacity_sat"), read=read_int),
    **_bounds("node", "shared_ratio", path=("peer", "shared_ratio"), read=read_float),
    "onchain.conf_target": (("onchain", "conf_target"), read_int),
    "onchain.min_fee_rate": (("onchain", "min_sat_per_vbyte"), read_float),
    "onchain.max_fee_rate": (("onchain", "max_sat_per_vbyte"), read_float),
    "onchain.synced_to_chain": (("onchain", "synced_to_chain"), read_bool),
}
for _state in ("active", "inactive"):
    MATCHERS |= {
        **_bounds("node", f"shared_channels_{_state}", path=("peer", f"shared_channels_{_state}"), read=read_int),
        **_bounds("node", f"shared_capacity_{_state}", path=("peer", f"shared_capacity_{_state}_sat"), read=read_int),
        **_bounds("node", f"shared_ratio_{_state}", path=("peer", f"shared_ratio_{_state}"), read=read_float),
    }
ACTIVITY: dict[str, Target] = {
    **_bounds("chan", "htlcs_in", path=("activity", "htlcs_in"), read=read_int),
    **_bounds("chan", "htlcs_out", path=("activity", "htlcs_out"), read=read_int),
    **_bounds("chan", "sats_in", path=("activity", "sat_in"), read=read_int),
    **_bounds("chan", "sats_out", path=("activity", "sat_out"), read=read_int),
    **_bounds("chan", "htlcs_ratio", path=("activity", "htlcs_ratio"), read=read_float),
    **_bounds("chan", "sats_ratio", path=("activity", "sat_ratio"), read=read_float),
}
VALUES: dict[str, Target] = {
    "base_fee_msat": (("base_fee_msat",), read_int),
    "fee_ppm": (("fee_rate_ppm",), read_int),
    "inbound_base_fee_msat": (("inbound_base_fee_msat",), read_int),
    "inbound_fee_ppm": (("inbound_fee_rate_ppm",), read_int),
    "inbound_level_ppm": (("inbound_level_ppm",), read_int),
    "min_htlc_msat": (("min_htlc_msat",), read_int),
    "max_htlc_msat": (("max_htlc_msat",), read_int),
    "max_htlc_msat_ratio": (("max_htlc_ratio",), _read_htlc_ratio),
    "time_lock_delta": (("time_lock_delta",), read_int),
    "min_fee_ppm_delta": (("min_change_ppm",), lambda text: max(-1, read_int(text))),
    "min_inbound_fee_ppm_delta": (("min_inbound_change_ppm",), lambda text: max(0, read_int(text))),
    "min_fee_ppm": (("min_fee_rate_ppm",), read_int),
    "max_fee_ppm": (("max_fee_rate_ppm",), read_int),
    "sum_peer_chans": (("sum_peer_channels",), read_bool),
    "cost_factor": (("cost_factor",), read_float),
    "onchain_fee_btc": (("onchain_fee_btc",), read_float),
    "onchain_fee_numblocks": (("onchain_conf_target",), lambda text: max(2, read_int(text))),
}
SPECIAL = {  # read where the rule is put together
    "strategy",
    "config_file",
    "chan.id",
    "node.id",
    "chan.activity_period",
    "chan.activity_period_ignore_channel_age",
}
CIRCUITBREAKER = {"cb_max_hourly_rate", "cb_max_pending", "cb_mode", "cb_clear_limit"}
STRATEGIES = {
    "static", "proportional", "match_peer", "cost", "onchain_fee", "ignore", "ignore_fees", "disable", "use_config",
}  # fmt: skip
