"""A question that is a section's heading: what stands below it is the answer, whatever the cosines say."""

import re
from collections.abc import Sequence

from rag.engine.evidence import Evidence, Language
from rag.engine.tokenise import fold, tokenise

HEADED_SHARE = 0.75  # of the question's words, that a heading has
ANSWERED = 0.5  # of `compare_heading`: the heading is nearly the question, so its section answers it
_WORD = re.compile(r"\w+")
# A-t-il, ai-je: no words of their own.
_INVERSION = re.compile(r"-(?:t-)?(?=(?:je|tu|il|elle|on|nous|vous|ils|elles|ce)\b)", re.IGNORECASE)


def find_answering(question: str, passages: Sequence[Evidence]) -> Evidence | None:
    """The one whose own heading is nearly the question, in so many words. It answers it."""
    best = find_headed(question, passages)
    return best if best is not None and compare_heading(question, best) >= ANSWERED else None


def find_headed(question: str, passages: Sequence[Evidence]) -> Evidence | None:
    """Of passages that answer, the one whose own heading is most like the question; None where none is like it."""
    likeness = [compare_heading(question, passage) for passage in passages]
    best = max(likeness, default=0.0)
    return passages[likeness.index(best)] if best > 0 else None


def compare_heading(question: str, passage: Evidence) -> float:
    """From 0, where the heading does not ask what was asked, to 1, where it is the question."""
    other: Language = "fr" if passage.language == "en" else "en"
    return max(
        _share_words(question, passage.heading, language=passage.language),
        _share_words(question, passage.other_heading, language=other),
    )


def _share_words(question: str, heading: str, *, language: Language) -> float:
    """Of what both hold, what both have in common: the mean of telling words and of all, for "how do I" is not "what
    is"; less where the heading leaves out a telling word, for `inbound` is not `outbound`.
    """
    question, heading = (_INVERSION.sub(" ", text) for text in (question, heading))
    asked, held = (set(tokenise(text, language)) for text in (question, heading))
    share = len(asked & held) / len(asked) if asked else 0.0
    if share < HEADED_SHARE:
        return 0.0
    all_asked, all_held = (set(_WORD.findall(fold(text).lower())) for text in (question, heading))
    common = len(asked & held) / len(asked | held) + len(all_asked & all_held) / len(all_asked | all_held)
    return share**2 * common / 2
