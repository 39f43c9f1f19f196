"""What the library is asked for stands in it as a heading, so that there is something to quote."""

import pytest

from rag.engine.evidence import LANGUAGES
from rag.sources.corpus.product import read_product_texts
from recommendations.engine.advice import Language
from recommendations.engine.questions import QUESTIONS


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_question_is_a_heading_of_a_text_of_its_language(language: Language) -> None:
    texts = [one.content.decode() for one in read_product_texts() if one.lang == language]
    headings = {line.removeprefix("## ") for text in texts for line in text.splitlines() if line.startswith("## ")}
    assert set(QUESTIONS[language].values()) <= headings
