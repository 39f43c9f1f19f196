"""The lists of a search put together: convex in the scores of its steps, one scale for all languages."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from rag.engine.plan import Step
from rag.engine.weights import Weights

Scores = Mapping[str, float]  # by id


class Scored(Struct, frozen=True, kw_only=True):
    """`parts`: what each step said of it."""

    id: str
    score: float
    parts: dict[str, float]


def combine(found: Mapping[Step, Scores], weights: Weights) -> list[Scored]:
    """Best first. The last step's list holds all; where an earlier one did not go so far, its lowest score stands in.

    BM25 gives 0 to a text without any of the words, so there a missing score is known.
    """
    if not found:
        return []
    floors = {step: 0.0 if step == "bm25" else min(scores.values(), default=0.0) for step, scores in found.items()}
    ids = {one for scores in ([found["maxsim"]] if "maxsim" in found else found.values()) for one in scores}
    scored = []
    for one in sorted(ids):
        parts = {step: scores.get(one, floors[step]) for step, scores in found.items()}
        score = weights.offset + sum(getattr(weights, step) * value for step, value in parts.items())
        scored.append(Scored(id=one, score=score, parts={str(step): value for step, value in parts.items()}))
    return sort_best(scored)


def sort_best(scored: Sequence[Scored]) -> list[Scored]:
    return sorted(scored, key=lambda one: (-one.score, one.id))


def fuse_ranks(lists: Sequence[Sequence[str]], *, k: int) -> list[str]:
    """Reciprocal rank fusion (Cormack et al. 2009): sum of 1 / (k + rank), ranks from 1."""
    scores: dict[str, float] = {}
    for ranking in lists:
        for rank, one in enumerate(ranking, start=1):
            scores[one] = scores.get(one, 0.0) + 1 / (k + rank)
    return sorted(scores, key=lambda one: (-scores[one], one))
