"""Figures of rankings, on examples that can be worked out by hand."""

from math import log2

import pytest

from rag.engine.metrics import average, measure, percentile, refused_at


def test_the_ideal_order_is_worth_one() -> None:
    quality = measure(["a", "b", "x"], {"a": 2, "b": 1})
    assert (quality.ndcg_at_10, quality.success_at_5, quality.recall_at_5, quality.mrr) == (1.0, 1.0, 1.0, 1.0)


def test_gains_are_the_grades_discounted_by_place() -> None:
    quality = measure(["x", "b", "a"], {"a": 2, "b": 1})
    assert quality.ndcg_at_10 == pytest.approx((1 / log2(3) + 2 / log2(4)) / (2 + 1 / log2(3)))
    assert quality.mrr == 0.5


def test_what_comes_after_the_fifth_place_is_no_success_and_after_the_tenth_no_gain() -> None:
    sixth = measure([*"vwxyz", "a"], {"a": 2})
    eleventh = measure([str(n) for n in range(10)] + ["a"], {"a": 2})
    assert (sixth.success_at_5, sixth.recall_at_5, eleventh.ndcg_at_10, eleventh.mrr) == (0.0, 0.0, 0.0, 0.0)
    assert sixth.ndcg_at_10 == pytest.approx(1 / log2(7))


def test_a_question_without_an_answer_has_no_ranking_to_judge() -> None:
    with pytest.raises(ValueError, match="nothing is relevant"):
        measure(["a"], {})


def test_no_questions_give_no_figure() -> None:
    assert average([]) is None


def test_refusals_are_counted_at_the_threshold_that_keeps_95_of_100() -> None:
    answerable = [number / 100 for number in range(100)]
    assert refused_at(0.95, answerable=answerable, unanswerable=[0.01, 0.049, 0.05, 0.9]) == 0.5
    assert refused_at(0.95, answerable=answerable, unanswerable=[]) is None


def test_percentiles_are_values_that_occur() -> None:
    assert (percentile([3.0, 1.0, 2.0], 0.5), percentile(list(range(1, 101)), 0.95)) == (2.0, 95)
