"""Our own questions for `make evaluate` (docs/knowledge.md): they fit the corpus they are about, and repeat nothing."""

from collections import Counter
from pathlib import Path

import pytest

from rag.pipeline.evaluation_corpus import read_corpus, read_questions
from tests.reference_data import KNOWLEDGE

OWN = Path(__file__).parent / "questions_own.jsonl"
DEVELOPMENT = KNOWLEDGE / "questions_dev.jsonl"
needs_corpus = pytest.mark.skipif(not DEVELOPMENT.exists(), reason=f"no {DEVELOPMENT}: questions are not compared")


def test_every_group_has_questions_enough_to_tell_a_change_from_chance() -> None:
    questions = read_questions(OWN)
    groups = Counter(question.group for question in questions if question.relevant)
    assert groups["en"] > 200
    assert groups["fr_en"] >= 40
    assert groups["fr_fr"] >= 80
    assert len({question.qid for question in questions}) == len(questions)


@needs_corpus
def test_every_answer_is_a_section_of_the_corpus_in_the_language_it_says() -> None:
    languages = {section.id: section.lang for section in read_corpus(KNOWLEDGE)}
    for question in read_questions(OWN):
        expected = "fr" if question.group == "fr_fr" else "en"
        assert {languages[section] for section in question.relevant} <= {expected}, question.qid


@needs_corpus
def test_no_question_is_one_of_the_development_questions() -> None:
    asked = {question.query for question in read_questions(DEVELOPMENT)}
    assert not [question.qid for question in read_questions(OWN) if question.query in asked]
