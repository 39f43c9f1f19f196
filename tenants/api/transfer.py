"""A box changes hands."""

import datetime as dt
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from tenants.api.contract.claim import ClaimAnswer, TransferAnswer, TransferBody
from tenants.api.owner import find_box
from tenants.api.view import refuse_service
from tenants.provisioning.transfer import READY, TransferTerms, transfer_dazbox


class TransferView(ApiView):
    """For a device's token of the owner, and for operators: an API key hands nothing over."""

    rate_class = "provisioning"
    permission_classes = (require_scope("operator", "device"), require_scope("operator", "act"))

    @endpoint(
        "transfer_device",
        summary="Hand a Dazbox over: a new claim code, and the end of all its keys and tokens",
        tag="provisioning",
        body=TransferBody,
        answers={201: TransferAnswer},
        problems=(404, 409, 410, 422),
        idempotency="required",
    )
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """The box is out of its owner's hands from here on: whoever redeems the new code with the node's signature has
        it. The code is in this answer and nowhere else. `wipe_history` leaves nothing of the old owner's data.
        """
        body, dazbox = read_body(request, TransferBody), find_box(request, device_id)
        if dazbox.state not in READY:
            raise refuse_service(dazbox)
        terms = TransferTerms(expires_in=dt.timedelta(seconds=body.expires_in), wipes_history=body.wipe_history)
        new = transfer_dazbox(dazbox.id, terms, actor=principal_of(request).subject)
        claim = ClaimAnswer(new.claim.id, new.code, new.claim.prefix, new.claim.expires_at)
        return answer(TransferAnswer(dazbox.id, claim), status=201, headers={"Cache-Control": "no-store"})
