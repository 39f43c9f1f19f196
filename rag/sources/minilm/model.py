"""MiniLM-L6 in this process: English texts to vectors of 384, without torch and without a network.

Texts go one by one: rounding to int8 takes one scale for a whole batch, so a vector would depend on its neighbours
(cosine down to 0.98), and on a processor a batch of long texts is no faster than one after the other.
"""

from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

from rag.engine.embedding import Embedded, Pieces, Vectors
from rag.sources.minilm.builder import Builder
from rag.sources.minilm.weights import read_tokenizer
from rag.sources.minilm.wire import MODEL

MAX_PIECES: Final = 256  # what the model was trained with; the rest of a text is not read
THREADS: Final = 2


class MiniLM:
    """Loaded by the first text, so that making one costs nothing. Any number of threads may use it."""

    def __init__(self, cache: Path, *, threads: int = THREADS) -> None:
        self.model = MODEL
        self._builder = Builder(cache)
        self._threads = threads
        self._loading = Lock()
        self._network: Network | None = None

    def embed(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        """Raises ModelError where the model cannot be loaded, and ModelPendingError while it is being made."""
        network = self._load()
        return [network.embed(text, with_tokens=with_tokens) for text in texts]

    def spell(self, pieces: Pieces) -> list[str]:
        """Word pieces as they are written: `##` before those that go on a word."""
        return self._load().spell(pieces)

    def load(self) -> None:
        """Before the first text, however long it takes to make. Raises EmbedderError where it cannot be loaded."""
        with self._loading:
            self._network = Network(self._builder.find_or_make(), threads=self._threads)

    def _load(self) -> "Network":
        with self._loading:
            if self._network is None:
                self._network = Network(self._builder.find_or_start(), threads=self._threads)
            return self._network


class Network:
    """A graph as `graph.py` describes it, and the word pieces it reads."""

    def __init__(self, graph: bytes, *, threads: int) -> None:
        self._tokenizer = Tokenizer.from_str(read_tokenizer())
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_PIECES)
        self._is_word = _find_words(self._tokenizer)
        self._session = ort.InferenceSession(graph, _options(threads), providers=["CPUExecutionProvider"])

    def embed(self, text: str, *, with_tokens: bool) -> Embedded:
        ids = np.asarray(self._tokenizer.encode(_drop_halves(text)).ids, np.int64)
        states: Vectors = self._session.run(["states"], {"ids": ids[None]})[0][0]
        dense = _to_unit_length(states.mean(axis=0, keepdims=True))[0]
        if not with_tokens:
            return Embedded(dense)
        words = self._is_word[ids]
        return Embedded(dense, _to_unit_length(states[words]), ids[words].astype(np.int32))

    def spell(self, pieces: Pieces) -> list[str]:
        return [self._tokenizer.id_to_token(int(piece)) or "" for piece in pieces]


def _drop_halves(text: str) -> str:
    """Halves of characters (lone surrogates) cannot be said in UTF-8."""
    return text if text.isascii() else text.encode(errors="replace").decode()


def _find_words(tokenizer: Tokenizer) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """For each piece of the vocabulary whether it has a letter or a digit; [CLS], [SEP] and their like have none."""
    special = tokenizer.get_added_tokens_decoder()
    is_word = np.zeros(tokenizer.get_vocab_size(), np.bool_)
    for piece, number in tokenizer.get_vocab().items():
        is_word[number] = number not in special and any(map(str.isalnum, piece))
    return is_word


def _options(threads: int) -> ort.SessionOptions:
    """Threads that have nothing to do sleep: they share the machine with the database and the web."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _to_unit_length(vectors: Vectors) -> Vectors:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, np.finfo(np.float32).tiny), np.float32)
