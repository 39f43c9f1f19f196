"""A provider of embeddings that counts what it is asked and fails when it is told to."""

import hashlib
from collections.abc import Callable, Sequence

import numpy as np

from rag.engine.embedding import Embedded, EmbedderError, EmbeddingModel


class ProviderError(EmbedderError):
    """A 429, with the pause it asks for."""

    def __init__(self, words: str = "slow down") -> None:
        super().__init__(words, is_temporary=True, retry_after_s=120.0)


class CountingEmbedder:
    """Equal texts have equal vectors, others have others. `before` is called with each batch and may raise."""

    def __init__(self, name: str = "test/counting") -> None:
        self.model = EmbeddingModel(id=name, dimension=16, has_tokens=False)
        self.texts: list[str] = []
        self.before: Callable[[Sequence[str]], None] = lambda texts: None

    def embed(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        self.before(texts)
        self.texts += texts
        return [Embedded(_direct(text)) for text in texts]


def _direct(text: str) -> np.ndarray:
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=16)
    return (vector / np.linalg.norm(vector)).astype(np.float32)
