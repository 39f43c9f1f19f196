"""What the owner sets: the fee policy, written or taken over from charge-lnd. It goes into the journal."""

import hashlib
from collections.abc import Mapping

from django.db import transaction

from mcp_saas.kit.errors import FieldError, Problem
from nodes.engine.actor import name_actor
from nodes.engine.charge_lnd.errors import ConfigurationError
from nodes.engine.charge_lnd.reader import Imported, read_charge_lnd
from nodes.engine.document import FeePolicy
from nodes.models.policy import FeePolicyVersion
from nodes.pipeline.journal import note
from nodes.selectors.node import latest_policy_version, lock_own_node


def store_policy(document: FeePolicy, *, created_by: str, origin: str = "") -> int:
    """A new version of the fee policy; the next cycle decides by it. Returns its number. `origin`: what it was taken
    over from, in words.
    """
    with transaction.atomic():
        lock_own_node()  # versions are counted one after the other
        newest = latest_policy_version()
        version = newest.version + 1 if newest else 1
        FeePolicyVersion.objects.create(version=version, document=document, created_by=created_by)
        taken = f", imported from {origin}" if origin else ""
        facts = {"imported_from": origin} if origin else {}
        text = f"Fee policy version {version} is in force, set by {name_actor(created_by)}{taken}"
        note("fee-policy", text, version=version, actor=created_by, **facts)
    return version


def read_configuration(config: str, files: Mapping[str, str]) -> Imported:
    """charge-lnd's configuration as a fee policy; nothing is stored. `files`: what it names, by name.

    Raises Problem 400 that says of each fault in which line, section and property it lies.
    """
    try:
        return read_charge_lnd(config, files)
    except ConfigurationError as found:
        faults = [FieldError("/config", "charge-lnd", str(error)) for error in found.errors]
        raise Problem(400, "invalid-body", "The body is not valid", detail=f"/config: {found}", errors=faults) from None


def tell_origin(config: str, name: str | None = None) -> str:
    """Which configuration it was, for the journal: by its name where there is one, and by its own digest."""
    digest = hashlib.sha256(config.encode()).hexdigest()[:12]
    return f"charge-lnd's configuration{f' {name}' if name else ''} (sha256 {digest}...)"
