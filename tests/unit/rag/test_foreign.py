"""Questions in a language nobody here speaks are known as such, and ours are not taken for one."""

from pathlib import Path

import pytest

import rag.library
from rag.engine.foreign import is_understood

TEXT = Path(rag.library.__path__[0]) / "text"


@pytest.mark.parametrize(
    "question",
    [
        "¿Cómo obtengo liquidez entrante?",
        "Como abrir um canal?",
        "Come apro un canale?",
        "Wie bekomme ich eingehende Liquidität?",
        "Was ist ein Kanal?",
        "Hoe open ik een kanaal?",
        "Как открыть канал?",
        "チャネルを開くには",
    ],
)
def test_another_language_is_not_understood(question: str) -> None:
    assert not is_understood(question)


@pytest.mark.parametrize(
    "question",
    [
        "fees de ACINQ",
        "node die",
        "why is the fee to El Zonte so high?",
        "frais canal ACINQ",
        "lncli listchannels",
        "BOLT12",
        "fee 800000x1x0",
        "42",
        "",
    ],
)
def test_what_does_not_tell_is_understood(question: str) -> None:
    assert is_understood(question)


def test_every_heading_of_our_own_texts_is_understood() -> None:
    headings = [
        line
        for file in TEXT.glob("*/*.md")
        for line in file.read_text(encoding="utf-8").splitlines()
        if line.startswith("#")
    ]
    assert [heading for heading in headings if not is_understood(heading)] == []
