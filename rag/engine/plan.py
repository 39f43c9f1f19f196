"""What is searched for a question, in which documents and with which weights: decided here, echoed in the answer.

The library: vectors and BM25 find candidates, MaxSim over token vectors (Khattab and Zaharia 2020, ColBERT) ranks them.
A model that reads no French has French texts, and questions, put into English; BM25 compares words of the text's own
language. A box's own documents carry no token vectors: their score is what the library's texts of such a cosine and
BM25 get; its French ones are found by BM25 alone, where the model reads no French. All lists are scored on one scale,
so that each of them can come first by right.
"""

from typing import Literal

from msgspec import Struct

from rag.engine.embedding import EmbeddingModel
from rag.engine.language import Language
from rag.engine.weights import (
    ENGLISH,
    ENGLISH_OWN,
    ENGLISH_TERMS,
    FRENCH,
    FRENCH_OWN,
    FRENCH_TERMS,
    WITHOUT_TOKENS,
    WITHOUT_TOKENS_OWN,
    Weights,
)

Step = Literal["dense", "bm25", "maxsim"]
Part = Literal["shared", "own"]
# That vectors find, and BM25. Of the library most texts are English.
CANDIDATES: dict[tuple[Part, Language], int] = {
    ("shared", "en"): 60,
    ("shared", "fr"): 30,
    ("own", "en"): 20,
    ("own", "fr"): 20,
}
# The best of both, by reciprocal rank: MaxSim of more is slower and ranks no better.
RANKED: dict[Language, int] = {"en": 40, "fr": 24}


class Leg(Struct, frozen=True, kw_only=True):
    """One search: documents of one language, of the library or of the box, by these steps, the last one ranking.

    `candidates` of each step; MaxSim looks at the best `ranked` of them.
    """

    part: Part
    lang: Language
    steps: tuple[Step, ...]
    weights: Weights
    candidates: int
    ranked: int
    is_translated: bool = False  # the question's words were put into this language
    reads_all: bool = False  # the model reads the question in any language


class Plan(Struct, frozen=True, kw_only=True):
    """`degraded`: what was out of service and done without."""

    language: Language  # of the question
    model: str  # that embeds
    rerank: Literal["maxsim"] | None
    legs: tuple[Leg, ...]
    degraded: tuple[Literal["embedder"], ...] = ()


class Means(Struct, frozen=True, kw_only=True):
    """What there is to search with. Without vectors the embedder is down, and words are all there is."""

    has_tokens: bool
    has_vectors: bool = True
    reads_french: bool = False

    @property
    def english(self) -> tuple[Weights, Weights]:
        """For the library and for a box's own documents."""
        if not self.has_vectors:
            return ENGLISH_TERMS, ENGLISH_TERMS
        return (ENGLISH, ENGLISH_OWN) if self.has_tokens else (WITHOUT_TOKENS, WITHOUT_TOKENS_OWN)

    @property
    def french(self) -> tuple[Weights, Weights]:
        if not self.has_vectors:
            return FRENCH_TERMS, FRENCH_TERMS
        return self.english if self.reads_french else (FRENCH, FRENCH_OWN)


def reads_french(model: EmbeddingModel) -> bool:
    """The local model is the one with token vectors, and the one that reads English alone."""
    return not model.has_tokens


def find_means(model: EmbeddingModel, *, has_vectors: bool = True) -> Means:
    return Means(has_tokens=model.has_tokens and has_vectors, has_vectors=has_vectors, reads_french=reads_french(model))


def make_plan(language: Language, *, model: EmbeddingModel, has_own: bool, has_vectors: bool = True) -> Plan:
    """Of the library an English question reads the English texts, a French one all; of the box's own both read all."""
    means = find_means(model, has_vectors=has_vectors)
    legs = [_plan_leg("shared", "en", language=language, means=means)]
    if language == "fr":
        legs.append(_plan_leg("shared", "fr", language=language, means=means))
    if has_own:
        legs += [_plan_leg("own", lang, language=language, means=means) for lang in ("en", "fr")]
    return Plan(
        language=language,
        model=model.id,
        rerank="maxsim" if means.has_tokens else None,
        legs=tuple(legs),
        degraded=() if has_vectors else ("embedder",),
    )


def _plan_leg(part: Part, lang: Language, *, language: Language, means: Means) -> Leg:
    weights = (means.english if lang == "en" else means.french)[part == "own"]
    has_vectors = means.has_vectors and (part == "shared" or lang == "en" or means.reads_french)
    steps: tuple[Step, ...] = ("dense", "bm25") if has_vectors else ("bm25",)
    if means.has_tokens and part == "shared":
        steps = (*steps, "maxsim")
    return Leg(
        part=part,
        lang=lang,
        steps=steps,
        weights=weights,
        candidates=CANDIDATES[part, lang],
        ranked=RANKED[lang],
        is_translated=language == "fr" and lang == "en",
        reads_all=means.reads_french,
    )
