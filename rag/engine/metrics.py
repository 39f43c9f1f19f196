"""How good a ranking is, as BEIR and trec_eval count it (Thakur et al. 2021; Jarvelin and Kekalainen 2002).

`relevant`: grade by id, 1 helps, 2 answers. A ranking is ids, best first, each once.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, log2

from msgspec import Struct

DEPTH, SHORT = 10, 5
Grades = Mapping[str, int]


class Quality(Struct, frozen=True):
    """Each from 0 to 1; means over questions. `success_at_5`: something relevant is among the first five."""

    ndcg_at_10: float
    success_at_5: float
    recall_at_5: float
    mrr: float


def measure(ranking: Sequence[str], relevant: Grades) -> Quality:
    """Raises ValueError for a question without an answer: there is nothing to rank."""
    wanted = {one for one, grade in relevant.items() if grade > 0}
    if not wanted:
        raise ValueError("nothing is relevant to this question")
    found = [one in wanted for one in ranking]
    return Quality(
        ndcg_at_10=_gain(relevant.get(one, 0) for one in ranking[:DEPTH])
        / _gain(sorted(relevant.values(), reverse=True)[:DEPTH]),
        success_at_5=float(any(found[:SHORT])),
        recall_at_5=sum(found[:SHORT]) / len(wanted),
        mrr=next((1 / place for place, hit in enumerate(found[:DEPTH], start=1) if hit), 0.0),
    )


def average(all_of: Sequence[Quality]) -> Quality | None:
    """None: no question, no figure."""
    if not all_of:
        return None
    n = len(all_of)
    return Quality(*(sum(getattr(one, field) for one in all_of) / n for field in Quality.__struct_fields__))


def refused_at(kept_share: float, *, answerable: Sequence[float], unanswerable: Sequence[float]) -> float | None:
    """Share of unanswerable questions below the highest threshold that keeps this share of the answerable ones."""
    if not answerable or not unanswerable:
        return None
    ranked = sorted(answerable)
    threshold = ranked[int((1 - kept_share) * len(ranked) + 1e-9)]
    return sum(score < threshold for score in unanswerable) / len(unanswerable)


def percentile(values: Sequence[float], share: float) -> float:
    """Nearest rank."""
    ranked = sorted(values)
    return ranked[max(0, ceil(share * len(ranked)) - 1)]


def _gain(grades: Iterable[int]) -> float:
    return sum(grade / log2(place + 1) for place, grade in enumerate(grades, start=1))
