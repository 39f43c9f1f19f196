"""The owner asks for everything about a box, looks how far it is, and fetches it."""

import datetime as dt
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.api.auth import Open
from mcp_saas.api.body import ZIP, JsonRenderer, ZipRenderer, answer
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import Problem, not_found
from nodes.api.contract import ExportAnswer, ExportLink
from nodes.pipeline.export.order import find_export, find_ready_export, request_export
from nodes.pipeline.export.store import read_chunks
from nodes.tasks import hand_out_export
from tenants.api.owner import find_box, owner_of, owner_only
from tenants.models.export import Export, ExportState
from tenants.selectors import refer_to

LINK_LIFETIME = dt.timedelta(minutes=15)
NO_STORE = {"Cache-Control": "no-store"}
POLL_S = "5"
SIGNATURE = OpenApiParameter(
    "signature",
    {"type": "string", "minLength": 1, "maxLength": 200},
    required=True,
    description="the link's own, as it was given",
)


class ExportsView(ApiView):
    rate_class = "provisioning"
    permission_classes = (owner_only,)

    @endpoint(
        "create_export",
        summary="Export everything about a Dazbox, twice a day at most",
        tag="provisioning",
        answers={202: ExportAnswer},
        problems=(404, 409, 410, 429),
        idempotency="required",
    )
    def post(self, request: Request, device_id: UUID) -> HttpResponse:
        """All tables of the box of one moment, with a schema and a checksum of each, as a ZIP file made in the
        background: `Location` says where to look. Two a day for a box (429).
        """
        export = request_export(find_box(request, device_id).id, actor=principal_of(request).subject)
        transaction.on_commit(lambda: hand_out_export(export.id), robust=True)  # else beat hands it out
        location = {"Location": request.build_absolute_uri(f"/api/v1/provisioning/exports/{export.id}")}
        return answer(_describe(export, link=None), status=202, headers=location | NO_STORE)


class ExportView(ApiView):
    rate_class = "provisioning"
    permission_classes = (owner_only,)

    @endpoint(
        "get_export",
        summary="How far an export is, and where to fetch it",
        tag="provisioning",
        answers={200: ExportAnswer},
        problems=(404, 410),
    )
    def get(self, request: Request, export_id: UUID) -> HttpResponse:
        """When it is ready, with a link to the archive that is good for 15 minutes; read again for a new one. `Retry-
        After` while it is being made.
        """
        export = find_export(export_id, owner_of(request))
        if export is None:
            raise not_found("There is no such export, or it has expired.")
        if export.state == ExportState.READY:
            return answer(_describe(export, link=_sign_link(request, export)), headers=NO_STORE)
        retry = {"Retry-After": POLL_S} if export.state != ExportState.FAILED else {}
        return answer(_describe(export, link=None), headers=NO_STORE | retry)


class ExportDownloadView(ApiView):
    """Whoever has the link has the archive: it is good for one export and a quarter of an hour."""

    rate_class = "provisioning"
    permission_classes = (Open,)
    authentication_classes = ()
    renderer_classes = (JsonRenderer, ZipRenderer)

    @endpoint(
        "download_export",
        summary="The archive of an export",
        tag="provisioning",
        answers={200: bytes},
        problems=(403, 404),
        parameters=[SIGNATURE],
        is_open=True,
    )
    def get(self, request: Request, export_id: UUID) -> Any:
        """Needs no token: the signed link of `get_export` is for this one export. One that is too old answers 403."""
        _check_link(export_id, request.GET.get("signature"))
        export = find_ready_export(export_id)
        if export is None:
            raise not_found("The export has expired, or its Dazbox is deleted.")
        pieces = read_chunks(refer_to(export.dazbox), export.id, count=export.chunk_count)
        headers = NO_STORE | {
            "Content-Length": str(export.size_bytes),
            "Content-Disposition": f'attachment; filename="dazbox-{export.id}.zip"',
            "Referrer-Policy": "no-referrer",
        }
        return StreamingHttpResponse(pieces, content_type=ZIP, headers=headers)


def _sign_link(request: Request, export: Export) -> ExportLink:
    signature = _signer(export.id).sign("").removeprefix(":")
    path = reverse("export-archive", kwargs={"export_id": export.id})
    url = request.build_absolute_uri(f"{path}?signature={signature}")
    return ExportLink(url, timezone.now() + LINK_LIFETIME)


def _check_link(export_id: UUID, signature: str | None) -> None:
    """Raises Problem 403 for a link that we did not make for this export in the last fifteen minutes, 400 for half."""
    if signature is None:
        raise Problem(400, "bad-request", "Bad request", detail="The signature is missing: use the whole link.")
    try:
        _signer(export_id).unsign(f":{signature}", max_age=LINK_LIFETIME)
    except BadSignature:
        raise Problem(
            403,
            "export-link-invalid",
            "The link is not valid",
            detail=f"A link is good for {LINK_LIFETIME.seconds // 60} minutes. Read the export again for a new one.",
        ) from None


def _signer(export_id: UUID) -> TimestampSigner:
    """HMAC-SHA256 by SECRET_KEY over the instant, for this export alone."""
    return TimestampSigner(salt=f"export-link:{export_id}")


def _describe(export: Export, *, link: ExportLink | None) -> ExportAnswer:
    state: Any = export.state
    is_ready = state == ExportState.READY
    return ExportAnswer(
        id=export.id,
        device_id=export.dazbox_id,
        state=state,
        requested_at=export.requested_at,
        finished_at=export.finished_at,
        expires_at=export.expires_at,
        tables=export.table_count if is_ready else None,
        rows=export.row_count if is_ready else None,
        size_bytes=export.size_bytes if is_ready else None,
        sha256=export.sha256 if is_ready else None,
        link=link,
    )
