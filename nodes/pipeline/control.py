"""What the owner sets: the fee policy, written or taken over from charge-lnd. It goes into the journal."""

from collections.abc import Mapping

from django.db import transaction

from mcp_saas.kit.errors import refuse_field
from nodes.engine.charge_lnd.errors import ChargeLndError
from nodes.engine.charge_lnd.reader import Imported, read_charge_lnd
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


def read_configuration(config: str, files: Mapping[str, str]) -> Imported:
    """charge-lnd's configuration as a fee policy; nothing is stored. `files`: what it names, by name.

    Raises Problem 400 that says in which section and property the fault lies.
    """
    try:
        return read_charge_lnd(config, files)
    except ChargeLndError as error:
        raise refuse_field("/config", str(error), code="charge-lnd") from None
