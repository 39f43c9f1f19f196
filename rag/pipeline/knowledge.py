"""What the library and the asker's own documents hold on a question.

The library is searched by `rag.pipeline.retrieve`. A box's own points carry no token vectors and keyed terms: they are
searched apart, and the share of the question's words that a passage holds stands where MaxSim does.
"""

from collections.abc import Sequence
from typing import NamedTuple, cast

from msgspec import Struct

from rag.engine.embedding import EmbedderError
from rag.engine.evidence import Evidence
from rag.engine.language import Language
from rag.engine.plan import ENGLISH
from rag.engine.refusal import REFUSED_BELOW, Signs, cover, weigh_signs
from rag.engine.tokenise import tokenise
from rag.pipeline.passages import LIMIT, KnowledgeAwayError, Passage, Retrieved
from rag.pipeline.point import TERMS, Index, open_index
from rag.pipeline.retrieve import Asked, Prepared, prepare, rate_evidence, search_prepared
from rag.sources.qdrant import scope
from rag.sources.qdrant.errors import ForeignPointError, StoreError
from rag.sources.qdrant.point import Content, Hit, Query
from tenants.context import current_tenant
from tenants.sealing.tenant import current_keys

CANDIDATES = 20  # of own documents
DEPTH = 30  # of the library
SPOKEN, SPOKEN_COVERAGE = 3, 0.5
OWN_SOURCE = "document"


class Ranked(NamedTuple):
    hit: Hit
    score: float


class OwnHit(Struct, frozen=True, kw_only=True):
    """`coverage`: share of the question's words, by weight, that it holds."""

    hit: Hit
    dense: float
    bm25: float
    coverage: float

    @property
    def score(self) -> float:
        """On the scale of the library's passages."""
        return ENGLISH.dense * self.dense + ENGLISH.bm25 * self.bm25 + ENGLISH.maxsim * self.coverage

    @property
    def rating(self) -> float:
        signs = Signs(maxsim=self.coverage, dense=self.dense, bm25=self.bm25, coverage=self.coverage)
        return weigh_signs(signs)


def search_knowledge(question: str, index: Index | None = None) -> Retrieved:
    """For the tenant we are in, the best first. Passages that do not look like an answer are left out, of the library
    all together and of own documents each. Raises KnowledgeAwayError.
    """
    try:
        index = index or open_index()
        prepared = prepare(question, embedder=index.embedder)
        found = search_prepared(prepared, scope=scope.shared(), store=index.store, embedder=index.embedder, limit=DEPTH)
        own = _search_own(prepared, index)
    except (StoreError, EmbedderError, ForeignPointError) as error:
        raise KnowledgeAwayError(str(error)) from error
    ranked = [Ranked(one.hit, one.score) for one in found.passages if rate_evidence(found) >= REFUSED_BELOW]
    ranked += [Ranked(one.hit, one.score) for one in own if one.rating >= REFUSED_BELOW]
    best = _choose(sorted(ranked, key=lambda one: (-one.score, one.hit.id)), prepared)
    return Retrieved(tuple(_tell(one.hit, score=one.score) for one in best), answerable=bool(best))


def _choose(ranked: Sequence[Ranked], prepared: Prepared) -> list[Ranked]:
    """The best, of which some are in the asker's language where any there hold half of the question: a quote is not
    translated.
    """
    spoken = [
        one
        for one in ranked
        if one.hit.lang == prepared.plan.language and _cover_best(prepared, one.hit) >= SPOKEN_COVERAGE
    ][:SPOKEN]
    others = [one for one in ranked if one not in spoken][: LIMIT - len(spoken)]
    return sorted([*spoken, *others], key=lambda one: (-one.score, one.hit.id))


def _search_own(prepared: Prepared, index: Index) -> list[OwnHit]:
    key = current_keys().derive_digest_key(TERMS)
    dense = [Query(dense=one.embedded.dense, limit=CANDIDATES, part="own") for one in prepared.asked if one.embedded]
    terms = [
        Query(terms=numbers, lang=one.leg.lang, limit=CANDIDATES, part="own")
        for one in prepared.asked
        if (numbers := one.question.number_terms(key=key))
    ]
    lists = index.store.search(scope.own(current_tenant().id), [*dense, *terms])
    alike = _best_scores(lists[: len(dense)])
    worded = _best_scores(lists[len(dense) :])
    hits = {hit.id: hit for found in lists for hit in found}
    return [
        OwnHit(
            hit=hit,
            dense=alike.get(hit.id, 0.0),
            bm25=worded.get(hit.id, 0.0),
            coverage=_cover_best(prepared, hit),
        )
        for hit in hits.values()
    ]


def _best_scores(lists: Sequence[Sequence[Hit]]) -> dict[str, float]:
    scores: dict[str, float] = {}
    for hit in (hit for found in lists for hit in found):
        scores[hit.id] = max(hit.score, scores.get(hit.id, hit.score))
    return scores


def _cover_best(prepared: Prepared, hit: Hit) -> float:
    return max(_cover(asked, hit) for asked in prepared.asked)


def _cover(asked: Asked, hit: Hit) -> float:
    """0 for a question without words of its own: it tells nothing of any passage."""
    content, question = _read(hit), asked.question
    if not question.asked_words:
        return 0.0
    text = "\n".join((content.title, *content.path, content.text))
    return cover(question.asked_words, [frozenset(tokenise(text, question.lang))])


def _tell(hit: Hit, *, score: float) -> Passage:
    content = _read(hit)
    headings = [content.title, *(one for one in content.path if one != content.title)]
    evidence = Evidence(
        id=hit.chunk,
        kind="passage",
        text=content.text,
        language=cast("Language", hit.lang),
        title=" > ".join(headings),
        source=content.source if hit.is_shared else OWN_SOURCE,
        licence=content.licence,
    )
    return Passage(evidence, score)


def _read(hit: Hit) -> Content:
    return hit.content or Content(text="")
