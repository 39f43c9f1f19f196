"""Both sides' policies of a channel, from the edge of the public graph."""

from nodes.sources.driver.field import Fields, read_flag, read_int32, read_text, read_uint64
from nodes.sources.driver.policy import MAX_OWN_PPM, MAX_U32, Policy, exceeds_contract


def map_policies(edge: Fields | None, *, own_pubkey: str, peer_pubkey: str) -> dict[str, object]:
    """`own_policy` and `peer_policy`, told apart by the pubkeys of the edge; null: not announced, not known."""
    if edge is None:
        return {"own_policy": None, "peer_policy": None}
    sides = index_policies(edge)
    return {
        "own_policy": map_policy(sides.get(own_pubkey), max_rate_ppm=MAX_OWN_PPM),
        "peer_policy": map_policy(sides.get(peer_pubkey), max_rate_ppm=MAX_U32),
    }


def read_own_policy(edge: Fields | None, own_pubkey: str) -> Policy | None:
    policy = map_policy(index_policies(edge).get(own_pubkey), max_rate_ppm=MAX_OWN_PPM) if edge is not None else None
    return None if policy is None else Policy.from_fields(policy)


def index_policies(edge: Fields) -> dict[str, object]:
    return {read_text(edge, f"{side}_pub"): edge.get(f"{side}_policy") for side in ("node1", "node2")}


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
