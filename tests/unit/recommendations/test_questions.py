"""What the library is asked for stands in it as a heading, so that there is something to quote."""

import pytest
from msgspec.structs import replace

from rag.engine.evidence import LANGUAGES
from rag.sources.corpus.product import read_product_texts
from recommendations.engine.advice import Language
from recommendations.engine.params import Closing
from recommendations.engine.questions import QUESTIONS, name_cited
from recommendations.engine.words.english import ENGLISH
from tests.unit.recommendations.test_priority import make_closing
from tests.unit.recommendations.test_words import list_all


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_is_a_heading_of_a_text_of_its_language(language: Language) -> None:
    texts = [one.content.decode() for one in read_product_texts() if one.lang == language]
    headings = {line.removeprefix("## ") for text in texts for line in text.splitlines() if line.startswith("## ")}
    assert set(QUESTIONS[language].values()) <= headings


def test_every_situation_has_a_question_in_each_language() -> None:
    situations = {name.split("/")[0] for name in ENGLISH.situations}
    assert all({name.split("/")[0] for name in questions} == situations for questions in QUESTIONS.values())
    assert set(QUESTIONS["en"]) == set(QUESTIONS["fr"])


def test_every_advice_cites_what_fits_its_situation_and_its_reason() -> None:
    cited = {name_cited(one) for one in list_all()}
    assert cited <= set(QUESTIONS["en"])
    assert {name.split("/")[0] for name in cited} == {name.split("/")[0] for name in QUESTIONS["en"]}
    closing = make_closing(1)
    assert isinstance(closing.params, Closing)
    away = replace(closing, params=replace(closing.params, is_active=False))
    assert (name_cited(closing), name_cited(away)) == ("closing/online", "closing/offline")
