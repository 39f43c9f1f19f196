"""From a question to passages: plan, embed, one batched search, one ranking.

1. `make_plan`: which documents, by which steps. 2. The question is put into their language and embedded, once for each.
3. One request to the store with every step of every leg. 4. Each leg's steps are combined, the legs joined by score.
"""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from rag.engine.embedding import Embedded
from rag.engine.fusion import Scored, combine
from rag.engine.language import Language, detect_language
from rag.engine.plan import Leg, Plan, Step, make_plan
from rag.engine.question import Question, read_question
from rag.engine.refusal import TOP, Signs, cover, weigh_signs
from rag.engine.stop_words import STOP_WORDS
from rag.engine.tokenise import tokenise
from rag.engine.vectors import mix_dense, mix_tokens
from rag.sources.embedder import Embedder
from rag.sources.qdrant.point import Hit, Query
from rag.sources.qdrant.scope import Scope


class Searcher(Protocol):
    def search(self, scope: Scope, queries: Sequence[Query]) -> list[list[Hit]]: ...


class Asked(Struct, frozen=True, kw_only=True):
    """A leg and the question as it is put to its documents, embedded where a step needs it."""

    leg: Leg
    question: Question
    embedded: Embedded | None = None
    field: Embedded | None = None


class Passage(Struct, frozen=True, kw_only=True):
    """`score` orders passages of all languages; `parts` is what each step said."""

    hit: Hit
    score: float
    parts: dict[str, float]


class Retrieved(Struct, frozen=True, kw_only=True):
    plan: Plan
    questions: tuple[Question, ...]
    passages: tuple[Passage, ...]


def retrieve(
    question: str, *, scope: Scope, store: Searcher, embedder: Embedder, limit: int, language: Language | None = None
) -> Retrieved:
    """Best first. Raises StoreError, ModelError."""
    prepared = prepare(question, embedder=embedder, language=language)
    return search_prepared(prepared, scope=scope, store=store, embedder=embedder, limit=limit)


class Prepared(Struct, frozen=True, kw_only=True):
    plan: Plan
    asked: tuple[Asked, ...]


def prepare(question: str, *, embedder: Embedder, language: Language | None = None) -> Prepared:
    """All that is done before the store is asked."""
    language = language or detect_language(question)
    plan = make_plan(language, model=embedder.model.id, has_tokens=embedder.model.has_tokens)
    return Prepared(plan=plan, asked=tuple(_ask(question, leg, plan=plan, embedder=embedder) for leg in plan.legs))


def search_prepared(prepared: Prepared, *, scope: Scope, store: Searcher, embedder: Embedder, limit: int) -> Retrieved:
    wanted = [
        (asked, step, _query(asked, step, embedder=embedder)) for asked in prepared.asked for step in asked.leg.steps
    ]
    sent = [(asked, step, query) for asked, step, query in wanted if query is not None]
    lists = store.search(scope, [query for _, _, query in sent])
    passages: list[Passage] = []
    for asked in prepared.asked:
        found = {step: hits for (whose, step, _), hits in zip(sent, lists, strict=True) if whose is asked}
        passages += _join(found, asked.leg)
    passages.sort(key=lambda one: (-one.score, one.hit.id))
    questions = tuple(asked.question for asked in prepared.asked)
    return Retrieved(plan=prepared.plan, questions=questions, passages=tuple(passages[:limit]))


_stops: dict[str, frozenset[int]] = {}  # by model


def find_stops(embedder: Embedder) -> frozenset[int]:
    """The model's word pieces of the words that say nothing."""
    name = embedder.model.id
    if name not in _stops:
        (embedded,) = embedder.embed([" ".join(sorted(STOP_WORDS["en"]))], with_tokens=True)
        _stops[name] = frozenset() if embedded.pieces is None else frozenset(embedded.pieces.tolist())
    return _stops[name]


def _ask(question: str, leg: Leg, *, plan: Plan, embedder: Embedder) -> Asked:
    put = read_question(question, asked_in=plan.language, documents=leg.lang)
    if "dense" not in leg.steps:
        return Asked(leg=leg, question=put)
    texts = [put.text, put.field_words] if put.field_words else [put.text]
    embedded = embedder.embed(texts, with_tokens="maxsim" in leg.steps)
    return Asked(leg=leg, question=put, embedded=embedded[0], field=embedded[1] if put.field_words else None)


def _query(asked: Asked, step: Step, *, embedder: Embedder) -> Query | None:
    """None: the question has nothing this step could search by. The last step's hits come with their text."""
    leg, embedded = asked.leg, asked.embedded
    terms = asked.question.number_terms()
    dense = mix_dense(embedded, asked.field) if embedded is not None else None
    is_last = step == leg.steps[-1]
    if step == "dense":
        return Query(dense=dense, lang=leg.lang, limit=leg.candidates, candidates=leg.candidates, has_content=is_last)
    if step == "bm25":
        if not terms:
            return None
        return Query(terms=terms, lang=leg.lang, limit=leg.candidates, candidates=leg.candidates, has_content=is_last)
    tokens = mix_tokens(embedded, asked.field, stops=find_stops(embedder)) if embedded is not None else None
    if tokens is None:
        return None
    return Query(
        dense=dense, terms=terms or None, tokens=tokens, lang=leg.lang, limit=leg.candidates, candidates=leg.candidates
    )


def _join(found: dict[Step, list[Hit]], leg: Leg) -> list[Passage]:
    hits = {hit.id: hit for step in leg.steps for hit in found.get(step, []) if hit.content is not None}
    scores = {step: {hit.id: hit.score for hit in listed} for step, listed in found.items()}
    ranked: list[Scored] = combine(scores, leg.weights)
    return [Passage(hit=hits[one.id], score=one.score, parts=one.parts) for one in ranked if one.id in hits]


def rate_evidence(found: Retrieved) -> float:
    """How well the passages answer the question, 0 to 1: `rag.engine.refusal`."""
    return weigh_signs(read_signs(found))


def read_signs(found: Retrieved) -> Signs:
    parts = [passage.parts for passage in found.passages]
    coverage = max((_cover(question, found.passages) for question in found.questions), default=0.0)
    return Signs(
        maxsim=max((one.get("maxsim", 0.0) for one in parts), default=0.0),
        dense=max((one.get("dense", 0.0) for one in parts), default=0.0),
        bm25=max((one.get("bm25", 0.0) for one in parts), default=0.0),
        coverage=coverage,
    )


def _cover(question: Question, passages: Sequence[Passage]) -> float:
    best = [one.hit for one in passages if one.hit.lang == question.lang][:TOP]
    texts = [f"{hit.content.title} {hit.content.text}" for hit in best if hit.content is not None]
    return cover(question.asked_words, [frozenset(tokenise(text, question.lang)) for text in texts])
