"""An operator takes leave to read one box, and gives it back."""

import datetime as dt
from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from tenants.api.contract.device import BreakGlassAnswer, BreakGlassBody
from tenants.api.owner import find_built_box
from tenants.tokens.break_glass import break_glass, close_glass


class BreakGlassView(ApiView):
    rate_class = "provisioning"
    permission_classes = (require_scope("operator"),)

    @endpoint(
        "break_glass",
        summary="Read a Dazbox for a while, for a reason its owner sees, each reading with it",
        tag="provisioning",
        body=BreakGlassBody,
        answers={201: BreakGlassAnswer},
        problems=(404, 409, 410),
        idempotency="optional",
    )
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """Good for the reads under `/node/{pubkey}` that the owner's apps have, with this very token, until either
        ends. Reason and readings are entries of the box's journal. Again: with the new reason and end.
        """
        body, caller = read_body(request, BreakGlassBody), principal_of(request)
        dazbox = find_built_box(request, device_id)
        leave = break_glass(
            dazbox,
            operator=caller.subject,
            session=caller.session,
            reason=body.reason,
            duration=dt.timedelta(minutes=body.minutes),
        )
        return answer(BreakGlassAnswer(leave.id, dazbox.id, leave.opened_at, leave.expires_at), status=201)

    @endpoint(
        "close_glass",
        summary="Give the leave to read a Dazbox back",
        tag="provisioning",
        answers={204: None},
        problems=(404, 409, 410),
    )
    def delete(self, request: Request, device_id: UUID) -> HttpResponse:
        """Before its time, and noted in the box's journal. Without leave nothing happens."""
        caller = principal_of(request)
        close_glass(find_built_box(request, device_id), operator=caller.subject, session=caller.session)
        return HttpResponse(status=204)
