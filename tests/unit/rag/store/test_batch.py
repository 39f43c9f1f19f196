"""Points are sent in requests of a bearable size."""

import msgspec
import numpy as np

from rag.sources.qdrant.batch import MAX_NUMBERS, cut_batches
from rag.sources.qdrant.collection import UPSERT_BATCH
from tests.points import make_point


def test_small_points_go_many_to_a_request_and_in_order() -> None:
    points = [make_point("text", position) for position in range(UPSERT_BATCH + 1)]
    batches = list(cut_batches(points))
    assert [len(batch) for batch in batches] == [UPSERT_BATCH, 1]
    assert [point for batch in batches for point in batch] == points


def test_large_ones_go_few_and_one_alone_is_sent_however_large_it_is() -> None:
    tokens = np.zeros((MAX_NUMBERS // 8 // 2, 8), np.float32)
    large = msgspec.structs.replace(make_point("text"), tokens=tokens)
    huge = msgspec.structs.replace(large, tokens=np.concatenate([tokens] * 3))
    assert [len(batch) for batch in cut_batches([large, large, huge, large])] == [1, 1, 1, 1]
    assert list(cut_batches([])) == []
