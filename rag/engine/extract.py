"""An answer without a model: what the best section says on the question, word for word.

A section whose heading is the question answers it as it stands, from its beginning to its end. Else those sentences of
the best section answer that say most of what was asked, and one of another section where it says what they do not.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from rag.engine.evidence import Evidence, Language
from rag.engine.heading import find_headed
from rag.engine.parts import Part, join_parts, list_parts
from rag.engine.tokenise import tokenise

MAX_WHOLE_CHARS = 1_300  # of a section that is quoted whole: all of a chunk
MAX_QUOTE_CHARS = 400  # sentences in a row of one paragraph are one quote up to there
MAX_UNITS = 3
ADDED_SHARE = 0.4  # of the question's weight: what another section must say that the first does not
ABOUT_SHARE = 0.6  # of that weight: what it must say in all
RANK_WEIGHT = 0.35  # of the best sentence: others that say less of what was asked are left out
OPENING_WEIGHT = 0.25  # a section says first what it is about
OWN_SOURCE = "document"


class Quoted(NamedTuple):
    """`text` stands so in the evidence of that id, line breaks apart."""

    text: str
    id: str
    is_code: bool = False


def extract_answer(question: str, passages: Sequence[Evidence], *, language: Language) -> list[Quoted]:
    """Passages of the library in another language than the answer's count only where there are no others: a quote is
    not translated. Orders to the assistant and markup are never chosen.
    """
    chosen = choose_spoken(passages, language)
    headed = find_headed(question, chosen)
    if headed is not None:
        return _merge(_take_whole(list_parts(headed)), headed)
    weights = _weigh_terms(question, chosen)
    quoted: list[Quoted] = []
    for place, passage in enumerate(chosen):
        units = join_parts(list_parts(passage))
        if place == 0 or not quoted:
            quoted = _quote(_choose_best(units, weights[passage.language], language=passage.language), passage)
        else:
            added = _choose_added(units, weights[passage.language], said=quoted, language=passage.language)
            if added:
                return quoted + _quote([added], passage)
    return quoted


def choose_spoken(passages: Sequence[Evidence], language: Language) -> list[Evidence]:
    """Those in the language of the answer, and the asker's own documents whatever their language; all where none is."""
    spoken = [one for one in passages if one.language == language or one.source == OWN_SOURCE]
    return spoken or list(passages)


def _take_whole(parts: Sequence[Part]) -> list[Part]:
    """From the beginning on, up to a whole sentence where not all fit."""
    taken: list[Part] = []
    for part in parts:
        if sum(len(one.text) for one in taken) + len(part.text) > MAX_WHOLE_CHARS:
            break
        taken.append(part)
    while taken and len(taken) < len(parts) and not (taken[-1].is_whole or taken[-1].is_code):
        taken.pop()
    return taken


def _merge(parts: Sequence[Part], passage: Evidence) -> list[Quoted]:
    """Sentences in a row of one paragraph as one quote."""
    runs: list[list[Part]] = []
    for before, part in pairwise([None, *parts]):
        if part is None:
            continue
        is_next = before is not None and not part.is_code and part.block == before.block
        if is_next and sum(len(one.text) for one in runs[-1]) + len(part.text) <= MAX_QUOTE_CHARS:
            runs[-1].append(part)
        else:
            runs.append([part])
    return [Quoted(" ".join(one.text for one in run), passage.id, run[0].is_code) for run in runs]


def _quote(units: Sequence[list[Part]], passage: Evidence) -> list[Quoted]:
    return [quoted for unit in units for quoted in _merge(unit, passage)]


def _weigh_terms(question: str, passages: Sequence[Evidence]) -> dict[Language, dict[str, float]]:
    """By language: what of the question's words few of the passages use counts more."""
    weights: dict[Language, dict[str, float]] = {}
    for language in {passage.language for passage in passages}:
        seen = Counter(term for passage in passages for term in set(tokenise(passage.text, language)))
        terms = set(tokenise(question, language))
        weights[language] = {term: math.log(1 + (len(passages) + 1) / (seen[term] + 0.5)) for term in terms}
    return weights


def _choose_best(units: Sequence[list[Part]], wanted: Mapping[str, float], *, language: Language) -> list[list[Part]]:
    """In their order; where one says nearly all, with what follows it."""
    most = math.fsum(wanted.values()) or 1.0
    scores = [
        math.fsum(wanted[term] for term in _list_terms(unit, language) if term in wanted) / most
        + OPENING_WEIGHT / (1 + order)
        for order, unit in enumerate(units)
    ]
    best = sorted(range(len(units)), key=lambda order: (-scores[order], order))[:MAX_UNITS]
    kept = [order for order in best if scores[order] >= RANK_WEIGHT * scores[best[0]]]
    after = [kept[0] + 1] if len(kept) == 1 and kept[0] + 1 < len(units) else []
    return [units[order] for order in sorted([*kept, *after])]


def _choose_added(
    units: Sequence[list[Part]], wanted: Mapping[str, float], *, said: Sequence[Quoted], language: Language
) -> list[Part] | None:
    """The one that says most of what was asked and is not said yet; None where that is little, or it is about something
    else.
    """
    known = set(tokenise(" ".join(one.text for one in said), language))
    most = math.fsum(wanted.values())
    terms = [{term for term in _list_terms(unit, language) if term in wanted} for unit in units]
    gains = [
        math.fsum(wanted[term] for term in held - known) / most
        if math.fsum(wanted[term] for term in held) >= ABOUT_SHARE * most
        else 0.0
        for held in terms
    ]
    best = max(gains, default=0.0)
    return units[gains.index(best)] if best >= ADDED_SHARE else None


def _list_terms(unit: Sequence[Part], language: Language) -> Iterator[str]:
    yield from set(tokenise(" ".join(part.text for part in unit), language))
