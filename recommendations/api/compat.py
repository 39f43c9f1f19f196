"""The addresses of the older box software (dazbrel), as it knows them."""

from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.api.metrics import MetricsView
from mcp_saas.api.openapi import endpoint
from mcp_saas.api.view import ApiView, principal_of
from mcp_saas.kit.errors import Problem
from nodes.api.advice import AdviceView, reading
from nodes.engine.older_report import OlderReport
from nodes.pipeline.older_report import accept_older_report
from nodes.pipeline.schedule import request_cycle
from nodes.selectors.node import read_own_node
from recommendations.api.compat_contract import (
    OlderRecommendation,
    OlderReportAnswer,
    OlderResultAnswer,
    OlderResultBody,
    PerformanceAnswer,
    describe_insights,
    describe_performance,
)
from recommendations.api.info import read_flag
from recommendations.pipeline.compat import list_older_advice, read_performance, record_older_result
from recommendations.pipeline.recommend import recommend
from tenants.api.view import TenantView
from tenants.context import current_tenant
from tenants.provisioning.device import record_contact

TAG = "older box software"
USUAL_DAYS, MOST_DAYS = 30, 365
DAYS = OpenApiParameter(
    "days",
    {"type": "integer", "minimum": 1, "maximum": MOST_DAYS, "default": USUAL_DAYS},
    description="how many of the last days",
)
UNKNOWN = OpenApiParameter(
    "include_unknown",
    {"type": "boolean", "default": False},
    description="true: also recommendations whose `expected_roi_impact` is null, which dazbrel cannot read",
)


class OlderRecommendationsView(AdviceView):
    @reading(
        "list_older_recommendations",
        summary="Recommendations as dazbrel reads them",
        tag=TAG,
        takes_any_query=True,
        answers={200: list[OlderRecommendation]},
        parameters=[UNKNOWN, LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """Changes of fees, rebalances, channels to open and to close; `list_recommendations` tells all there is.
        dazbrel loses the whole list over one null, so what has no number is left out unless it is asked for.
        """
        includes_unknown, language = read_flag(request, "include_unknown", default=False), choose_language(request)
        found = [one for one in list_older_advice(language) if includes_unknown or one.roi is not None]
        return name_language(answer([OlderRecommendation.describe(one, language) for one in found]), language)


class OlderPerformanceView(AdviceView):
    @reading(
        "get_performance",
        summary="What the node earned",
        tag=TAG,
        takes_any_query=True,
        answers={200: PerformanceAnswer},
        parameters=[DAYS, LANGUAGE],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """From its own forwards and its newest report. Days of which not all is known do not count, and nothing is
        made up for what nobody measures.
        """
        days, language = _read_days(request), choose_language(request)
        advice = recommend(language).advice
        shown = describe_performance(
            read_performance(days),
            pubkey=pubkey,
            days=days,
            as_of=read_own_node().last_taken_at,
            recommendations_count=len(advice),
            insights=describe_insights(advice, language),
        )
        return name_language(answer(shown), language)


class OlderResultView(TenantView):
    rate_class = "report"
    permission_classes = (require_scope("device", "act"),)

    @endpoint(
        "report_older_result",
        summary="Report what came of an action or a recommendation",
        tag=TAG,
        takes_any_query=True,
        body=OlderResultBody,
        answers={200: OlderResultAnswer},
        problems=(404, 409),
        idempotency="optional",
    )
    def post(self, request: Request) -> HttpResponse:
        """The id of an action: as `report_action` does. The id of a recommendation: the owner's word on it, done or
        failed, with the message as the reason. Any other is not found. A repeat is harmless.
        """
        body = read_body(request, OlderResultBody)
        state = record_older_result(body.action_id, body.to_result(), actor=principal_of(request).subject)
        return answer(OlderResultAnswer(body.action_id, state))


class ServiceMetricsView(MetricsView, TenantView):
    """One address, two things: GET reads the service's figures, POST reports a node."""

    def get_permissions(self) -> Any:
        is_report = self.request.method == "POST"
        return [require_scope("device", "act")()] if is_report else super().get_permissions()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Only a report is of a tenant."""
        if request.method == "POST":
            super().initial(request, *args, **kwargs)
        else:
            ApiView.initial(self, request, *args, **kwargs)

    @endpoint(
        "send_older_report",
        summary="Report the state of the node",
        tag=TAG,
        takes_any_query=True,
        body=OlderReport,
        answers={200: OlderReportAnswer},
        problems=(404, 409, 422),
        idempotency="optional",
    )
    def post(self, request: Request) -> HttpResponse:
        """Kept as a snapshot without policies, so no fee follows from it; an older one never overwrites a newer state.
        Not stored within 24 hours of a report that told policies. The sums of fees and forwards have no dates and are
        not kept, nor is the wallet: forwards go to `send_forwards`.
        """
        receipt = accept_older_report(read_body(request, OlderReport))
        record_contact(current_tenant().id, timezone.now())
        if receipt is None:
            return answer(OlderReportAnswer(stored=False, why_not="fuller_report"))
        if receipt.needs_cycle:
            request_cycle(current_tenant().id, timezone.now())
        return answer(OlderReportAnswer(stored=receipt.is_new, why_not=None if receipt.is_new else "repeat"))


def _read_days(request: Request) -> int:
    """Raises Problem 400."""
    given = request.GET.get("days", str(USUAL_DAYS))
    if not (given.isascii() and given.isdigit() and len(given) <= 3 and 1 <= int(given) <= MOST_DAYS):
        raise Problem(400, "bad-filter", "Bad filter", detail=f"days is a number from 1 to {MOST_DAYS}")
    return int(given)
