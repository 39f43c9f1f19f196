"""Passages of the shared corpus embedded, as `rag.pipeline.retrieve` searches them."""

from collections.abc import Sequence

import numpy as np

from rag.engine.embedding import Embedded, EmbeddingModel, Vectors
from rag.engine.glossary.meanings import Meanings, read_entries, read_topics
from rag.engine.glossary.translate import translate_passage
from rag.engine.language import Language
from rag.engine.plan import reads_french
from rag.engine.stop_words import STOP_WORDS
from rag.engine.vectors import prune_tokens
from rag.sources.embedder import Embedder

_stops: dict[str, frozenset[int]] = {}  # by model, as the next one
_meanings: dict[str, Meanings] = {}


def embed_passages(texts: Sequence[str], lang: Language, *, embedder: Embedder) -> list[Embedded]:
    """As the model reads them; token vectors are pruned. Raises EmbedderError."""
    texts = [write_for_model(text, lang, model=embedder.model) for text in texts]
    if not embedder.model.has_tokens:
        return embedder.embed(texts, with_tokens=False)
    stops = find_stops(embedder)
    return [Embedded(one.dense, prune_tokens(one, stops=stops)) for one in embedder.embed(texts, with_tokens=True)]


def write_for_model(passage: str, lang: Language, *, model: EmbeddingModel) -> str:
    """In English for the local model, by the glossary that translates questions: so both lose the same."""
    return translate_passage(passage) if lang == "fr" and not reads_french(model) else passage


def find_stops(embedder: Embedder) -> frozenset[int]:
    """The model's word pieces of the words that say nothing."""
    name = embedder.model.id
    if name not in _stops:
        (embedded,) = embedder.embed([" ".join(sorted(STOP_WORDS["en"]))], with_tokens=True)
        _stops[name] = frozenset() if embedded.pieces is None else frozenset(embedded.pieces.tolist())
    return _stops[name]


def find_meanings(embedder: Embedder) -> Meanings:
    """The glossary of meanings embedded: some 350 short texts, once a process, half a second. Raises EmbedderError."""
    name = embedder.model.id
    if name not in _meanings:
        entries = read_entries()
        _meanings[name] = Meanings(
            entries=entries,
            meanings=_stack([one.meaning for one in entries], embedder),
            words=_stack([one.words for one in entries], embedder),
            elsewhere=_stack(read_topics(), embedder),
        )
    return _meanings[name]


def _stack(texts: Sequence[str], embedder: Embedder) -> Vectors:
    return np.stack([one.dense for one in embedder.embed(texts, with_tokens=False)])
