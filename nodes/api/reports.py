"""The box reports: snapshots, forwards and payments to itself."""

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from nodes.api.contract import ForwardsAnswer, ForwardsBody, RebalancesAnswer, RebalancesBody, SnapshotAnswer
from nodes.engine.report import NodeSnapshot
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.pipeline.rebalance import accept_rebalances
from nodes.pipeline.schedule import request_cycle
from tenants.api.view import NodeView
from tenants.context import current_tenant
from tenants.provisioning.device import record_contact


class SnapshotsView(NodeView):
    rate_class = "report"
    permission_classes = (require_scope("device"),)

    @endpoint(
        "send_snapshot",
        summary="Report the state of the node",
        tag="box",
        body=NodeSnapshot,
        answers={200: SnapshotAnswer, 201: SnapshotAnswer},
        problems=(404,),
        idempotency="optional",
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """All of the node at one moment, stored as a whole or not at all. The same `seq` and content again answers 200
        and stores nothing; an older `seq` never overwrites a newer state. The first snapshot makes the box due at
        once, and so does one that shows a channel run dry or full or new, a peer gone or back, or another price of
        on-chain fees.
        """
        receipt = accept_snapshot(read_body(request, NodeSnapshot))
        record_contact(current_tenant().id, timezone.now())
        if receipt.needs_cycle:
            request_cycle(current_tenant().id, timezone.now())
        return answer(SnapshotAnswer(receipt.seq, receipt.is_new), status=201 if receipt.is_new else 200)


class ForwardsView(NodeView):
    rate_class = "report"
    permission_classes = (require_scope("device"),)

    @endpoint(
        "send_forwards",
        summary="Report forwards since a cursor",
        tag="box",
        body=ForwardsBody,
        answers={200: ForwardsAnswer},
        problems=(404,),
        idempotency="optional",
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """Those already known by their `id` are passed over, so a batch may be repeated. The answer's cursor says
        where the box goes on; an empty batch without cursor only asks for it. A surge of failed ones makes the box due.
        """
        body = read_body(request, ForwardsBody)
        receipt = accept_forwards(body.events, body.cursor)
        if receipt.needs_cycle:
            request_cycle(current_tenant().id, timezone.now())
        return answer(ForwardsAnswer(receipt.stored, receipt.cursor, receipt.set_aside))


class RebalancesView(NodeView):
    rate_class = "report"
    permission_classes = (require_scope("device"),)

    @endpoint(
        "send_rebalances",
        summary="Report payments of the node to itself",
        tag="box",
        body=RebalancesBody,
        answers={200: RebalancesAnswer},
        problems=(404,),
        idempotency="optional",
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """What rebalancing cost: of each part the channel it left by, the one it came back by, and its fee; of no
        other payment anything. Those already known by their `id` are passed over. The answer's cursor says where the
        box goes on. Until a box has told all once, what rebalancing cost is null, not 0.
        """
        body = read_body(request, RebalancesBody)
        receipt = accept_rebalances(body.events, body.cursor, until=body.until)
        return answer(RebalancesAnswer(receipt.stored, receipt.cursor, receipt.set_aside))
