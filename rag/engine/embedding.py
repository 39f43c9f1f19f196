"""What an embedding model gives: vectors of unit length, and where it can, one for each word piece."""

from typing import NamedTuple

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Vector = NDArray[np.float32]  # (dimension,), of unit length
Vectors = NDArray[np.float32]  # (n, dimension), each of unit length
Pieces = NDArray[np.int32]  # (n,), word pieces by their number in the model's vocabulary


class EmbeddingModel(Struct, frozen=True):
    """Which model made a vector. Vectors of two models cannot be compared, so the id names a collection of its own."""

    id: str
    dimension: int
    has_tokens: bool


class Embedded(NamedTuple):
    """One text. `tokens` are the states of its word pieces `pieces`, in order, special ones and punctuation left out.

    Both are None where they were not asked for, or the model gives none. A text without a word has 0 of them.
    """

    dense: Vector
    tokens: Vectors | None = None
    pieces: Pieces | None = None


class EmbedderError(Exception):
    """No vectors. Its words say what to do and hold nothing of the texts. `is_temporary`: the same later may work."""

    def __init__(self, words: str, *, is_temporary: bool, retry_after_s: float = 0.0) -> None:
        super().__init__(words)
        self.is_temporary = is_temporary
        self.retry_after_s = retry_after_s
