"""The owner's word on a recommendation, and how often each type of advice was called what."""

from uuid import UUID

from django.http import HttpResponse
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import principal_of
from nodes.api.advice import AdviceView, reading
from recommendations.api.advice_contract import FeedbackBody, FeedbackCount, FeedbackCounts, FeedbackList, FeedbackView
from recommendations.pipeline.feedback import give_feedback, read_recommendation
from recommendations.selectors.advice import count_feedback, list_feedback
from tenants.api.view import NodeView


class FeedbackCountsView(AdviceView):
    @reading("count_feedback", summary="How useful advice was, by type", answers={200: FeedbackCounts})
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Each word counts, also several on one recommendation."""
        counted = count_feedback()
        return answer(
            FeedbackCounts([
                FeedbackCount(type=kind, **{verdict.value: count for verdict, count in verdicts.items()})
                for kind, verdicts in counted.items()
            ])
        )


class FeedbackOfView(NodeView):
    def get_permissions(self) -> list[BasePermission]:
        return [require_scope("read", "device")() if self.request.method == "GET" else require_scope("act")()]

    @reading("list_feedback", summary="What was said to a recommendation", answers={200: FeedbackList})
    def get(self, request: Request, pubkey: str, recommendation_id: UUID) -> HttpResponse:
        """Newest first, also on one that no longer stands: the list of recommendations shows the newest word alone."""
        found = read_recommendation(recommendation_id)
        return answer(FeedbackList([FeedbackView.describe(row) for row in list_feedback(found)]))

    @endpoint(
        "give_feedback",
        summary="Say what a recommendation was worth, or that it is done",
        tag="node",
        body=FeedbackBody,
        answers={201: FeedbackView},
        problems=(404,),
        idempotency="optional",
    )
    def post(self, request: Request, pubkey: str, recommendation_id: UUID) -> HttpResponse:
        """`done` is followed: `list_follow_ups` compares what it was expected to bring with what it brought, and the
        recommendation is not given again before a newer report shows that it is still due.
        """
        body = read_body(request, FeedbackBody)
        row = give_feedback(recommendation_id, body.verdict, why=body.why, actor=principal_of(request).subject)
        return answer(FeedbackView.describe(row), status=201)
