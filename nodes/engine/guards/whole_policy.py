"""Read, change, write: a node is always given a channel's whole policy, on the ground of the one that was read.

A write whose ground changed meanwhile is superseded by `in_force.judge_open`, and refused where it is done.

LND turns every field left out of an update into its zero, and Core Lightning leaves it as it is (lnd#8614, lndg#432):
with whole policies both do the same.
"""

from msgspec.structs import replace

from nodes.engine.guards.case import Guarded
from nodes.engine.report import ChannelPolicy
from nodes.engine.wish import POLICY_FIELDS, Wish


def write_wish(wish: Wish, present: ChannelPolicy) -> Guarded:
    """The present policy with the fields the wish names; a smallest payment above the largest is not taken over."""
    wished = {field: value for field in POLICY_FIELDS if (value := getattr(wish, field)) is not None}
    smallest = wished.get("min_htlc_msat", present.min_htlc_msat)
    largest = wished.get("max_htlc_msat", present.max_htlc_msat)
    if smallest <= largest:
        return Guarded(policy=replace(present, **wished) if wished else present)
    wished.pop("min_htlc_msat", None)
    wished.pop("max_htlc_msat", None)
    why = f"the smallest payment, {smallest} msat, would be above the largest, {largest} msat"
    return Guarded(policy=replace(present, **wished), held_by="htlc_bounds", why=why)
