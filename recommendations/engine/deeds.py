"""What a sentence about an advice tells somebody to do, and whether that is the advice.

A model may put an advice into other words, and must not make another one of it: close what is to be priced, lower what
is to be raised, take the old figure for the new one, or leave it. Words of doing are looked for in English and French;
one that neither belongs to the advice nor stands in its own words makes the sentence unfit. It may cost a sentence that
meant well: then the advice stands without an explanation.
"""

import re
from collections.abc import Iterator

from recommendations.engine.advice import Advice, Kind
from recommendations.engine.params import FeeChange

_DEEDS = {
    "close": r"clos(?:e|es|ed|ing|ure)|shut\w*|ferm(?:e|es|er|ez|ons|ant|ée?s?|eture)",
    "open": r"open(?:s|ed|ing)?|ouvr\w+|ouvert\w*",
    "move": r"mov(?:e|es|ed|ing)|rebalanc\w*|shift\w*|transfer\w*|transfér\w*|déplac\w*|rééquilibr\w*",
    "raise": r"rais\w+|increas\w*|hik(?:e|es|ed|ing)|higher|up|augment\w*|mont(?:e|es|ent|er|ez|ée?s?)|hauss\w*",
    "lower": r"lower\w*|decreas\w*|reduc\w*|cut\w*|drop\w*|down|baiss\w*|diminu\w*|rédui\w*|abaiss\w*",
    "switch": r"disabl\w*|enabl\w*|switch\w*|stop\w*|restart\w*|désactiv\w*|réactiv\w*|arrêt\w*|redémarr\w*",
    "spend": r"send\w*|spend\w*|withdraw\w*|deposit\w*|buy\w*|swap\w*|loop|envo[iy]\w*|dépens\w*|retir\w*|achet\w*",
    "leave": r"instead|ignore\w*|skip\w*|avoid\w*|refus\w*|reject\w*|plutôt|ignor\w*|évit\w*|rejet\w*",
}
_WORDS = re.compile("|".join(rf"(?P<{deed}>\b(?:{words})\b)" for deed, words in _DEEDS.items()), re.IGNORECASE)
_DENIAL = re.compile(
    r"(?:^|[.;:,]\s*)(?:please\s+)?(?:do not|don['\u2019]t|never|no need|ne\s|n['\u2019]|inutile)\b", re.IGNORECASE
)
# Of French `de` only that of `de 6 à 932`: elsewhere it says nothing of the kind.
_FIGURE = r"(\d[\d.,\u202f\u00a0]*\d|\d)"
_TARGET = re.compile(rf"\b(from|to|at|à|de(?=\s+\d[^.;]{{0,40}}\sà\s\d))\s+{_FIGURE}", re.IGNORECASE)
_OWN: dict[Kind, frozenset[str]] = {
    Kind.REBALANCE: frozenset({"move"}),
    Kind.OPEN_CHANNEL: frozenset({"open"}),
    Kind.CLOSE_CHANNEL: frozenset({"close"}),
}


def asks_for_else(sentence: str, advice: Advice, *, own_words: str) -> bool:
    """Whether the sentence tells to do what the advice does not. `own_words`: all that we say of the advice."""
    own, known = _list_own(advice), own_words.casefold()
    if _DENIAL.search(sentence) and not _DENIAL.search(own_words):
        return True
    if any(deed not in own and not _holds(known, word) for deed, word in _list_deeds(sentence)):
        return True
    return not _list_targets(sentence.casefold()) <= _list_targets(known)


def _list_own(advice: Advice) -> frozenset[str]:
    if isinstance(advice.params, FeeChange):
        return frozenset({advice.params.direction})
    return _OWN.get(advice.kind, frozenset())


def _list_deeds(sentence: str) -> Iterator[tuple[str, str]]:
    for found in _WORDS.finditer(sentence):
        yield str(found.lastgroup), found[0].casefold()


def _list_targets(text: str) -> frozenset[tuple[str, str]]:
    """("to", "932"): where a figure stands as what something goes from or to. Digits alone, however grouped."""
    return frozenset((word, re.sub(r"\D", "", figure)) for word, figure in _TARGET.findall(text))


def _holds(known: str, word: str) -> bool:
    return re.search(rf"\b{re.escape(word)}\b", known) is not None
