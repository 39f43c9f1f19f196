"""The audit journal of an owner's boxes, with the hashes of its chain."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.body import answer
from mcp_saas.api.openapi import PAGE_PARAMETERS, endpoint
from mcp_saas.api.paging import cut_page, read_window
from mcp_saas.api.view import ApiView
from nodes.api.contract import AuditAnswer, AuditVerdict, EventItem, EventPage
from nodes.selectors.chain import verify_chain
from nodes.selectors.decision import list_chain, list_journal
from tenants.api.owner import find_built_box, owner_of, owner_reads
from tenants.context import enter_tenant
from tenants.models.dazbox import SERVED_STATES, Dazbox
from tenants.selectors import refer_to


class EventsView(ApiView):
    rate_class = "provisioning"
    permission_classes = (owner_reads,)

    @endpoint(
        "list_events",
        summary="The audit journal of a Dazbox, newest first",
        tag="provisioning",
        answers={200: EventPage},
        problems=(404, 409, 410),
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request, device_id: UUID) -> HttpResponse:
        """Every entry with its number in the chain, the hash of its content and the hash over the link before: who
        notes the last one sees later whether anything before it was changed or cut off.
        """
        window = read_window(request)
        with enter_tenant(refer_to(find_built_box(request, device_id))):
            rows = list_journal(after=window.after, limit=window.limit + 1)
            page = cut_page(rows, window, key=lambda entry: entry.id)
            links = list_chain(page.items)
            items = [EventItem.describe(entry, links.get(entry.id)) for entry in page.items]
        return answer(EventPage(items, page.next_cursor), headers=page.link(request, limit=window.limit))


class AuditView(ApiView):
    rate_class = "provisioning"
    permission_classes = (owner_reads,)

    @endpoint(
        "verify_audit",
        summary="Are the journals of the owner's Dazboxes as they were written?",
        tag="provisioning",
        answers={200: AuditAnswer},
        problems=(410,),
    )
    def get(self, request: Request) -> HttpResponse:
        """Recomputes the hash chain of each box in service and names the first entry that is not as it was written."""
        boxes = Dazbox.objects.filter(owner_id=owner_of(request), state__in=SERVED_STATES).order_by("id")
        return answer(AuditAnswer([_verify(box) for box in boxes]))


def _verify(dazbox: Dazbox) -> AuditVerdict:
    with enter_tenant(refer_to(dazbox)):
        verdict = verify_chain()
    return AuditVerdict(dazbox.id, verdict.fault is None, verdict.entries, verdict.first_bad_seq, verdict.fault)
