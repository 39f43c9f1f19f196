"""An answer without a model: the sentences of the best passages that say most of what was asked, word for word."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from rag.engine.citation import MAX_SENTENCE_CHARS
from rag.engine.evidence import Citation, Evidence, Language, Sentence
from rag.engine.plain import has_markup
from rag.engine.sentences import cut_sentences
from rag.engine.suspicion import speaks_to_assistant
from rag.engine.tokenise import tokenise

MAX_PASSAGES = 3
HEADED_SENTENCES = (4, 1, 1)  # where the headings ask what was asked
HEADED_SHARE = 0.75  # of the words of a question
SENTENCES_A_PASSAGE = (3, 2, 1)  # of the best one, the next, the last
MIN_WORDS = 5
RANK_WEIGHT = 0.35  # how much a passage's place counts beside what its sentence says
OPENING_WEIGHT = 0.25  # a section says first what it is about


class Candidate(NamedTuple):
    place: int  # of the passage, from 0
    order: int  # of the sentence in it
    text: str
    score: float


def extract_answer(question: str, passages: Sequence[Evidence], *, language: Language) -> list[Sentence]:
    """At most six sentences, those of a passage together and in their order, the best passage first.

    Passages in the language of the question come before the others: a quote is not translated. Orders to the
    assistant, markup, code and headings are never chosen. Passages whose headings ask what was asked answer alone, with
    how they begin.
    """
    chosen = sorted(passages, key=lambda passage: passage.language != language)[:MAX_PASSAGES]
    weights = _weigh_terms(question, chosen)
    headed = [passage for passage in chosen if _is_headed(passage, question)]
    quoted: list[Sentence] = []
    for place, passage in enumerate(headed or chosen):
        for text in _open(passage, place=place) if headed else _choose(passage, weights, place=place):
            if all(text != sentence.text for sentence in quoted):
                quoted.append(Sentence(text, (Citation(passage.id, text),)))
    return quoted


def list_quotable(passage: Evidence) -> list[str]:
    """Its sentences that may be shown as they are."""
    return [
        sentence
        for sentence in cut_sentences(passage.text)
        if len(sentence.split()) >= MIN_WORDS
        and len(sentence) <= MAX_SENTENCE_CHARS
        and sentence[-1] not in ":;,"
        and not has_markup(sentence)
        and not speaks_to_assistant(sentence)
    ]


def _weigh_terms(question: str, passages: Sequence[Evidence]) -> dict[Language, dict[str, float]]:
    """By language: what of the question's words few of the passages use counts more."""
    weights: dict[Language, dict[str, float]] = {}
    for language in {passage.language for passage in passages}:
        seen = Counter(term for passage in passages for term in set(tokenise(passage.text, language)))
        terms = set(tokenise(question, language))
        weights[language] = {term: math.log(1 + (len(passages) + 1) / (seen[term] + 0.5)) for term in terms}
    return weights


def _is_headed(passage: Evidence, question: str) -> bool:
    terms = set(tokenise(question, passage.language))
    return bool(terms) and len(terms & set(tokenise(passage.title, passage.language))) >= HEADED_SHARE * len(terms)


def _open(passage: Evidence, *, place: int) -> list[str]:
    return list_quotable(passage)[: HEADED_SENTENCES[place]]


def _choose(passage: Evidence, weights: dict[Language, dict[str, float]], *, place: int) -> list[str]:
    wanted = weights[passage.language]
    most = math.fsum(wanted.values()) or 1.0
    candidates = [
        Candidate(
            place, order, text, _score(text, wanted, language=passage.language) / most + OPENING_WEIGHT / (1 + order)
        )
        for order, text in enumerate(list_quotable(passage))
    ]
    best = sorted(candidates, key=lambda one: (-one.score, one.order))[: SENTENCES_A_PASSAGE[place]]
    least = RANK_WEIGHT * max((one.score for one in best), default=0.0)
    return [one.text for one in sorted(best, key=lambda one: one.order) if one.score >= least]


def _score(text: str, wanted: dict[str, float], *, language: Language) -> float:
    return math.fsum(wanted.get(term, 0.0) for term in set(tokenise(text, language)))
