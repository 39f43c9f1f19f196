"""What the library and the asker's own documents hold on a question.

Passages that do not look like an answer are left out: of the library all together, of own documents each. These carry
no token vectors, so the share of the question's words that one holds stands where MaxSim does.
"""

from collections.abc import Sequence
from typing import cast

import msgspec

from rag.engine.evidence import Evidence
from rag.engine.language import Language
from rag.engine.question import Question
from rag.engine.refusal import REFUSED_BELOW, Signs, cover, weigh_signs
from rag.engine.tokenise import tokenise
from rag.pipeline import retrieve
from rag.pipeline.passages import LIMIT, KnowledgeAwayError, Passage, Retrieved
from rag.pipeline.point import Index
from rag.pipeline.search import search_passages
from rag.sources.qdrant.errors import ForeignPointError, StoreError

DEPTH = 40  # passages that are looked at, before those go that do not answer
SPOKEN, SPOKEN_COVERAGE = 3, 0.5
OWN_SOURCE = "document"


def search_knowledge(question: str, index: Index | None = None) -> Retrieved:
    """For the tenant we are in, the best first. Raises KnowledgeAwayError."""
    try:
        found = search_passages(question, limit=DEPTH, index=index)
    except (StoreError, ForeignPointError) as error:
        raise KnowledgeAwayError(str(error)) from error
    if found.plan.degraded:
        raise KnowledgeAwayError("words alone do not tell whether a passage answers")
    shared = tuple(one for one in found.passages if one.hit.is_shared)
    if retrieve.rate_evidence(msgspec.structs.replace(found, passages=shared)) < REFUSED_BELOW:
        shared = ()
    own = [one for one in found.passages if not one.hit.is_shared and _rate(one, found.questions) >= REFUSED_BELOW]
    best = _choose(sorted([*shared, *own], key=lambda one: (-one.score, one.hit.id)), found)
    return Retrieved(tuple(_tell(one) for one in best), answerable=bool(best))


def _choose(ranked: Sequence[retrieve.Passage], found: retrieve.Retrieved) -> list[retrieve.Passage]:
    """The best, of which some are in the asker's language where any there hold half of the question: a quote is not
    translated.
    """
    spoken = [
        one
        for one in ranked
        if one.hit.lang == found.plan.language and _cover_best(found.questions, one) >= SPOKEN_COVERAGE
    ][:SPOKEN]
    others = [one for one in ranked if one not in spoken][: LIMIT - len(spoken)]
    return sorted([*spoken, *others], key=lambda one: (-one.score, one.hit.id))


def _rate(passage: retrieve.Passage, questions: Sequence[Question]) -> float:
    coverage = _cover_best(questions, passage)
    parts = passage.parts
    signs = Signs(maxsim=coverage, dense=parts.get("dense", 0.0), bm25=parts.get("bm25", 0.0), coverage=coverage)
    return weigh_signs(signs)


def _cover_best(questions: Sequence[Question], passage: retrieve.Passage) -> float:
    return max(_cover(question, passage) for question in questions)


def _cover(question: Question, passage: retrieve.Passage) -> float:
    """0 for a question without words of its own: it tells nothing of any passage."""
    if not question.asked_words:
        return 0.0
    content = passage.content
    text = "\n".join((content.title, *content.path, content.text))
    return cover(question.asked_words, [frozenset(tokenise(text, question.lang))])


def _tell(passage: retrieve.Passage) -> Passage:
    hit, content = passage.hit, passage.content
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
    return Passage(evidence, passage.score)
