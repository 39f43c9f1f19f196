"""A question made ready for the store: planned, put into the language of each leg, embedded once."""

from collections.abc import Mapping, Sequence

import msgspec
import structlog
from msgspec import Struct

from rag.engine.embedding import Embedded, EmbedderError, Vector, Vectors
from rag.engine.glossary.meanings import Named, add_terms, mix_named, name_things
from rag.engine.language import Language, detect_language
from rag.engine.plan import Leg, Plan, make_plan
from rag.engine.question import Question, read_question
from rag.engine.vectors import mix_dense, mix_tokens
from rag.pipeline.passage import find_meanings, find_stops
from rag.sources.embedder import Embedder

log = structlog.get_logger(__name__)


class Asked(Struct, frozen=True, kw_only=True):
    """A leg, and the question as it is put to its documents. Vectors where its steps need them and there are some."""

    leg: Leg
    question: Question
    dense: Vector | None = None
    tokens: Vectors | None = None


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
    embedded = _embed(text, plan, questions=questions, embedder=embedder)
    named = _name(questions["en"], embedded, embedder=embedder) if plan.rerank else None
    if named is not None:
        question = questions["en"]
        questions["en"] = msgspec.structs.replace(question, words=add_terms(question.words, named))
    return Prepared(
        plan=plan,
        named=named,
        asked=tuple(
            _ask(leg, text=text, question=questions[leg.lang], embedded=embedded, named=named, embedder=embedder)
            for leg in plan.legs
        ),
    )


def _embed(text: str, plan: Plan, *, questions: Mapping[Language, Question], embedder: Embedder) -> dict[str, Embedded]:
    """Each text once, all in one call; nothing is asked where no leg needs a vector."""
    legs = [leg for leg in plan.legs if "dense" in leg.steps]
    texts = list(dict.fromkeys(one for leg in legs for one in _texts_of(leg, text=text, question=questions[leg.lang])))
    if not texts:
        return {}
    with_tokens = any("maxsim" in leg.steps for leg in legs)
    return dict(zip(texts, embedder.embed(texts, with_tokens=with_tokens), strict=True))


def _texts_of(leg: Leg, *, text: str, question: Question) -> Sequence[str]:
    """A model of all languages is asked in the asker's own words, the English one in English and the field's words."""
    if leg.reads_all:
        return [text]
    return [question.text, question.field_words] if question.field_words else [question.text]


def _ask(
    leg: Leg,
    *,
    text: str,
    question: Question,
    embedded: Mapping[str, Embedded],
    named: Named | None,
    embedder: Embedder,
) -> Asked:
    if "dense" not in leg.steps:
        return Asked(leg=leg, question=question)
    own, *field = [embedded[one] for one in _texts_of(leg, text=text, question=question)]
    tokens = None
    if "maxsim" in leg.steps:
        tokens = mix_tokens(own, field[0] if field else None, stops=find_stops(embedder))
    dense = mix_dense(own, field[0] if field else None)
    return Asked(
        leg=leg, question=question, dense=mix_named(dense, named) if named is not None else dense, tokens=tokens
    )


def _name(question: Question, embedded: Mapping[str, Embedded], *, embedder: Embedder) -> Named:
    return name_things(embedded[question.text].dense, find_meanings(embedder))
