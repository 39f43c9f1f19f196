"""Vectors by OpenAI, or a server that speaks its protocol. https://platform.openai.com/docs/api-reference/embeddings

What comes back is judged, not believed: as many vectors as texts, each of the dimension, of finite numbers, not zero.
There are no vectors of word pieces: retrieval does without MaxSim then.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec
import numpy as np
import openai
from msgspec import Struct
from msgspec.structs import replace

from mcp_saas.kit.breaker import Breaker
from mcp_saas.kit.patience import left_s
from rag.engine.embedding import Embedded, EmbedderError, EmbeddingModel, Vector
from rag.engine.secrets import hide_secrets
from rag.sources.openai.connect import ModelAccess, connect

MAX_TEXTS: Final = 128
MAX_REQUEST_BYTES: Final = 250_000  # no text has more tokens than bytes, and a request takes 300,000 tokens
MAX_TEXT_BYTES: Final = 8_191  # likewise: the model reads 8,192 tokens of a text
MAX_REPLY_BYTES: Final = 16_000_000  # so many texts in 3,072 numbers of 22 characters, and their names
TIMEOUT_S: Final = 8.0
BUDGET_S: Final = 20.0
TRIES: Final = 2
_SHORTENING: Final = "text-embedding-3-"  # others refuse `dimensions`
_PERMANENT: Final = frozenset({400, 401, 403, 404, 405, 413, 415, 422})


class _Item(Struct, frozen=True):
    index: int
    embedding: list[float]


class _Reply(Struct, frozen=True):
    data: list[_Item]


class OpenAIEmbedder:
    """Any number of threads may use one. `dimension` is sent along where `can_shorten`: the model cuts its vectors."""

    def __init__(self, access: ModelAccess, *, dimension: int, can_shorten: bool) -> None:
        self.model = EmbeddingModel(id=access.model, dimension=dimension, has_tokens=False)
        self._access = access
        self._can_shorten = can_shorten
        self._breaker = Breaker(lost_s=BUDGET_S)

    def embed(self, texts: Sequence[str], *, with_tokens: bool) -> list[Embedded]:
        """Raises EmbedderError."""
        return [one for batch in _cut_batches(texts) for one in self._embed_batch(batch)]

    def _embed_batch(self, texts: list[str]) -> list[Embedded]:
        """Tried twice, where the first failure is one that passes."""
        for tries_left in reversed(range(TRIES)):
            if not self._breaker.allow():
                raise EmbedderError("OpenAI is down and left alone for now", is_temporary=True)
            began_at_s = time.monotonic()
            try:
                embedded = [Embedded(vector) for vector in self._ask(texts)]
            except EmbedderError as error:
                self._note(error, took_s=time.monotonic() - began_at_s)
                if tries_left and error.is_temporary and not error.retry_after_s:
                    continue
                raise
            self._breaker.note_success()
            return embedded
        raise AssertionError("the last try answers or raises")

    def _note(self, error: EmbedderError, *, took_s: float) -> None:
        if error.is_temporary:
            self._breaker.note_failure(took_s)
        else:
            self._breaker.note_success()  # it is there, and says no

    def _access_in_time(self) -> ModelAccess:
        budget_s = left_s(self._access.budget_s)
        if budget_s <= 0:
            raise EmbedderError("There is no time left to ask OpenAI", is_temporary=True)
        return replace(self._access, budget_s=budget_s)

    def _ask(self, texts: list[str]) -> list[Vector]:
        dimensions = self.model.dimension if self._can_shorten else openai.omit
        try:
            with connect(self._access_in_time(), max_bytes=MAX_REPLY_BYTES) as client:
                answer = client.embeddings.with_raw_response.create(
                    model=self.model.id, input=texts, encoding_format="float", dimensions=dimensions
                )
            items = msgspec.json.decode(answer.http_response.content, type=_Reply).data
        except openai.APIStatusError as error:
            raise _translate(error) from error
        except openai.OpenAIError as error:
            raise EmbedderError(f"OpenAI cannot be reached ({type(error).__name__})", is_temporary=True) from error
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise EmbedderError(
                "OpenAI's answer holds no embeddings: check OPENAI_BASE_URL", is_temporary=True
            ) from error
        return _judge(items, len(texts), dimension=self.model.dimension)


def open_embedder(api_key: str, base_url: str, *, model: str, dimension: int) -> OpenAIEmbedder:
    """Nothing is sent yet."""
    access = ModelAccess(api_key=api_key, base_url=base_url, model=model, timeout_s=TIMEOUT_S, budget_s=BUDGET_S)
    return OpenAIEmbedder(access, dimension=dimension, can_shorten=model.startswith(_SHORTENING))


def _cut_batches(texts: Sequence[str]) -> Iterator[list[str]]:
    batch, size = list[str](), 0
    for text in texts:
        data = hide_secrets(text, {}).encode(errors="replace")[:MAX_TEXT_BYTES]
        if batch and (len(batch) == MAX_TEXTS or size + len(data) > MAX_REQUEST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(data.decode(errors="ignore") or " ")  # the empty text is refused
        size += len(data)
    if batch:
        yield batch


def _judge(items: list[_Item], count: int, *, dimension: int) -> list[Vector]:
    """Unit vectors in the order of the texts. Raises EmbedderError."""
    ordered = sorted(items, key=lambda item: item.index)
    if [item.index for item in ordered] != list(range(count)):
        raise EmbedderError(f"OpenAI answered {len(items)} vectors to {count} texts", is_temporary=True)
    wrong = next((len(item.embedding) for item in ordered if len(item.embedding) != dimension), None)
    if wrong is not None:
        words = f"OpenAI's vectors have {wrong} numbers and {dimension} are expected: set OPENAI_EMBEDDING_DIMENSION"
        raise EmbedderError(words, is_temporary=False)
    vectors = np.asarray([item.embedding for item in ordered], np.float64)
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise EmbedderError("OpenAI answered a vector without a direction", is_temporary=True)
    return list((vectors / lengths).astype(np.float32))


def _translate(error: openai.APIStatusError) -> EmbedderError:
    """Without the server's words: they may hold a part of the key, or of a text."""
    status, code = error.status_code, error.code or ""
    is_permanent = status in _PERMANENT or code == "insufficient_quota"
    hint = "check OPENAI_API_KEY and OPENAI_EMBEDDING_MODEL" if is_permanent else "try again later"
    words = f"OpenAI refused to embed ({' '.join(filter(None, [str(status), code]))}): {hint}"
    return EmbedderError(words, is_temporary=not is_permanent, retry_after_s=_read_retry_after(error))


def _read_retry_after(error: openai.APIStatusError) -> float:
    text = error.response.headers.get("retry-after", "")
    return float(text) if text.isdecimal() else 0.0
