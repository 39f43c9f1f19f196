"""Both sides' policies of a channel, from the edge of the public graph."""

from nodes.agent.field import Fields, read_flag, read_int32, read_text, read_uint64

MAX_OWN_PPM = 1_000_000  # of our own fee rates: a fee of 100 %
MAX_U16 = 2**16 - 1
MAX_U32 = 2**32 - 1
MAX_MSAT = 2_100_000_000_000_000_000  # 21 million bitcoin


def map_policies(edge: Fields | None, *, own_pubkey: str, peer_pubkey: str) -> dict[str, object]:
    """`own_policy` and `peer_policy`, told apart by the pubkeys of the edge; null: not announced, not known."""
    if edge is None:
        return {"own_policy": None, "peer_policy": None}
    sides = {read_text(edge, f"{side}_pub"): edge.get(f"{side}_policy") for side in ("node1", "node2")}
    return {
        "own_policy": map_policy(sides.get(own_pubkey), max_rate_ppm=MAX_OWN_PPM),
        "peer_policy": map_policy(sides.get(peer_pubkey), max_rate_ppm=MAX_U32),
    }


def map_policy(policy: object, *, max_rate_ppm: int) -> dict[str, object] | None:
    """None when there is none, and for values outside the contract: one odd policy must not cost the whole snapshot."""
    if not isinstance(policy, dict):
        return None
    terms = {
        "base_fee_msat": read_uint64(policy, "fee_base_msat"),
        "fee_rate_ppm": read_uint64(policy, "fee_rate_milli_msat"),  # LND's name misleads: it is ppm
        "inbound_base_fee_msat": read_int32(policy, "inbound_fee_base_msat", default=0),
        "inbound_fee_rate_ppm": read_int32(policy, "inbound_fee_rate_milli_msat", default=0),
        "time_lock_delta": read_int32(policy, "time_lock_delta"),
        "min_htlc_msat": read_uint64(policy, "min_htlc"),
        "max_htlc_msat": read_uint64(policy, "max_htlc_msat"),
    }
    if exceeds_contract(terms, max_rate_ppm):
        return None
    last_update = read_int32(policy, "last_update") or None  # LND: 0 when it never heard one
    return {**terms, "disabled": read_flag(policy, "disabled"), "last_update": last_update}


def exceeds_contract(terms: dict[str, int], max_rate_ppm: int) -> bool:
    """BOLT 7 has u32 for base fee and rate and i32 for inbound fees (bLIP-18), which LND's own fields hold to, and no
    smallest payment above the largest.
    """
    return (
        terms["base_fee_msat"] > MAX_U32
        or terms["fee_rate_ppm"] > max_rate_ppm
        or abs(terms["inbound_fee_rate_ppm"]) > max_rate_ppm
        or terms["time_lock_delta"] > MAX_U16
        or not terms["min_htlc_msat"] <= terms["max_htlc_msat"] <= MAX_MSAT
    )
