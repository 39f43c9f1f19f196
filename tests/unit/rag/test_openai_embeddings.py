"""Vectors by OpenAI: what is asked of it, what of its answers is refused, and how its failures end."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from rag.engine.embedding import EmbedderError
from rag.sources.openai.embeddings import MAX_TEXT_BYTES, MAX_TEXTS, OpenAIEmbedder, open_embedder
from tests.fakes.openai_server import KEY, Asked, OpenAIServer, Said, refuse

DIMENSION = 8


def make_vector(text: str) -> list[float]:
    """Another for another text, and not of unit length."""
    return [float(3 + len(text)), *([1.0] * (DIMENSION - 1))]


def embeddings(vectors: list[list[float]]) -> Said:
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return Said(body={"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage})


def embed_all(asked: Asked) -> Said:
    return embeddings([make_vector(text) for text in asked.body["input"]])


@contextmanager
def serve(*scripted: Any, model: str = "text-embedding-3-small") -> Iterator[tuple[OpenAIServer, OpenAIEmbedder]]:
    """Answers what is scripted first, then as OpenAI does."""
    answers = list(scripted)
    with OpenAIServer(lambda asked: answers.pop(0) if answers else embed_all(asked)) as server:
        yield server, open_embedder(KEY, server.base_url, model=model, dimension=DIMENSION)


def test_numbers_and_a_dimension_are_asked_for() -> None:
    with serve() as (server, embedder):
        embedder.embed(["fees"], with_tokens=True)
    asked = server.asked[0]
    assert asked.path == "/v1/embeddings"
    assert asked.body == {
        "model": "text-embedding-3-small", "input": ["fees"], "encoding_format": "float", "dimensions": DIMENSION,
    }  # fmt: skip


def test_a_model_that_cannot_shorten_is_not_asked_to() -> None:
    with serve(model="nomic-embed-text") as (server, embedder):
        embedder.embed(["fees"], with_tokens=False)
    assert "dimensions" not in server.asked[0].body
    assert embedder.model.id == "nomic-embed-text"


def test_vectors_are_of_unit_length_in_the_order_of_the_texts_and_there_are_no_tokens() -> None:
    def shuffle(asked: Asked) -> Said:
        said = embed_all(asked)
        said.body["data"].reverse()
        return said

    texts = ["fees", "liquidity in", "backups"]
    with OpenAIServer(shuffle) as server:
        embedded = open_embedder(KEY, server.base_url, model="m", dimension=DIMENSION).embed(texts, with_tokens=True)
    for text, one in zip(texts, embedded, strict=True):
        exact = np.asarray(make_vector(text)) / np.linalg.norm(make_vector(text))
        assert one.dense == pytest.approx(exact, abs=1e-6)
        assert one.dense.dtype == np.float32
        assert one.tokens is None


def test_many_texts_go_in_batches_within_the_limits_of_a_request() -> None:
    texts = [f"channel {number}" for number in range(MAX_TEXTS + 1)] + ["é" * MAX_TEXT_BYTES] * 40 + [""]
    with serve() as (server, embedder):
        assert len(embedder.embed(texts, with_tokens=False)) == len(texts)
    sizes = [[len(text.encode()) for text in asked.body["input"]] for asked in server.asked]
    assert [len(batch) for batch in sizes] == [MAX_TEXTS, 31, 11]
    assert all(0 < size <= MAX_TEXT_BYTES for batch in sizes for size in batch)
    assert all(sum(batch) <= 250_000 for batch in sizes)


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ([], "0 vectors to 1 texts"),
        ([[1.0] * DIMENSION] * 2, "2 vectors to 1 texts"),
        ([[1.0] * 5], "set OPENAI_EMBEDDING_DIMENSION"),
        ([[0.0] * DIMENSION], "without a direction"),
        ([[1e308] * DIMENSION], "without a direction"),
    ],
)
def test_vectors_that_cannot_be_right_are_refused(vectors: list[list[float]], words: str) -> None:
    with serve(embeddings(vectors), embeddings(vectors)) as (_, embedder), pytest.raises(EmbedderError, match=words):
        embedder.embed(["fees"], with_tokens=False)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Bad gateway</html>",
        b'{"data": [{"index": 0, "embedding": [1.0, ',
        json.dumps({"data": [{"index": 0, "embedding": [float("nan")] * DIMENSION}]}).encode(),
        b'{"data": [{"index": 0, "embedding": "AACAPwAA"}]}',
        b"{}",
    ],
)
def test_an_answer_that_is_none_is_refused(body: bytes) -> None:
    with (
        serve(Said(body=body), Said(body=body)) as (server, embedder),
        pytest.raises(EmbedderError, match="check OPENAI_BASE_URL"),
    ):
        embedder.embed(["fees"], with_tokens=False)
    assert len(server.asked) == 2


def test_a_passing_failure_is_tried_once_again() -> None:
    with serve(refuse(500, "The server had an error")) as (server, embedder):
        assert len(embedder.embed(["fees"], with_tokens=False)) == 1
    assert len(server.asked) == 2


def test_who_asks_us_to_wait_is_not_asked_again_at_once() -> None:
    with (
        serve(refuse(429, "Rate limit reached", code="rate_limit_exceeded", retry_after="30")) as (server, embedder),
        pytest.raises(EmbedderError, match="429 rate_limit_exceeded") as refused,
    ):
        embedder.embed(["fees"], with_tokens=False)
    assert refused.value.is_temporary
    assert refused.value.retry_after_s == 30
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(401, "invalid_api_key"), (404, "model_not_found"), (429, "insufficient_quota")]
)
def test_what_no_repeat_mends_is_said_once_without_the_key(status: int, code: str) -> None:
    with (
        serve(refuse(status, f"Incorrect API key provided: {KEY}", code=code)) as (server, embedder),
        pytest.raises(EmbedderError, match="check OPENAI_API_KEY") as refused,
    ):
        embedder.embed(["fees"], with_tokens=False)
    assert not refused.value.is_temporary
    assert KEY not in str(refused.value)
    assert len(server.asked) == 1


def test_after_five_failures_nothing_is_sent() -> None:
    with OpenAIServer(lambda _: refuse(500, "The server had an error")) as server:
        embedder = open_embedder(KEY, server.base_url, model="m", dimension=DIMENSION)
        for _ in range(4):
            with pytest.raises(EmbedderError):
                embedder.embed(["fees"], with_tokens=False)
        assert len(server.asked) == 5
        with pytest.raises(EmbedderError, match="left alone"):
            embedder.embed(["fees"], with_tokens=False)
    assert len(server.asked) == 5
