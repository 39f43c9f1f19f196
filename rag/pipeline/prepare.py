"""A question made ready for the store: planned, put into the language of each leg, embedded once."""

import msgspec
import structlog
from msgspec import Struct

from mcp_saas.kit.patience import within
from rag.engine.embedding import EmbedderError, Vector, Vectors
from rag.engine.glossary.meanings import Named, add_terms, mix_named, name_things
from rag.engine.language import Language, detect_language
from rag.engine.plan import Leg, Plan, make_plan
from rag.engine.question import Question, read_question
from rag.engine.vectors import mix_dense, mix_tokens
from rag.pipeline.passage import find_meanings, find_stops
from rag.sources.embedder import Embedder

log = structlog.get_logger(__name__)
EMBEDDING_S = 5.0  # it may have to be started; then the words of the question are searched alone


class Asked(Struct, frozen=True, kw_only=True):
    """A leg, and the question as it is put to its documents. Vectors where its steps need them and there are some."""

    leg: Leg
    question: Question
    dense: Vector | None = None
    tokens: Vectors | None = None


class _Vectors(Struct, frozen=True, kw_only=True):
    """Of the question: one for all legs, since all documents were embedded in what the model reads."""

    dense: Vector | None = None
    tokens: Vectors | None = None
    named: Named | None = None


class Prepared(Struct, frozen=True, kw_only=True):
    """`named`: what of the field the question is about; None where the model's cosines do not tell."""

    plan: Plan
    asked: tuple[Asked, ...]
    named: Named | None = None


def prepare(question: str, *, embedder: Embedder, has_own: bool, language: Language | None = None) -> Prepared:
    """All that is done before the store is asked. Where the embedder fails, the plan does without vectors."""
    language = language or detect_language(question)
    plan = make_plan(language, model=embedder.model, has_own=has_own)
    try:
        return _prepare(question, plan, embedder=embedder)
    except EmbedderError as error:
        log.warning("question_not_embedded", error=str(error))
        plan = make_plan(language, model=embedder.model, has_own=has_own, has_vectors=False)
        return _prepare(question, plan, embedder=embedder)


def _prepare(text: str, plan: Plan, *, embedder: Embedder) -> Prepared:
    langs = {leg.lang for leg in plan.legs}
    questions = {lang: read_question(text, asked_in=plan.language, documents=lang) for lang in langs}
    vectors = _embed(text, plan, english=questions["en"], embedder=embedder)
    if vectors.named is not None:
        words = add_terms(questions["en"].words, vectors.named)
        questions["en"] = msgspec.structs.replace(questions["en"], words=words)
    return Prepared(
        plan=plan,
        named=vectors.named,
        asked=tuple(_ask(leg, question=questions[leg.lang], vectors=vectors) for leg in plan.legs),
    )


def _embed(text: str, plan: Plan, *, english: Question, embedder: Embedder) -> _Vectors:
    """All in one call; nothing is asked where no leg needs a vector. A model of all languages is asked in the asker's
    own words; the English one in English and the field's words, whatever language the documents were in.
    """
    legs = [leg for leg in plan.legs if "dense" in leg.steps]
    if not legs:
        return _Vectors()
    texts = [text] if legs[0].reads_all else [english.text, *filter(None, [english.field_words])]
    with within(EMBEDDING_S):
        own, *rest = embedder.embed(texts, with_tokens=plan.rerank is not None)
    field = rest[0] if rest else None
    dense = mix_dense(own, field)
    if plan.rerank is None:
        return _Vectors(dense=dense)
    named = name_things(own.dense, find_meanings(embedder))
    tokens = mix_tokens(own, field, stops=find_stops(embedder))
    return _Vectors(dense=mix_named(dense, named), tokens=tokens, named=named)


def _ask(leg: Leg, *, question: Question, vectors: _Vectors) -> Asked:
    return Asked(
        leg=leg,
        question=question,
        dense=vectors.dense if "dense" in leg.steps else None,
        tokens=vectors.tokens if "maxsim" in leg.steps else None,
    )
