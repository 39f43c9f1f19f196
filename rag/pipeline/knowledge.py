"""What the library and the asker's own documents hold on a question: nothing that does not look like an answer.

Passages are those of `rag.pipeline.retrieve`. A box's own have no token vectors: to rate them, the share of the
question's words that they hold stands where MaxSim does.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple, cast

from msgspec.structs import replace

from rag.engine.evidence import UNDER, Evidence
from rag.engine.extract import OWN_SOURCE
from rag.engine.heading import find_answering
from rag.engine.language import Language
from rag.engine.question import Question
from rag.engine.refusal import REFUSED_BELOW, cover, rate_own
from rag.engine.tokenise import tokenise
from rag.pipeline import passages, retrieve
from rag.pipeline.library import is_being_read
from rag.pipeline.passages import LIMIT, KnowledgeAwayError
from rag.pipeline.point import Index
from rag.pipeline.search import search_passages, search_shared
from rag.pipeline.twin import put_into
from rag.sources.qdrant.errors import ForeignPointError, StoreError
from rag.sources.qdrant.point import Content

DEPTH = 120  # all that a search looks at
HEADED = 0.3  # of a passage whose headings say what was asked
SPOKEN, SPOKEN_COVERAGE = 3, 0.5
NEAR = 0.2  # of `rate_evidence`: what lies below has nothing to do with the question


class Ranked(NamedTuple):
    passage: retrieve.Passage
    score: float


def search_knowledge(
    question: str, index: Index | None = None, *, language: Language | None = None
) -> passages.Retrieved:
    """For the tenant we are in, the best first. Passages that do not look like an answer are left out, of the library
    all together and of own documents each. `language`: of the answer; null: the question's. Raises KnowledgeAwayError,
    also without the embedder: by words alone nobody can say what is an answer.
    """
    return _search(search_passages, question, index=index, language=language)


def search_library(question: str, index: Index | None = None) -> passages.Retrieved:
    """The same for the library alone, whoever asks. Raises KnowledgeAwayError."""
    return _search(search_shared, question, index=index)


def _search(
    search: Callable[..., retrieve.Retrieved],
    question: str,
    *,
    index: Index | None,
    language: Language | None = None,
) -> passages.Retrieved:
    try:
        found = search(question, limit=DEPTH, index=index)
    except (StoreError, ForeignPointError) as error:
        raise KnowledgeAwayError(str(error)) from error
    if found.plan.degraded:
        raise KnowledgeAwayError("the embedder does not answer")
    language = language or found.plan.language
    best = _put_first(_find_headed(question, found), _choose(_rank(found), found))
    if not best and is_being_read():
        raise KnowledgeAwayError("the library is being read")
    told = put_into(language, [_tell(one) for one in best])
    return passages.Retrieved(tuple(told), answerable=bool(best), nearest=_name_nearest(found, language))


def _find_headed(question: str, found: retrieve.Retrieved) -> retrieve.Passage | None:
    """Of the library alone: a box's own documents may have any heading."""
    library = [one for one in found.passages if one.hit.is_shared]
    told = [_tell(one) for one in library]
    headed = find_answering(question, told)
    return None if headed is None else library[told.index(headed)]


def _put_first(first: retrieve.Passage | None, ranked: Sequence[Ranked]) -> list[retrieve.Passage]:
    others = [one.passage for one in ranked if first is None or one.passage.hit.id != first.hit.id]
    return ([] if first is None else [first]) + others


def _name_nearest(found: retrieve.Retrieved, language: Language) -> str:
    """The heading of the library's section that stands first, in the language of the answer."""
    library = replace(found, passages=tuple(one for one in found.passages if one.hit.is_shared))
    if not library.passages or retrieve.rate_evidence(library) < NEAR:
        return ""
    (nearest,) = put_into(language, [_tell(library.passages[0])])
    return nearest.heading


def _rank(found: retrieve.Retrieved) -> list[Ranked]:
    library = replace(found, passages=tuple(one for one in found.passages if one.hit.is_shared))
    own = [one for one in found.passages if not one.hit.is_shared]
    kept = list(library.passages) if retrieve.rate_evidence(library) >= REFUSED_BELOW else []
    kept += [one for one in own if _rate_own(one, found) >= REFUSED_BELOW]
    ranked = [Ranked(one, one.score + HEADED * _cover(found, _headings_of(one.content))) for one in kept]
    return sorted(ranked, key=_order)


def _rate_own(passage: retrieve.Passage, found: retrieve.Retrieved) -> float:
    return rate_own(dense=passage.parts.get("dense", 0.0), coverage=_cover(found, _whole_of(passage.content)))


def _choose(ranked: Sequence[Ranked], found: retrieve.Retrieved) -> list[Ranked]:
    """The best, of which some are in the asker's language where any there hold half of the question: a quote is not
    translated.
    """
    spoken = [
        one
        for one in ranked
        if one.passage.hit.lang == found.plan.language
        and _cover(found, _whole_of(one.passage.content)) >= SPOKEN_COVERAGE
    ][:SPOKEN]
    others = [one for one in ranked if one not in spoken][: LIMIT - len(spoken)]
    return sorted([*spoken, *others], key=_order)


def _order(one: Ranked) -> tuple[float, str]:
    return -one.score, one.passage.hit.id


def _cover(found: retrieve.Retrieved, text: str) -> float:
    """Share of the question's words, by weight, in whichever language holds more."""
    return max((_cover_question(question, text) for question in found.questions), default=0.0)


def _cover_question(question: Question, text: str) -> float:
    """0 for a question without words of its own: it tells nothing of any passage."""
    words = frozenset(tokenise(text, question.lang))
    return cover(question.asked_words, [words]) if question.asked_words else 0.0


def _headings_of(content: Content) -> str:
    return "\n".join((content.title, *content.path))


def _whole_of(content: Content) -> str:
    return f"{_headings_of(content)}\n{content.text}"


def _tell(passage: retrieve.Passage) -> Evidence:
    hit, content = passage.hit, passage.content
    headings = [content.title, *(one for one in content.path if one != content.title)]
    return Evidence(
        id=hit.chunk,
        kind="passage",
        text=content.text,
        language=cast("Language", hit.lang),
        title=UNDER.join(headings),
        source=content.source if hit.is_shared else OWN_SOURCE,
        licence=content.licence,
    )
