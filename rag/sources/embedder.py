"""What turns texts into vectors, and which of them this process uses."""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

from django.conf import settings

from rag.engine.embedding import Embedded, EmbedderError, EmbeddingModel

__all__ = ["Embedded", "Embedder", "EmbedderError", "EmbeddingModel", "choose_embedder", "load_embedder"]


class Embedder(Protocol):
    """Any number of threads may use one. The same text has the same vector, whatever texts it comes with."""

    @property
    def model(self) -> EmbeddingModel: ...

    def embed(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        """One for each text, in order. Tokens are given by models that have them, to those who ask.

        Raises EmbedderError.
        """
        ...


@runtime_checkable
class Loadable(Protocol):
    """An embedder that has to be made ready first, which may take a while."""

    def load(self) -> None:
        """Raises EmbedderError."""
        ...


def load_embedder() -> Embedder:
    """The chosen one, ready to be asked, for commands that can wait: a local model is made first where it is not yet.

    Raises EmbedderError.
    """
    embedder = choose_embedder()
    if isinstance(embedder, Loadable):
        embedder.load()
    return embedder


def choose_embedder() -> Embedder:
    """One a process, which loads nothing yet. A forked child gets its own: it has not the threads of its parent's.

    1. OpenAI, where OPENAI_API_KEY is set.
    2. The local model in another process, where EMBEDDER_URL is set.
    3. The local model in this one.
    """
    return _make(os.getpid())


def forget_embedder() -> None:
    """The next is chosen anew: for tests, whose settings change."""
    _make.cache_clear()


@lru_cache(maxsize=1)
def _make(_process: int) -> Embedder:
    """Imports what is chosen alone: onnxruntime and openai are large."""
    env = settings.ENV
    if env.openai_api_key is not None:
        from rag.sources.openai.embeddings import open_embedder

        return open_embedder(
            env.openai_api_key.get_secret_value(),
            env.openai_base_url,
            model=env.openai_embedding_model,
            dimension=env.openai_embedding_dimension,
        )
    if env.embedder_url:
        from rag.sources.minilm.client import EmbedderClient

        key = env.embedder_api_key.get_secret_value() if env.embedder_api_key else ""
        return EmbedderClient(env.embedder_url, api_key=key)
    from rag.sources.minilm.model import MiniLM

    return MiniLM(env.model_cache_dir)
