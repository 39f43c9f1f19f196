"""What the engine would have done."""

from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from mcp_saas.api.body import answer
from mcp_saas.kit.errors import Problem
from nodes.api.advice import AdviceView, reading
from nodes.selectors.shadow import ShadowReport, report_shadow

DEFAULT_DAYS, MAX_DAYS = 7, 90
MOST_DECISIONS = 20_000  # decided again within a request
_DAYS = OpenApiParameter(
    "days",
    {"type": "integer", "minimum": 1, "maximum": MAX_DAYS, "default": DEFAULT_DAYS},
    description="how far to look back",
)


class ShadowReportView(AdviceView):
    @reading(
        "get_shadow_report",
        summary="What the engine would have written, beside what was there",
        answers={200: ShadowReport},
        parameters=[_DAYS],
    )
    def get(self, request: Request, pubkey: str) -> HttpResponse:
        """The stored runs decided again, each on the fees, cooldowns and gossip that the runs before it would have
        left: per channel both fees over time, how often it would have been written, what it really earned, the expected
        effect with its interval, and whether the engine agreed with the owner's own changes. At most 20,000 decisions:
        `left_out_runs` tells of older ones. Null is no data.
        """
        return answer(report_shadow(days=_read_days(request), now=timezone.now(), most_decisions=MOST_DECISIONS))


def _read_days(request: Request) -> int:
    text = request.GET.get("days", str(DEFAULT_DAYS))
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and 1 <= int(text) <= MAX_DAYS):
        raise Problem(400, "bad-filter", "Bad filter", detail=f"days is a whole number from 1 to {MAX_DAYS}")
    return int(text)
