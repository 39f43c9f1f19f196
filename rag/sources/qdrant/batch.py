"""Points cut into requests: token vectors are large, and a request that takes long is taken for a dead server."""

from collections.abc import Iterator, Sequence

from rag.sources.qdrant.collection import UPSERT_BATCH
from rag.sources.qdrant.point import Point

MAX_NUMBERS = 150_000  # a megabyte and a half of JSON


def cut_batches(points: Sequence[Point]) -> Iterator[list[Point]]:
    """In order. A point is never cut, however large it is."""
    batch: list[Point] = []
    size = 0
    for point in points:
        own = _count_numbers(point)
        if batch and (len(batch) == UPSERT_BATCH or size + own > MAX_NUMBERS):
            yield batch
            batch, size = [], 0
        batch.append(point)
        size += own
    if batch:
        yield batch


def _count_numbers(point: Point) -> int:
    tokens = 0 if point.tokens is None else point.tokens.size
    return point.dense.size + tokens + 2 * len(point.terms or ())
