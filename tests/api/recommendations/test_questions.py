"""The table of questions, asked of a real node and of all our own texts: what each answer holds and lacks."""

import uuid
from typing import Any

import pytest
from pydantic import SecretStr

from rag.pipeline.library import PRODUCT, fill_index, load_files
from rag.pipeline.point import open_index
from rag.sources.corpus.product import read_product_texts
from recommendations.pipeline.told import AskAnswer
from tests.api.recommendations.node_of_questions import ask_at, fill_node
from tests.api.recommendations.questions import OF_THE_LIBRARY, OF_THE_NODE, REFUSED, Asked
from tests.factories import Box, make_box


@pytest.fixture
def node(db: None) -> Box:
    box = make_box("node")
    fill_node(box)
    return box


@pytest.fixture
def library(knowledge_url: str, knowledge_key: str, settings: Any, db: None) -> None:
    ours = {
        "qdrant_url": knowledge_url,
        "qdrant_api_key": SecretStr(knowledge_key) if knowledge_key else None,
        "qdrant_collection": f"t{uuid.uuid4().hex[:12]}",
    }
    settings.ENV = settings.ENV.model_copy(update=ours)
    load_files(PRODUCT, read_product_texts())
    fill_index(open_index())


def test_the_table_is_long_enough_and_asks_in_both_languages() -> None:
    questions = [one.question for one in (*OF_THE_NODE, *REFUSED, *OF_THE_LIBRARY)]
    assert len(questions) >= 80


def test_questions_are_answered_from_records_from_our_texts_or_refused(node: Box, library: None) -> None:
    """One test: filling the library takes longer than all questions."""
    told = {one: ask_at(node, one.question, one.language) for one in (*OF_THE_NODE, *REFUSED, *OF_THE_LIBRARY)}
    assert _list_faults(told) == []
    assert [one.question for one in OF_THE_NODE if not _stands_on(told[one], "fact")] == []
    assert [one.question for one in REFUSED if told[one].grounded or told[one].citations] == []
    assert [one.question for one in OF_THE_LIBRARY if not _stands_on(told[one], "passage")] == []
    assert [one.question for one in OF_THE_LIBRARY if not _is_of_one_language(told[one])] == []


def _list_faults(told: dict[Asked, AskAnswer]) -> list[str]:
    return [
        f"{asked.question} {fault}: {answer.answer[:300]}"
        for asked, answer in told.items()
        for fault in (
            *(f"lacks {words!r}" for words in asked.holds if words not in answer.answer),
            *(f"holds {words!r}" for words in asked.lacks if words in answer.answer),
        )
    ]


def _stands_on(answer: AskAnswer, kind: str) -> bool:
    """Every claim is cited, the first from that kind; what has no citation is said before."""
    return answer.grounded and answer.citations[0].kind == kind


def _is_of_one_language(answer: AskAnswer) -> bool:
    return {one.language for one in answer.citations} == {answer.language}
