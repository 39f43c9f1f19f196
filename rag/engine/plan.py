"""What is searched for a question, in which documents and with which weights: decided here, echoed in the answer.

English documents: MiniLM and BM25 find candidates, MaxSim over token vectors (Khattab and Zaharia 2020, ColBERT)
ranks them. French documents: BM25 alone, since the local model reads no French. The question is put into the language
of the documents first. Both lists are scored on one scale, so that one of them can come first by right.
"""

from typing import Literal

from msgspec import Struct

from rag.engine.language import Language

Step = Literal["dense", "bm25", "maxsim"]


class Weights(Struct, frozen=True):
    """A passage's score is offset + sum of weight * score. Cosines and MaxSim, a mean of them, end at 1."""

    dense: float = 0.0
    bm25: float = 0.0
    maxsim: float = 0.0
    offset: float = 0.0


class Leg(Struct, frozen=True, kw_only=True):
    """One search: documents of one language, by these steps, the last one ranking."""

    lang: Language
    steps: tuple[Step, ...]
    weights: Weights
    candidates: int
    is_translated: bool = False  # the question was put into this language


class Plan(Struct, frozen=True, kw_only=True):
    language: Language  # of the question
    model: str  # that embeds
    rerank: Literal["maxsim"] | None
    legs: tuple[Leg, ...]


CANDIDATES = 60
ENGLISH = Weights(dense=0.3, bm25=0.3 / 25, maxsim=1.0)
WITHOUT_TOKENS = Weights(dense=1.3, bm25=0.3 / 25)
# A French text comes first from a BM25 of about 11: a question about something else rarely shares words of that weight.
FRENCH_ALIKE, FRENCH_SLOPE = 11.0, 0.05
FRENCH = Weights(bm25=FRENCH_SLOPE, offset=1.0 - FRENCH_SLOPE * FRENCH_ALIKE)
FIELD_WORDS = 0.2  # share of the words that the field uses for what the question names, in dense and MaxSim
FIELD_TERM = 0.5  # weight of each of them in BM25
STOP_WORD = 0.4  # weight of "how", "the" and their like in MaxSim


def make_plan(language: Language, *, model: str, has_tokens: bool) -> Plan:
    """An English question goes to English documents, a French one to both."""
    steps: tuple[Step, ...] = ("dense", "bm25", "maxsim") if has_tokens else ("dense", "bm25")
    english = Leg(
        lang="en",
        steps=steps,
        weights=ENGLISH if has_tokens else WITHOUT_TOKENS,
        candidates=CANDIDATES,
        is_translated=language == "fr",
    )
    french = Leg(lang="fr", steps=("bm25",), weights=FRENCH, candidates=CANDIDATES)
    legs = (english, french) if language == "fr" else (english,)
    return Plan(language=language, model=model, rerank="maxsim" if has_tokens else None, legs=legs)
