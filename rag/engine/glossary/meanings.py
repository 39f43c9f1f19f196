"""What the field's words mean, so that a question finds them by its sense and not by its very words.

"Nobody can pay me" shares no word with "inbound liquidity", and a general embedder knows neither. It does know what
"room to be paid, others can send to me" is about. So each entry of the glossary is embedded twice, once its meaning and
once its words: a question is held against the meanings, and the words of the nearest ones are added to it, in the
dense vector and in the terms of BM25. Both are linear, so the store searches as before.
"""

from collections.abc import Mapping

import numpy as np
from msgspec import Struct

from rag.engine.embedding import Vector, Vectors
from rag.engine.glossary.data import read_lines
from rag.engine.language import Language
from rag.engine.tokenise import tokenise

NEAREST = 5
SHARPNESS = 25.0  # of the softmax over cosines: an entry 0.1 farther weighs a twelfth
ASKED, NAMED = 0.6, 0.4  # shares of the question and of the named words in the dense vector
NAMED_TERM = 0.5  # weight in BM25 of a term of the only entry that is near


class Entry(Struct, frozen=True):
    words: str
    meaning: str


class Meanings(Struct, frozen=True, kw_only=True):
    """The glossary embedded by one model: rows of unit length, one for each entry. `elsewhere`: what is not ours."""

    entries: tuple[Entry, ...]
    meanings: Vectors
    words: Vectors
    elsewhere: Vectors


class Named(Struct, frozen=True, kw_only=True):
    """What a question is about. `weights` of the entries sum to 1; `nearness`, `farness`: cosines, see refusal."""

    entries: tuple[Entry, ...]
    weights: tuple[float, ...]
    words: Vector  # weighed mean of the entries' vectors, not of unit length
    nearness: float  # to the nearest entry
    farness: float  # to the nearest thing that is not answered here


def read_entries() -> tuple[Entry, ...]:
    pairs = (line.partition(":") for _, line in read_lines("meanings"))
    return tuple(Entry(words.strip(), meaning.strip()) for words, _, meaning in pairs)


def read_topics() -> tuple[str, ...]:
    """Of elsewhere."""
    return tuple(line for _, line in read_lines("elsewhere"))


def name_things(asked: Vector, meanings: Meanings) -> Named:
    near = meanings.meanings @ asked
    best = np.argsort(-near, kind="stable")[:NEAREST]
    weights = np.exp(SHARPNESS * (near[best] - near[best[0]]))
    weights /= weights.sum()
    return Named(
        entries=tuple(meanings.entries[int(i)] for i in best),
        weights=tuple(float(weight) for weight in weights),
        words=np.asarray(weights @ meanings.words[best], np.float32),
        nearness=float(near[best[0]]),
        farness=float((meanings.elsewhere @ asked).max()),
    )


def mix_named(asked: Vector, named: Named) -> Vector:
    """`asked` with the everyday list's words mixed in already. Of unit length."""
    mixed = ASKED * asked + NAMED * named.words
    return np.asarray(mixed / np.linalg.norm(mixed), np.float32)


def add_terms(words: Mapping[str, float], named: Named, *, documents: Language = "en") -> dict[str, float]:
    """Terms of BM25 with those of the entries: sums, so what is asked and named weighs more."""
    added = dict(words)
    for entry, weight in zip(named.entries, named.weights, strict=True):
        for stem in dict.fromkeys(tokenise(entry.words, documents)):
            added[stem] = added.get(stem, 0.0) + NAMED_TERM * weight
    return added
