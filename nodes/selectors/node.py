"""The node of the tenant we are in."""

from nodes.models.node import OwnNode
from nodes.models.policy import FeePolicyVersion


def read_own_node() -> OwnNode:
    """The node's row; a box that never reported has one in memory with the defaults."""
    return OwnNode.objects.first() or OwnNode()


def lock_own_node() -> OwnNode:
    """The node's row, locked until the transaction ends: reports of one box go in one after the other."""
    OwnNode.objects.get_or_create(id=1)
    return OwnNode.objects.select_for_update().get(id=1)


def latest_policy_version() -> FeePolicyVersion | None:
    return FeePolicyVersion.objects.order_by("-version").first()
