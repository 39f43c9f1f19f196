"""The public graph, for operators: which one is in force, and a new one."""

import datetime as dt

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from msgspec import Struct
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_bytes
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import refuse_field
from nodes.graph.models import GraphLoad, GraphUpload
from nodes.pipeline.graph_refresh import offer_graph
from nodes.selectors.position import newest_load, newest_upload
from nodes.tasks import refresh_graph


class LoadView(Struct, frozen=True, kw_only=True):
    """The graph in force. `source`: `lnd`, or whose file."""

    loaded_at: dt.datetime
    node_count: int
    channel_count: int
    source: str
    sha256: str
    age_hours: float


class UploadView(Struct, frozen=True, kw_only=True):
    """A file that was sent, and what became of it."""

    id: int
    state: str  # waiting, loading, loaded or refused
    uploaded_at: dt.datetime
    uploaded_by: str
    refused_because: str | None


class GraphAnswer(Struct, frozen=True):
    """The graph in force, and the newest file that was sent; null before the first."""

    graph: LoadView | None
    upload: UploadView | None


class GraphView(ApiView):
    rate_class = "provisioning"
    permission_classes = (require_scope("operator"),)

    @endpoint("get_graph", summary="Which public graph is in force", tag="provisioning", answers={200: GraphAnswer})
    def get(self, request: Request) -> HttpResponse:
        """Everybody's positions and candidates stand on it. `upload` tells what became of the newest file."""
        load, upload = newest_load(), newest_upload()
        return answer(GraphAnswer(_describe_load(load) if load else None, _describe(upload) if upload else None))

    @endpoint(
        "upload_graph",
        summary="Send a new public graph",
        tag="provisioning",
        body=bytes,
        answers={202: UploadView},
        idempotency="required",
    )
    def post(self, request: Request) -> HttpResponse:
        """What `lncli describegraph` prints, plain or packed by gzip or xz, 10 MB at most as it is sent: mainnet's is
        2 MB by xz. A worker loads it; `get_graph` tells when, or why not. One with less than half the channels of the
        graph in force is refused.
        """
        content = read_bytes(request)
        if not content:
            raise refuse_field("", "there is no file in it", code="missing")
        upload = offer_graph(content, actor=principal_of(request).subject)
        transaction.on_commit(refresh_graph.delay, robust=True)  # else beat comes to it
        return answer(_describe(upload), status=202)


def _describe_load(load: GraphLoad) -> LoadView:
    return LoadView(
        loaded_at=load.loaded_at,
        node_count=load.node_count,
        channel_count=load.channel_count,
        source=load.source,
        sha256=load.sha256,
        age_hours=round((timezone.now() - load.loaded_at) / dt.timedelta(hours=1), 1),
    )


def _describe(upload: GraphUpload) -> UploadView:
    return UploadView(
        id=upload.id,
        state=upload.state,
        uploaded_at=upload.uploaded_at,
        uploaded_by=upload.uploaded_by,
        refused_because=upload.refused_because or None,
    )
