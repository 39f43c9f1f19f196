"""Both sides' policies of a channel, from listpeerchannels."""

from nodes.sources.driver.errors import Fault, NodeError
from nodes.sources.driver.field import Fields, read_integer
from nodes.sources.driver.policy import MAX_OWN_PPM, MAX_U32, Policy, exceeds_contract


def map_policies(channel: Fields) -> dict[str, dict[str, object] | None]:
    """`own_policy` and `peer_policy` in the words of the snapshot contract; null: never announced, or not known."""
    own, peer = (
        read_own_policy(channel),
        map_update(find_update(channel, "remote"), read_integer(channel, "total_msat")),
    )
    return {
        "own_policy": None if own is None else {**own.to_fields(), "last_update": None},
        "peer_policy": peer,
    }


def read_own_policy(channel: Fields) -> Policy | None:
    """What setchannel set, which is in force before it is announced; the time lock is in our announcement alone.

    Core Lightning has no inbound fees, and switches no channel off but by itself, while its peer is away.
    """
    update = find_update(channel, "local")
    if update is None:
        return None
    terms = {
        "base_fee_msat": read_integer(channel, "fee_base_msat"),
        "fee_rate_ppm": read_integer(channel, "fee_proportional_millionths"),
        "inbound_base_fee_msat": 0,
        "inbound_fee_rate_ppm": 0,
        "time_lock_delta": read_integer(update, "cltv_expiry_delta"),
        "min_htlc_msat": read_integer(channel, "minimum_htlc_out_msat"),
        "max_htlc_msat": min(read_integer(channel, "maximum_htlc_out_msat"), read_integer(channel, "total_msat")),
    }
    return None if exceeds_contract(terms, MAX_OWN_PPM) else Policy.from_fields(terms)


def map_update(update: Fields | None, capacity_msat: int) -> dict[str, object] | None:
    """None when there is none, and for values outside the contract: one odd policy must not cost the whole snapshot.

    Whether the peer switched its side off is not told here; `active` says whether it is there.
    """
    if update is None:
        return None
    terms = {
        "base_fee_msat": read_integer(update, "fee_base_msat"),
        "fee_rate_ppm": read_integer(update, "fee_proportional_millionths"),
        "inbound_base_fee_msat": 0,
        "inbound_fee_rate_ppm": 0,
        "time_lock_delta": read_integer(update, "cltv_expiry_delta"),
        "min_htlc_msat": read_integer(update, "htlc_minimum_msat"),
        "max_htlc_msat": min(read_integer(update, "htlc_maximum_msat"), capacity_msat),
    }
    return None if exceeds_contract(terms, MAX_U32) else {**terms, "disabled": False, "last_update": None}


def find_update(channel: Fields, side: str) -> Fields | None:
    updates = channel.get("updates")
    if updates is None:
        return None
    if not isinstance(updates, dict):
        raise NodeError("the node's answer is not as its API says: `updates` is not an object", fault=Fault.GARBLED)
    update = updates.get(side)
    return update if isinstance(update, dict) else None
