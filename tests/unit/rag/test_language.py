"""English or French: told by the text, also a short one."""

from pathlib import Path

import pytest

import rag.library
from rag.engine.language import LANGUAGES, detect_language

TEXT = Path(rag.library.__path__[0]) / "text"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I get inbound liquidity?", "en"),
        ("Comment obtenir de la liquidité entrante ?", "fr"),
        ("comment ouvrir un canal", "fr"),
        ("Pourquoi avez-vous augmenté les frais vers ACINQ ?", "fr"),
        ("COMMENT SAUVEGARDER MON NOEUD ?", "fr"),
        ("why was the fee raised", "en"),
        ("Don't my peer's fees change?", "en"),
        ("Qu\u2019est-ce qu\u2019un HTLC ?", "fr"),
        ("Que fait `lncli closechannel --force` ?", "fr"),
        ("What does the alias L'Éclair mean?", "en"),
    ],
)
def test_a_question_is_told_by_its_words(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("liquidite entrante", "fr"),
        ("frais canal ACINQ", "fr"),
        ("nœud bloqué", "fr"),
        ("channel fees ACINQ", "en"),
        ("CHANNELD_AWAITING_LOCKIN stuck", "en"),
        ("option_support_large_channel 2^24 satoshi limit", "en"),
    ],
)
def test_a_search_without_a_sentence_is_told_by_the_words_of_the_field(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_heading_and_paragraph_of_our_own_text_is_told(language: str) -> None:
    for file in sorted((TEXT / language).glob("*.md")):
        prose = file.read_text(encoding="utf-8").split("---\n", 2)[2]
        for paragraph in filter(None, map(str.rstrip, prose.split("\n\n"))):
            if not paragraph.strip("\n").startswith("    ") and len(paragraph.split()) > 4:
                assert detect_language(paragraph) == language, (file.name, paragraph)


@pytest.mark.parametrize("text", ["", " \n", "42", "???", "\ud800", "lncli listchannels --active_only"])
def test_a_text_without_words_is_english(text: str) -> None:
    assert detect_language(text) == "en"


def test_a_page_of_one_word_is_read_in_a_moment() -> None:
    assert detect_language("l'" * 100_000) == "fr"
