"""The terms of a text, for search by words: folded, without stop words, stemmed; identifiers whole and in parts.

`fee_rate_ppm`, `fee-rate-ppm` and `feeRatePpm` are `feerateppm`, `fee`, `rate` and `ppm`; `l'aval` is `aval`;
`1,000` is `1000`, `0.18.3` stays. The same function reads text and question, so all that counts is that it is steady.
"""

import re
import threading
from collections.abc import Iterator

import Stemmer

from rag.engine.accents import strip_accents
from rag.engine.language import Language
from rag.engine.stop_words import STOP_WORDS

MAX_TERM = 64  # characters: longer ones (keys, invoices) are looked up elsewhere
_SNOWBALL: dict[Language, str] = {"en": "english", "fr": "french"}
# A number with its groups and dots, or a word with the signs that hold the parts of an identifier together.
_TOKEN = re.compile(r"\d+(?:[.,]\d+)+(?![^\W\d])|[^\W_]+(?:[-_.][^\W_]+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_PARTS = re.compile(r"[-_.]")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_ELISION = re.compile(r"\b(?:[cdjlmnst]|qu|jusqu|lorsqu|puisqu|quoiqu)'(?=\w)", re.IGNORECASE)
_APOSTROPHES = str.maketrans({"\u2019": "'", "\u02bc": "'", "\u2032": "'"})
_LIGATURES = str.maketrans({"\u0153": "oe", "\u0152": "OE", "\u00e6": "ae", "\u00c6": "AE", "\u00df": "ss"})
_stemmers = threading.local()  # one stemmer serves one thread at a time


def tokenise(text: str, language: Language) -> list[str]:
    """In order, as often as they stand there."""
    words = [word for word in _split(fold(text)) if len(word) <= MAX_TERM and word not in STOP_WORDS[language]]
    return list(_stemmer(language).stemWords(words))


def fold(text: str) -> str:
    """Without accents, ligatures and elisions; one sort of apostrophe. Capitals stay."""
    return _ELISION.sub("", strip_accents(text.translate(_LIGATURES)).translate(_APOSTROPHES))


def _split(folded: str) -> Iterator[str]:
    for token in _TOKEN.findall(folded):
        if token[0].isdecimal() and not any(map(str.isalpha, token)):
            yield from _split_number(token)
            continue
        parts = [part for piece in _PARTS.split(token) for part in _HUMP.split(piece)]
        yield "".join(parts).lower()
        if len(parts) > 1:
            yield from (part.lower() for part in parts)


def _split_number(token: str) -> Iterator[str]:
    if _THOUSANDS.fullmatch(token):
        yield token.replace(",", "")
    elif "-" in token or "_" in token:
        yield from _PARTS.split(token)
    else:
        yield token


def _stemmer(language: Language) -> Stemmer.Stemmer:
    stemmer: Stemmer.Stemmer | None = getattr(_stemmers, language, None)
    if stemmer is None:
        stemmer = Stemmer.Stemmer(_SNOWBALL[language])
        setattr(_stemmers, language, stemmer)
    return stemmer
