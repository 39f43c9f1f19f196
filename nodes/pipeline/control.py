"""What the owner sets: the fee policy. It goes into the journal."""

from django.db import transaction

from nodes.engine.document import FeePolicy
from nodes.models.policy import FeePolicyVersion
from nodes.pipeline.journal import note
from nodes.selectors.node import latest_policy_version, lock_own_node


def store_policy(document: FeePolicy, *, created_by: str) -> int:
    """A new version of the fee policy; the next cycle decides by it. Returns its number."""
    with transaction.atomic():
        lock_own_node()  # versions are counted one after the other
        newest = latest_policy_version()
        version = newest.version + 1 if newest else 1
        FeePolicyVersion.objects.create(version=version, document=document, created_by=created_by)
        note("fee-policy", f"Fee policy version {version} is in force", version=version)
    return version
