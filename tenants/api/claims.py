"""The claims a shop has made: what became of them, and their end."""

from uuid import UUID

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView
from mcp_saas.kit.errors import not_found
from tenants.api.contract.claim import ClaimView
from tenants.models.claim import Claim
from tenants.provisioning.claim import revoke_claim, status_of


class ClaimDetailView(ApiView):
    rate_class = "provisioning"
    permission_classes = (require_scope("provisioning", "operator"),)

    @endpoint("get_claim", summary="One claim", tag="provisioning", answers={200: ClaimView}, problems=(404,))
    def get(self, request: Request, claim_id: UUID) -> HttpResponse:
        """Its terms, and the box that used it. The code itself is not kept."""
        claim = Claim.objects.filter(id=claim_id).first()
        if claim is None:
            raise not_found("There is no such claim.")
        return answer(describe_claim(claim))

    @endpoint(
        "revoke_claim",
        summary="End a claim nobody has used",
        tag="provisioning",
        answers={204: None},
        problems=(404, 409),
    )
    def delete(self, request: Request, claim_id: UUID) -> HttpResponse:
        """Its code opens nothing from now on. Of a claim that was used, delete the Dazbox instead (409)."""
        revoke_claim(claim_id)
        return HttpResponse(status=204)


def describe_claim(claim: Claim) -> ClaimView:
    return ClaimView(
        id=claim.id,
        prefix=claim.prefix,
        label=claim.label,
        plan=claim.plan,
        status=status_of(claim, timezone.now()),
        allowed_pubkey=claim.allowed_pubkey or None,
        created_by=claim.created_by,
        created_at=claim.created_at,
        expires_at=claim.expires_at,
        used_at=claim.used_at,
        device_id=claim.dazbox_id,
    )
