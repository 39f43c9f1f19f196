"""From a question to passages: plan, embed, one batched search, one ranking.

1. `prepare`: which documents, by which steps; the question in their language, embedded.
2. One request to the store with every step of every leg.
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
from rag.engine.sparse import Bm25
from rag.engine.tokenise import tokenise
from rag.engine.types import Chunk
from rag.engine.weights import OWN_IDF
from rag.pipeline.point import TERMS
from rag.pipeline.prepare import Asked, Prepared, prepare
from rag.sources.embedder import Embedder
from rag.sources.qdrant.point import Content, Hit, Query
from rag.sources.qdrant.scope import Scope
from rag.sources.qdrant.store import Found
from tenants.sealing.tenant import current_keys

BM25 = Bm25()


class Searcher(Protocol):
    def search_and_rate(self, scope: Scope, queries: Sequence[Query], *, rated: Sequence[Query]) -> Found: ...


class Sent(NamedTuple):
    """`is_shown`: its hits are read. Beside MaxSim the steps before it are asked for what they say of its hits."""

    asked: Asked
    step: Step
    query: Query

    @property
    def is_shown(self) -> bool:
        return self.step == "maxsim" or self.asked.tokens is None or "maxsim" not in self.asked.leg.steps


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
    wanted = [(asked, step) for asked in prepared.asked for step in asked.leg.steps]
    sent = [Sent(asked, step, query) for asked, step in wanted if (query := _query(asked, step, key=key)) is not None]
    shown, rated = [one for one in sent if one.is_shown], [one for one in sent if not one.is_shown]
    found = store.search_and_rate(scope, [one.query for one in shown], rated=[one.query for one in rated])
    passages: list[Passage] = []
    for asked in prepared.asked:
        hits = {one.step: hits for one, hits in zip(shown, found.hits, strict=True) if one.asked is asked}
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


def _query(asked: Asked, step: Step, *, key: bytes | None) -> Query | None:
    """None: the question has nothing this step could search by."""
    leg = asked.leg
    terms = asked.question.number_terms(key=key if leg.part == "own" else None)
    if not _has_what(step, asked=asked, terms=terms):
        return None
    return Query(
        dense=asked.dense if step != "bm25" else None,
        terms=(terms or None) if step != "dense" else None,
        tokens=asked.tokens if step == "maxsim" else None,
        part=leg.part,
        lang=leg.lang,
        limit=leg.ranked if step == "maxsim" else leg.candidates,
        candidates=leg.candidates,
        ranked=leg.ranked,
    )


def _has_what(step: Step, *, asked: Asked, terms: Mapping[int, float]) -> bool:
    return {"dense": asked.dense is not None, "bm25": bool(terms), "maxsim": asked.tokens is not None}[step]


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
