"""What is searched for and what is answered, as JSON."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from mcp_saas.kit.text import telling
from rag.engine.plain import disarm, make_plain
from rag.engine.plan import Leg, Plan
from rag.pipeline.retrieve import Passage, Retrieved

LARGEST = 50


class SearchBody(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A question, or words, in English or French."""

    query: Annotated[str, telling(max_length=1000)]
    limit: Annotated[int, Meta(ge=1, le=LARGEST)] = 10


class PassageAnswer(Struct, frozen=True, kw_only=True):
    """`document`: an own document's id, as below /knowledge/documents, or the library's. `section`: the headings above
    the passage, outermost first. `score` orders; it is no probability. `text` is plain: no image, address or tag in it.
    """

    chunk_id: str
    document: str
    title: str
    section: list[str]
    score: float
    text: str
    lang: Literal["en", "fr"]
    origin: Literal["library", "document"]
    source: str
    licence: str


class LegFilters(Struct, frozen=True):
    """Nothing else is searched by this leg."""

    origin: Literal["library", "document"]
    lang: Literal["en", "fr"]


class LegAnswer(Struct, frozen=True, kw_only=True):
    """One search. `steps` run in this order, over so many `candidates` each, MaxSim over the best `ranked` of the steps
    before it; the score is `offset` and the sum of each step's score times its weight.
    """

    filters: LegFilters
    steps: list[Literal["dense", "bm25", "maxsim"]]
    weights: dict[str, float]
    offset: float
    candidates: int
    ranked: int
    is_translated: bool


class PlanAnswer(Struct, frozen=True, kw_only=True):
    """`language` of the question; `model` that embeds; `rerank`: null where the model has no vectors of words.
    `degraded`: what was out of service and done without.
    """

    language: Literal["en", "fr"]
    model: str
    rerank: Literal["maxsim"] | None
    legs: list[LegAnswer]
    degraded: list[Literal["embedder"]]


class SearchAnswer(Struct, frozen=True):
    """The best first."""

    results: list[PassageAnswer]
    plan: PlanAnswer


def describe_search(found: Retrieved) -> SearchAnswer:
    return SearchAnswer([_describe_passage(one) for one in found.passages], _describe_plan(found.plan))


def _describe_passage(passage: Passage) -> PassageAnswer:
    hit, content = passage.hit, passage.content
    return PassageAnswer(
        chunk_id=hit.chunk,
        document=hit.document,
        title=make_plain(content.title),
        section=[make_plain(one) for one in content.path],
        score=round(passage.score, 4),
        text=disarm(content.text),
        lang="fr" if hit.lang == "fr" else "en",
        origin="library" if hit.is_shared else "document",
        source=content.source,
        licence=content.licence,
    )


def _describe_plan(plan: Plan) -> PlanAnswer:
    return PlanAnswer(
        language=plan.language,
        model=plan.model,
        rerank=plan.rerank,
        legs=[_describe_leg(leg) for leg in plan.legs],
        degraded=list(plan.degraded),
    )


def _describe_leg(leg: Leg) -> LegAnswer:
    return LegAnswer(
        filters=LegFilters("library" if leg.part == "shared" else "document", leg.lang),
        steps=list(leg.steps),
        weights={step: getattr(leg.weights, step) for step in leg.steps},
        offset=leg.weights.offset,
        candidates=leg.candidates,
        ranked=leg.ranked,
        is_translated=leg.is_translated,
    )
