"""A box changes hands: what opened it before opens it no more, and a new claim code is for whoever comes next."""

import datetime as dt
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from tenants.engine.plan import PLANS
from tenants.events import announce_owner_change, announce_rows_end
from tenants.models.claim import Claim
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.export import Export
from tenants.provisioning.claim import ClaimTerms, NewClaim, create_claims
from tenants.provisioning.lifecycle import change_state, lock_dazbox, refuse_transition
from tenants.provisioning.schema import build_schema, current_template, drop_schema
from tenants.sealing.tenant import replace_keys
from tenants.selectors import refer_to
from tenants.tokens.api_key import revoke_api_keys
from tenants.tokens.device_key import end_device_keys, find_live_keys

READY = (DazboxState.ACTIVE, DazboxState.TRANSFERRING)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferTerms:
    expires_in: dt.timedelta
    wipes_history: bool = False


@transaction.atomic
def transfer_dazbox(dazbox_id: UUID, terms: TransferTerms, *, actor: str) -> NewClaim:
    """1. history goes, if asked for  2. out of service  3. device keys, API keys, tokens and credentials end
    4. a new code.

    Again, while nobody has redeemed it: the code before is revoked. Raises Problem 404 or 409.
    """
    dazbox = lock_dazbox(dazbox_id)
    if dazbox.state not in READY:  # TRANSITIONS knows the way from pending deletion, too: a restored box goes it
        raise refuse_transition(DazboxState(dazbox.state), DazboxState.TRANSFERRING)
    if terms.wipes_history:
        _wipe_history(dazbox)
    if dazbox.state != DazboxState.TRANSFERRING:
        change_state(dazbox, DazboxState.TRANSFERRING, actor=actor, reason="it changes hands")
    end_device_keys(dazbox, find_live_keys(dazbox.id))
    revoke_api_keys(dazbox.id)
    announce_owner_change(refer_to(dazbox))
    Claim.objects.filter(dazbox=dazbox, used_at=None, revoked_at=None).update(revoked_at=timezone.now())
    claim_terms = ClaimTerms(
        label="transfer",
        expires_in=terms.expires_in,
        plan=PLANS[dazbox.plan].code,
        allowed_pubkey=dazbox.pubkey,
        dazbox_id=dazbox.id,
    )
    [new] = create_claims(1, claim_terms, created_by=actor)
    return new


def _wipe_history(dazbox: Dazbox) -> None:
    """Its schema anew, under the same name; archives of exports lay in it.

    Raises DatabaseError where a cycle is at it for longer than the lock timeout.
    """
    template = current_template()
    drop_schema(dazbox.schema_name)
    announce_rows_end(dazbox.id)
    build_schema(dazbox.schema_name, template)
    replace_keys(dazbox.id)  # of backups, too, nobody reads the history of the owner before
    Export.objects.filter(dazbox=dazbox).delete()  # their archives were in it
    Dazbox.objects.filter(id=dazbox.id).update(schema_revision=template.revision)
    Export.objects.filter(dazbox=dazbox).delete()
