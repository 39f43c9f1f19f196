"""English or French: told by the text, also a short one."""

import pytest

from rag.engine.language import detect_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("How do I get inbound liquidity?", "en"),
        ("Comment obtenir de la liquidité entrante ?", "fr"),
        ("comment ouvrir un canal", "fr"),
        ("Pourquoi avez-vous augmenté les frais vers ACINQ ?", "fr"),
        ("COMMENT SAUVEGARDER MON NOEUD ?", "fr"),
        ("why was the fee raised", "en"),
    ],
)
def test_a_question_is_told_by_its_words(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize("text", ["", " \n", "42", "???", "\ud800"])
def test_a_text_without_words_is_english(text: str) -> None:
    assert detect_language(text) == "en"
