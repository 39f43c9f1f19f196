"""What to do first, for somebody's goals and budget."""

from django.http import HttpResponse
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.api.openapi import endpoint
from recommendations.api.priorities_contract import PrioritiesAnswer, PrioritiesBody, describe_priorities
from recommendations.pipeline.prioritise import find_priorities
from tenants.api.view import NodeView


class PrioritiesView(NodeView):
    rate_class = "ask"
    permission_classes = (require_scope("read", "device"),)

    @endpoint(
        "prioritise_actions",
        summary="What to do first, for goals, a number of actions and a budget",
        tag="intelligence",
        body=PrioritiesBody,
        answers={200: PrioritiesAnswer},
        problems=(404,),
        parameters=[LANGUAGE],
    )
    def post(self, request: Request, pubkey: str) -> HttpResponse:
        """From the recommendations that stand: what endangers money, then what serves the goals, then the rest, each
        chosen so that all together gains most within the budget, which is never exceeded; what costs nobody knows how
        much does not fit any. `left_out` says why the rest is not there. No model is needed; with a key of OpenAI one
        may change the order and explain, and what the numbers do not bear out is dropped and counted. Where it fails,
        `degraded` has `llm` and the rest is as ever. Nothing is stored.
        """
        body, language = read_body(request, PrioritiesBody), choose_language(request)
        found = find_priorities(body.to_wish(), language, level=body.context)
        told = answer(describe_priorities(pubkey, found, language=language), headers={"Cache-Control": "no-store"})
        return name_language(told, language)
