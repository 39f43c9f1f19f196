"""The owner's documents: sent, looked at, replaced, deleted."""

from uuid import UUID

from django.db import transaction
from django.http import HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer
from mcp_saas.api.openapi import PAGE_PARAMETERS, endpoint
from mcp_saas.api.paging import answer_page
from mcp_saas.kit.errors import not_found
from rag.api.contract import DocumentAnswer, DocumentPage, DocumentText, describe_document
from rag.api.offer import FORM_SCHEMA, read_offer
from rag.models.document import Document
from rag.pipeline.document import add_document, delete_document, replace_document
from rag.selectors.document import find_document, list_documents, name_place
from rag.tasks import forget_document, index_document
from tenants.api.view import TenantView
from tenants.context import current_tenant

PATH = "/api/v1/knowledge/documents"


class KnowledgeView(TenantView):
    def get_permissions(self) -> list[BasePermission]:
        return [require_scope("device", "read" if self.request.method == "GET" else "act")()]


class DocumentsView(KnowledgeView):
    @endpoint(
        "list_documents",
        summary="The documents of this box, and how far each is",
        tag="knowledge",
        answers={200: DocumentPage},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request) -> HttpResponse:
        """The oldest first. A document is found by searches when it is `ready`."""
        return answer_page(request, list_documents, shape=DocumentPage, describe=describe_document, key=name_place)

    @endpoint(
        "create_document",
        summary="Add a document",
        tag="knowledge",
        body=DocumentText,
        form=FORM_SCHEMA,
        answers={200: DocumentAnswer, 201: DocumentAnswer},
        problems=(429,),
        idempotency="required",
    )
    def post(self, request: Request) -> HttpResponse:
        """Text, Markdown, HTML, PDF or DOCX, 10 MB at most: as JSON with its text, or as a form with its `file`. What
        it is shows in its bytes (415 for anything else). It is read and embedded in the background: look at it until it
        is `ready`. The bytes of a document that is there already answer 200 with that one, which is tried again where
        it failed. Beyond the plan's documents or megabytes: 429.
        """
        document, has_work = add_document(read_offer(request))
        if has_work:
            index_document.queue_for(current_tenant().id, str(document.id))
        status = 201 if has_work else 200
        return answer(describe_document(document), status=status, headers={"Location": f"{PATH}/{document.id}"})


class DocumentView(KnowledgeView):
    @endpoint(
        "get_document",
        summary="A document, and how far it is",
        tag="knowledge",
        answers={200: DocumentAnswer},
        problems=(404,),
        is_tagged=True,
    )
    def get(self, request: Request, document_id: UUID) -> HttpResponse:
        """queued, parsing, embedding, ready or failed, with the reason and the progress in passages."""
        return answer(describe_document(_require(find_document(document_id))))

    @endpoint(
        "replace_document",
        summary="Replace the content of a document",
        tag="knowledge",
        body=DocumentText,
        form=FORM_SCHEMA,
        answers={200: DocumentAnswer},
        problems=(404, 409, 429),
        needs_match=True,
    )
    def put(self, request: Request, document_id: UUID) -> HttpResponse:
        """A new version of it. Passages that stay the same are not embedded anew, and until the new one is ready
        searches find the one before. The bytes of another document here: 409.
        """
        offer = read_offer(request)
        with transaction.atomic():
            document = _require(replace_document(document_id, offer))
            index_document.queue_for(current_tenant().id, str(document.id))
        return answer(describe_document(document))

    @endpoint(
        "delete_document",
        summary="Delete a document",
        tag="knowledge",
        answers={204: None},
        problems=(404,),
    )
    def delete(self, request: Request, document_id: UUID) -> HttpResponse:
        """Its text, passages and vectors are gone with the answer, its entries in the index within a moment."""
        with transaction.atomic():
            if not delete_document(document_id):
                raise _missing()
            forget_document.queue_for(current_tenant().id, str(document_id))
        return HttpResponse(status=204)


def _require(document: Document | None) -> Document:
    if document is None:
        raise _missing()
    return document


def _missing() -> Exception:
    return not_found("There is no such document.")
