"""Many nodes in one answer: what is asked, and what is told of each."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mcp_saas.kit.errors import ProblemDetails
from nodes.engine.position import NetworkPosition
from recommendations.api.advice_contract import RecommendationList
from recommendations.engine.info import NodeInfoAnswer

MAX_PUBKEYS = 50
AnalysisType = Literal["basic", "historical", "network", "recommendations"]


class BulkBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Up to fifty nodes. One that is named twice is answered once, at its first place."""

    pubkeys: Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(min_length=1, max_length=MAX_PUBKEYS)]
    analysis_types: Annotated[tuple[AnalysisType, ...], Meta(min_length=1, max_length=8)] = ("basic",)
    use_cache: bool = True


class Withheld(Struct, frozen=True):
    """An analysis that was asked for and that there is not of this node."""

    analysis_type: AnalysisType
    why: str


class NodeAnalysis(Struct, frozen=True, kw_only=True):
    """One node: its analyses, null where not asked for, or a problem and nothing else."""

    pubkey: str
    is_own: bool = False
    basic: NodeInfoAnswer | None = None
    network: NetworkPosition | None = None
    recommendations: RecommendationList | None = None
    withheld: list[Withheld] = []
    problem: ProblemDetails | None = None


class BulkAnswer(Struct, frozen=True):
    """In the order in which they were asked for. `failed_count`: of those with a problem."""

    results: list[NodeAnalysis]
    total_count: int
    failed_count: int
