"""What is sent to Qdrant for a search, and how its answer is read."""

import numpy as np
import pytest
from msgspec import json
from qdrant_client import models

from rag.sources.qdrant import scope
from rag.sources.qdrant.collection import Stored
from rag.sources.qdrant.exchange import encode
from rag.sources.qdrant.point import Dbsf, Query, Rrf
from rag.sources.qdrant.request import TOKEN_SCALE, Pen, build_request
from tests.points import DIMENSION, direction

TOKENS = np.eye(2, DIMENSION, dtype=np.float32) / 2
QUERIES = (
    Query(dense=direction(1.0, 0.5)),
    Query(terms={7: 1.5}, part="shared", lang="fr"),
    Query(dense=direction(1.0), terms={7: 1.0}, fusion=Dbsf(), documents=("guide",)),
    Query(dense=direction(1.0), terms={7: 1.0}, fusion=Rrf(weights=(1.0, 2.0)), tokens=TOKENS, among=("a-hit",)),
    Query(tokens=TOKENS, best_of=(Query(dense=direction(1.0), terms={7: 1.0}, lang="fr"), Query(dense=direction(1.0)))),
)


def write(*queries: Query, is_rated: bool = False) -> bytes:
    stored, pen, where = Stored(model="test", dimension=DIMENSION), Pen(), scope.shared()
    built = [build_request(where, query, stored=stored, pen=pen, is_rated=is_rated) for query in queries]
    return encode([scope.confine(where, request) for request in built])


@pytest.mark.parametrize("is_rated", [False, True])
def test_a_request_is_written_as_the_client_would_write_it(is_rated: bool) -> None:
    written = write(*QUERIES, is_rated=is_rated)
    read = models.QueryRequestBatch.model_validate_json(written)
    assert json.decode(read.model_dump_json(exclude_none=True)) == json.decode(written)


def test_token_vectors_are_sent_in_whole_numbers() -> None:
    [asked] = json.decode(write(QUERIES[-2]))["searches"]
    assert asked["query"][0][0] == TOKEN_SCALE / 2
    assert {type(number) for row in asked["query"] for number in row} == {int}
