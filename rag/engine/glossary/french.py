"""French as people type it: without accents, apostrophes or endings "liquidite" and "liquidités" are one."""

import re
import threading
import unicodedata
from functools import lru_cache

import Stemmer

ELISIONS = {
    "l": "le", "d": "de", "j": "je", "n": "ne", "s": "se", "m": "me", "t": "te", "c": "ce", "qu": "que",
    "jusqu": "jusque", "lorsqu": "lorsque", "puisqu": "puisque", "quoiqu": "quoique", "presqu": "presque",
}  # fmt: skip
LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", **dict.fromkeys("\u2019\u02bc\u2018`", "'")})
# Names of options, files and calls (--fee-base, channel.db, lnd_rpc, v0.18) stay whole; all else is words.
WORD = re.compile(r"(?i)--[\w-]+|\w+(?:[./]\w+)+|\w[^\W_]*_\w+|aujourd'hui|quelqu'une?s?|[^\W_]+(?:_\w+)?'?")
LONG_FEMININE = re.compile(r"ees?$")
_stemmers = threading.local()  # one stemmer serves one thread at a time


@lru_cache(maxsize=8192)
def fold(word: str) -> str:
    """Lower case, without accents: "Nœud" -> "noeud"."""
    lower = word.lower()
    if lower.isascii():
        return lower
    parts = unicodedata.normalize("NFKD", lower.translate(LIGATURES))
    return "".join(char for char in parts if not unicodedata.combining(char))


def split(text: str) -> list[str]:
    """The words of a text as they were typed; what is cut off before an apostrophe is given back its vowel."""
    return [whole(word) for word in WORD.findall(text.translate(LIGATURES))]


def whole(word: str) -> str:
    bare = word.rstrip("'")
    lower = bare.lower()
    is_cut = lower in ELISIONS and (word != bare or lower == bare)
    return ELISIONS[lower] if is_cut else bare


@lru_cache(maxsize=8192)
def stem(folded: str) -> str:
    """The Snowball stem; the feminine of a participle, which it keeps apart once accents are gone, is joined first."""
    if not hasattr(_stemmers, "french"):
        _stemmers.french = Stemmer.Stemmer("french")
    return str(_stemmers.french.stemWord(LONG_FEMININE.sub("e", folded)))
