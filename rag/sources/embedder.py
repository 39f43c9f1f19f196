"""What turns texts into vectors, and which of them this process uses."""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from django.conf import settings

from rag.engine.embedding import Embedded, EmbeddingModel

__all__ = ["Embedded", "Embedder", "EmbeddingModel", "choose_embedder"]


class Embedder(Protocol):
    """Any number of threads may use one. The same text has the same vector, whatever texts it comes with."""

    @property
    def model(self) -> EmbeddingModel: ...

    def embed(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        """One for each text, in order. Tokens are given by models that have them, to those who ask."""
        ...


def choose_embedder() -> Embedder:
    """One a process, which loads nothing yet. A forked child gets its own: it has not the threads of its parent's."""
    return _make(os.getpid())


@lru_cache(maxsize=1)
def _make(_process: int) -> Embedder:
    from rag.sources.minilm.model import MiniLM  # onnxruntime is loaded by those who embed

    return MiniLM(settings.ENV.model_cache_dir)
