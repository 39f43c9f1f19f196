"""What the owner sets: mode and fee policy. Both go into the journal."""

from django.db import transaction

from mcp_saas.kit.errors import refuse_value
from nodes.engine.document import FeePolicy
from nodes.models.node import Mode
from nodes.models.policy import FeePolicyVersion
from nodes.pipeline.journal import note
from nodes.selectors.node import latest_policy_version, lock_own_node


def set_mode(mode: str) -> str:
    """The mode in force afterwards. Raises Problem 422 for a mode this release does not offer."""
    if mode not in Mode.values:
        offered = ", ".join(Mode.values)
        raise refuse_value(
            "/mode", f"offered: {offered}", status=422, code="mode-not-offered", title="This mode is not offered yet"
        )
    with transaction.atomic():
        node = lock_own_node()
        if node.mode != mode:
            node.mode = mode
            node.save(update_fields=["mode"])
            note("mode", f"Mode set to {mode}", mode=mode)
    return mode


def store_policy(document: FeePolicy, *, created_by: str) -> int:
    """A new version of the fee policy; the next cycle decides by it. Returns its number."""
    with transaction.atomic():
        lock_own_node()  # versions are counted one after the other
        newest = latest_policy_version()
        version = newest.version + 1 if newest else 1
        FeePolicyVersion.objects.create(version=version, document=document, created_by=created_by)
        note("fee-policy", f"Fee policy version {version} is in force", version=version)
    return version
