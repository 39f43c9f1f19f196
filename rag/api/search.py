"""Passages for a question, with how they were found."""

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.kit.errors import Problem
from rag.api.search_contract import SearchAnswer, SearchBody, describe_search
from rag.pipeline.search import search_passages
from rag.sources.qdrant.errors import ForeignPointError, StoreError
from tenants.api.view import TenantView

PAUSE_S = 15


class SearchView(TenantView):
    rate_class = "ask"
    permission_classes = (require_scope("read", "device"),)

    @endpoint(
        "search_knowledge",
        summary="Search the library and the box's own documents",
        tag="knowledge",
        body=SearchBody,
        answers={200: SearchAnswer},
    )
    def post(self, request: Request) -> HttpResponse:
        """The best passages first, of the library and of the own documents, on one scale. `plan` tells what was
        searched and how: a leg for each kind of documents, its filters, steps and weights. Where the embedder is down
        the words of the question are searched alone and `plan.degraded` says so; where the index is down: 503.
        """
        body = read_body(request, SearchBody)
        try:
            found = search_passages(body.query, limit=body.limit)
        except ForeignPointError as error:
            raise _refuse() from error
        except StoreError as error:
            raise _refuse(error.retry_after_s) from error
        return answer(describe_search(found), headers={"Cache-Control": "no-store"})


def _refuse(retry_after_s: float | None = None) -> Problem:
    problem = Problem(
        503,
        "search-unavailable",
        "The search is out of service",
        detail="The index of the knowledge base does not answer. Documents and recommendations are not touched by it.",
    )
    problem.headers["Retry-After"] = str(max(1, round(retry_after_s or PAUSE_S)))
    return problem
