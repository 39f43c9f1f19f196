"""The words of a text that carry its meaning: folded, stemmed, without the words every text has."""

import re
import unicodedata
from functools import cache

import Stemmer

from rag.engine.evidence import Language

_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_ELISION = re.compile(r"^(?:l|d|j|m|t|s|n|c|qu|jusqu|lorsqu|puisqu)['\u2019]")
_STOP: dict[Language, frozenset[str]] = {
    "en": frozenset(
        re.split(
            " ",
            "a about all also am an and any are as at be because been but by can could did do does for from had"
            " has have how"
            " i if in into is it its me more most must my no not of off on one only or our out over own shall"
            " should so some"
            " such than that the their them then there these they this those to under up us use was we were what"
            " when where"
            " which while who why will with would you your it's don't",
        )
    ),
    "fr": frozenset(
        re.split(
            " ",
            "a ai ainsi alors as au aucun aussi autre aux avec avoir avez ce ceci cela ces cet cette ceux chaque"
            " ci comme"
            " comment dans de des deja donc dont du elle elles en entre est et etait etant ete etre eux fait"
            " faire faut il ils"
            " je la le les leur leurs lui ma mais me meme mes moi mon ne ni nos notre nous on ont ou par pas peu"
            " peut plus"
            " pour pourquoi quand que quel quelle quelles quels qui quoi sa sans se ses si son sont sur ta te"
            " tes toi ton tous"
            " tout toute toutes tres tu un une vos votre vous y",
        )
    ),
}


def list_terms(text: str, language: Language) -> list[str]:
    """In order, as often as they stand there; stop words of this language left out."""
    folded = [_ELISION.sub("", word) for word in _WORD.findall(fold_accents(text.lower()))]
    kept = [word for word in folded if len(word) > 1 and word not in _STOP[language]]
    return list(_stemmer(language).stemWords(kept))


def fold_accents(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one))


@cache
def _stemmer(language: Language) -> Stemmer.Stemmer:
    return Stemmer.Stemmer({"en": "english", "fr": "french"}[language])
