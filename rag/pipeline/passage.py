"""Passages of the shared corpus embedded, as `rag.pipeline.retrieve` searches them."""

from collections.abc import Sequence

from rag.engine.embedding import Embedded
from rag.engine.language import Language
from rag.engine.stop_words import STOP_WORDS
from rag.engine.vectors import prune_tokens
from rag.sources.embedder import Embedder

_stops: dict[str, frozenset[int]] = {}  # by model


def embed_passages(texts: Sequence[str], lang: Language, *, embedder: Embedder) -> list[Embedded]:
    """Token vectors are pruned, and French texts get none: no leg asks for them. Raises EmbedderError."""
    if lang != "en" or not embedder.model.has_tokens:
        return embedder.embed(texts, with_tokens=False)
    stops = find_stops(embedder)
    return [Embedded(one.dense, prune_tokens(one, stops=stops)) for one in embedder.embed(texts, with_tokens=True)]


def find_stops(embedder: Embedder) -> frozenset[int]:
    """The model's word pieces of the words that say nothing."""
    name = embedder.model.id
    if name not in _stops:
        (embedded,) = embedder.embed([" ".join(sorted(STOP_WORDS["en"]))], with_tokens=True)
        _stops[name] = frozenset() if embedded.pieces is None else frozenset(embedded.pieces.tolist())
    return _stops[name]
