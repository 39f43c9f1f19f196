"""From a question to passages: plan, embed, one batched search, one ranking.

1. `prepare`: which documents, by which steps; the question in their language, embedded.
2. One request to the store with every step of every leg; MaxSim ranks all of the library's legs at once.
3. Each leg's steps are combined into one score, those of a box's own passages once they are opened.
4. The legs are joined by score.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from rag.engine.fusion import combine
from rag.engine.glossary.meanings import Named
from rag.engine.language import Language
from rag.engine.plan import Plan, Step
from rag.engine.question import Question
from rag.engine.refusal import TOP, Signs, cover, weigh_signs
from rag.engine.sparse import Bm25, Terms
from rag.engine.tokenise import tokenise
from rag.engine.types import Chunk
from rag.engine.weights import OWN_IDF
from rag.pipeline.point import TERMS
from rag.pipeline.prepare import Asked, Prepared, prepare
from rag.sources.embedder import Embedder
from rag.sources.qdrant.point import Content, Hit, Query, Vector
from rag.sources.qdrant.scope import Scope
from rag.sources.qdrant.store import Found
from tenants.sealing.tenant import current_keys

BM25 = Bm25()


class Searcher(Protocol):
    def search_and_rate(self, scope: Scope, queries: Sequence[Query], *, rated: Sequence[Query]) -> Found: ...


class Sought(NamedTuple):
    """A leg's question with its terms as the store numbers them."""

    asked: Asked
    terms: Terms

    @property
    def is_ranked(self) -> bool:
        """By MaxSim: then the steps before it are asked for what they say of its hits alone."""
        return self.asked.tokens is not None


class Sent(NamedTuple):
    asked: Asked
    step: Step
    query: Query


class Passage(Struct, frozen=True, kw_only=True):
    """`score` orders passages of all languages, of the library and of the box; `parts` is what each step said."""

    hit: Hit
    content: Content
    score: float
    parts: dict[str, float]


class Retrieved(Struct, frozen=True, kw_only=True):
    plan: Plan
    questions: tuple[Question, ...]
    named: Named | None
    passages: tuple[Passage, ...]


def retrieve(
    question: str, *, scope: Scope, store: Searcher, embedder: Embedder, limit: int, language: Language | None = None
) -> Retrieved:
    """Best first; with a tenant's scope its own documents too. Raises StoreError; without the embedder the plan is
    degraded.
    """
    prepared = prepare(question, embedder=embedder, has_own=not scope.is_shared, language=language)
    return search_prepared(prepared, scope=scope, store=store, limit=limit)


def search_prepared(prepared: Prepared, *, scope: Scope, store: Searcher, limit: int) -> Retrieved:
    key = None if scope.is_shared else current_keys().derive_digest_key(TERMS)
    sought = [_number(asked, key=key) for asked in prepared.asked]
    ranked = [one for one in sought if one.is_ranked]
    shown = [sent for one in sought if not one.is_ranked for sent in _list_steps(one)]
    rated = [sent for one in ranked for sent in _list_steps(one)]
    queries = [*_rank(ranked), *(one.query for one in shown)]
    found = store.search_and_rate(scope, queries, rated=[one.query for one in rated])
    best, listed = (found.hits[0], found.hits[1:]) if ranked else ([], found.hits)
    passages: list[Passage] = []
    for asked in prepared.asked:
        hits = {one.step: hits for one, hits in zip(shown, listed, strict=True) if one.asked is asked}
        if asked.tokens is not None:
            hits["maxsim"] = [hit for hit in best if hit.lang == asked.leg.lang]
        scores = {one.step: scores for one, scores in zip(rated, found.scores, strict=True) if one.asked is asked}
        passages += _join(asked, hits, rated=scores)
    passages.sort(key=lambda one: (-one.score, one.hit.id))
    questions = {asked.question.lang: asked.question for asked in prepared.asked}
    return Retrieved(
        plan=prepared.plan,
        questions=tuple(questions.values()),
        named=prepared.named,
        passages=tuple(passages[:limit]),
    )


def _number(asked: Asked, *, key: bytes | None) -> Sought:
    return Sought(asked, asked.question.number_terms(key=key if asked.leg.part == "own" else None))


def _list_steps(sought: Sought) -> list[Sent]:
    """One for each of vectors and BM25, where the question has what it searches by."""
    asked, terms = sought
    queries: list[tuple[Step, Query]] = []
    if asked.dense is not None:
        queries.append(("dense", _query(asked, dense=asked.dense)))
    if terms:
        queries.append(("bm25", _query(asked, terms=terms)))
    return [Sent(asked, step, query) for step, query in queries]


def _rank(ranked: Sequence[Sought]) -> list[Query]:
    """One for all: the library's legs have the question's tokens in common, and MaxSim the scale of its scores."""
    if not ranked:
        return []
    first = ranked[0].asked
    return [
        Query(
            tokens=first.tokens,
            part=first.leg.part,
            best_of=tuple(_query(asked, dense=asked.dense, terms=terms) for asked, terms in ranked),
            limit=sum(asked.leg.ranked for asked, _ in ranked),
        )
    ]


def _query(asked: Asked, *, dense: Vector | None = None, terms: Terms | None = None) -> Query:
    leg = asked.leg
    return Query(
        dense=dense,
        terms=terms or None,
        part=leg.part,
        lang=leg.lang,
        limit=leg.candidates,
        candidates=leg.candidates,
        ranked=leg.ranked,
    )


def _join(
    asked: Asked, hits: Mapping[Step, Sequence[Hit]], *, rated: Mapping[Step, Mapping[str, float]]
) -> list[Passage]:
    known = {hit.id: hit for listed in hits.values() for hit in listed}
    scores = {step: {hit.id: hit.score for hit in listed} for step, listed in hits.items()} | dict(rated)
    if asked.leg.part == "own":
        scores["bm25"] = {one: _count_words(hit.content, asked) for one, hit in known.items()}
    return [
        Passage(hit=known[one.id], content=known[one.id].content, score=one.score, parts=one.parts)
        for one in combine(scores, asked.leg.weights)
        if one.id in known
    ]


def _count_words(content: Content, asked: Asked) -> float:
    """BM25 as the library's would be: what the store says of a box's words depends on how few documents it has."""
    text = Chunk(0, content.path, content.text).passage
    return BM25.score(text, asked.leg.lang, words=asked.question.words, idf=OWN_IDF)


def rate_evidence(found: Retrieved) -> float:
    """How well the passages of the library answer the question, 0 to 1: `rag.engine.refusal`. With a model that nothing
    was fitted for, the share of the question's words they hold.
    """
    coverage = max((_cover(question, found.passages) for question in found.questions), default=0.0)
    if found.named is None:
        return coverage
    parts = [passage.parts for passage in found.passages if passage.hit.is_shared]
    signs = Signs(
        maxsim=max((one.get("maxsim", 0.0) for one in parts), default=0.0),
        dense=max((one.get("dense", 0.0) for one in parts), default=0.0),
        bm25=max((one.get("bm25", 0.0) for one in parts), default=0.0),
        coverage=coverage,
        nearness=found.named.nearness,
        farness=found.named.farness,
    )
    return weigh_signs(signs)


def _cover(question: Question, passages: Sequence[Passage]) -> float:
    best = [one.content for one in passages if one.hit.lang == question.lang][:TOP]
    return cover(
        question.asked_words,
        [frozenset(tokenise(f"{one.title} {one.text}", question.lang)) for one in best],
    )
