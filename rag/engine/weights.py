"""The numbers of retrieval in one place: few, round, and the same for every question (docs/knowledge.md)."""

from typing import Final

from msgspec import Struct, structs


class Weights(Struct, frozen=True):
    """A passage's score is offset + sum of weight * score. Cosines and MaxSim, a mean of them, end at 1."""

    dense: float = 0.0
    bm25: float = 0.0
    maxsim: float = 0.0
    offset: float = 0.0


ENGLISH: Final = Weights(dense=0.42, bm25=0.012, maxsim=1.0)
WITHOUT_TOKENS: Final = Weights(dense=1.3, bm25=0.012)
# French texts are scored as English ones; what their translation loses is given back.
FRENCH: Final = structs.replace(ENGLISH, offset=0.1)
# By words alone a French text comes first from a BM25 of about 10: one about something else rarely shares so much.
_FRENCH_SLOPE: Final = 0.05
FRENCH_TERMS: Final = Weights(bm25=_FRENCH_SLOPE, offset=1.0 - _FRENCH_SLOPE * 10)
# A box has too few documents to count how rare a word is: each counts as one of the library's does on average.
OWN_IDF: Final = 4.0
# By hand, not fitted: about what a text of the library of such a cosine and BM25 scores, MaxSim included.
ENGLISH_OWN: Final = Weights(dense=0.92, bm25=0.016, offset=0.15)
ENGLISH_TERMS: Final = Weights(bm25=0.02, offset=0.4)
WITHOUT_TOKENS_OWN: Final = WITHOUT_TOKENS
FRENCH_OWN: Final = FRENCH_TERMS
FIELD_WORDS: Final = 0.2  # share of the words that the field uses for what the question names, in dense and MaxSim
FIELD_TERM: Final = 0.5  # weight of each of them in BM25
STOP_WORD: Final = 0.4  # weight of "how", "the" and their like in MaxSim
