"""Many nodes in one answer."""

import structlog
from django.http import HttpResponse
from msgspec.structs import replace
from rest_framework.request import Request

from mcp_saas.api.auth import require_scope
from mcp_saas.api.body import answer, read_body
from mcp_saas.api.language import LANGUAGE, choose_language, name_language
from mcp_saas.api.openapi import endpoint
from mcp_saas.kit.errors import Problem
from nodes.engine.language.sentence import Language
from recommendations.api.bulk_contract import AnalysisType, BulkAnswer, BulkBody, NodeAnalysis, Withheld
from recommendations.api.recommendations import describe_list
from recommendations.pipeline.bulk import Analysed, analyse_nodes
from recommendations.pipeline.recommend import recommend
from tenants.api.view import TenantView
from tenants.context import current_tenant

log = structlog.get_logger(__name__)
PRIVATE: dict[AnalysisType, str] = {
    "historical": "the days of another node are not public",
    "recommendations": "they stand on balances and forwards, which of another node are not public",
}


class BulkView(TenantView):
    permission_classes = (require_scope("read", "device"),)

    @endpoint(
        "analyse_nodes",
        summary="Many nodes in one answer",
        tag="intelligence",
        body=BulkBody,
        answers={200: BulkAnswer},
        parameters=[LANGUAGE],
    )
    def post(self, request: Request) -> HttpResponse:
        """Each node with its analyses or with a problem of its own; a bad key fails no other. The own node is told in
        full, as `get_node_info` does; others by what the public graph says: `withheld` names what is not public.
        `basic`: all about the node; `historical`: its last thirty days with it; `network`: its place among all nodes;
        `recommendations`: as `list_recommendations` does.
        """
        body = read_body(request, BulkBody)
        asked = analyse_nodes(
            body.pubkeys, include_historical="historical" in body.analysis_types, use_cache=body.use_cache
        )
        instance = f"urn:uuid:{request.META['REQUEST_ID']}"
        language = choose_language(request)
        results = [describe(one, body, instance=instance) for one in asked]
        if "recommendations" in body.analysis_types:
            results = [add_recommendations(one, language, use_cache=body.use_cache) for one in results]
        failed_count = sum(one.problem is not None for one in results)
        whole = BulkAnswer(results, len(results), failed_count)
        return name_language(answer(whole, headers={"Cache-Control": "no-store"}), language)


def add_recommendations(one: NodeAnalysis, language: Language, *, use_cache: bool) -> NodeAnalysis:
    """To the own node; where they fail, the rest of it is told all the same."""
    if not one.is_own or one.problem:
        return one
    try:
        found = recommend(language, use_cache=use_cache)
        listed = describe_list(one.pubkey, found, listed=found.advice, language=language, level="intermediate")
    except Exception:  # whatever it is, the other analyses are told
        log.exception("own_node_not_advised")
        failed = Withheld("recommendations", "they failed, which was recorded: ask again")
        return replace(one, withheld=[*one.withheld, failed])
    return replace(one, recommendations=listed)


def describe(one: Analysed, body: BulkBody, *, instance: str) -> NodeAnalysis:
    is_own, asked, found = one.pubkey == current_tenant().pubkey, body.analysis_types, one.found
    if isinstance(found, Problem):
        return NodeAnalysis(pubkey=one.pubkey, is_own=is_own, problem=found.describe(instance=instance))
    shown = NodeAnalysis(
        pubkey=one.pubkey,
        is_own=is_own,
        basic=found if {"basic", "historical"} & set(asked) else None,
        network=found.network_position if "network" in asked else None,
    )
    return (
        shown
        if is_own
        else replace(shown, withheld=[Withheld(name, PRIVATE[name]) for name in asked if name in PRIVATE])
    )
