"""Lists of several steps and languages become one."""

from rag.engine.fusion import combine, fuse_ranks
from rag.engine.weights import Weights


def test_scores_are_weighed_and_added() -> None:
    weights = Weights(dense=0.5, bm25=0.1, maxsim=1.0)
    (best, other) = combine(
        {"dense": {"a": 0.4, "b": 0.2}, "bm25": {"b": 2.0}, "maxsim": {"a": 0.5, "b": 0.6}}, weights
    )
    assert (best.id, round(best.score, 6), other.id, round(other.score, 6)) == ("b", 0.9, "a", 0.7)


def test_a_text_beyond_the_end_of_the_dense_list_gets_its_lowest_score_and_no_bm25() -> None:
    found = combine({"dense": {"a": 0.4, "b": 0.3}, "bm25": {}, "maxsim": {"c": 0.5}}, Weights(dense=1.0, maxsim=1.0))
    assert [(one.id, one.parts) for one in found] == [("c", {"dense": 0.3, "bm25": 0.0, "maxsim": 0.5})]


def test_equal_scores_keep_one_order() -> None:
    assert [one.id for one in combine({"bm25": {"b": 1.0, "a": 1.0}}, Weights(bm25=1.0))] == ["a", "b"]


def test_a_search_that_found_nothing_gives_nothing() -> None:
    assert combine({}, Weights()) == []


def test_reciprocal_ranks_prefer_what_both_lists_have() -> None:
    assert fuse_ranks([["a", "b"], ["b", "c"]], k=60) == ["b", "a", "c"]
