"""Without a model an answer is the best sentences of the best passages, word for word."""

import pytest

from rag.engine.citation import verify
from rag.engine.evidence import Evidence, Language
from rag.engine.extract import extract_answer
from tests.hostile_texts import ATTACKS


def passage(id: str, text: str, language: Language = "en") -> Evidence:  # noqa: A002
    return Evidence(id=id, kind="passage", text=text, language=language)


INBOUND = passage(
    "c1",
    "A node has two kinds of liquidity.\nInbound liquidity is the amount that others can send to you."
    " You get inbound liquidity when a peer opens a channel towards you. The weather is nice today in the mountains.",
)
BACKUP = passage("c2", "Back up the channel file after every opening of a channel. Keep a copy in another house.")
FRENCH = passage(
    "c3",
    "La liquidité entrante est ce que les autres peuvent vous envoyer. Elle vient des canaux ouverts par un pair.",
    "fr",
)


def test_the_sentences_that_say_what_was_asked_are_quoted_with_their_passage() -> None:
    quoted = extract_answer("How do I get inbound liquidity?", [INBOUND, BACKUP], language="en")
    texts = [sentence.text for sentence in quoted]
    assert "You get inbound liquidity when a peer opens a channel towards you." in texts
    assert not any("weather" in text for text in texts)
    assert all(sentence.citations[0].quote == sentence.text for sentence in quoted)
    assert quoted[0].citations[0].id == "c1"


def test_a_french_question_is_answered_from_french_passages_first() -> None:
    quoted = extract_answer("Comment obtenir de la liquidité entrante ?", [INBOUND, FRENCH], language="fr")
    assert quoted[0].citations[0].id == "c3"
    assert quoted[0].text.startswith("La liquidité entrante")


def test_an_extract_bears_its_own_verification() -> None:
    known = {one.id: one for one in (INBOUND, BACKUP, FRENCH)}
    quoted = extract_answer("inbound liquidity and backup", list(known.values()), language="en")
    assert verify(quoted, known, language="en").faults == ()


@pytest.mark.parametrize("name", ATTACKS)
def test_no_instruction_to_the_assistant_is_ever_the_answer(name: str) -> None:
    attack = ATTACKS[name]
    hostile = passage("c9", f"{attack.text}\nInbound liquidity is the amount that others can send to you.")
    quoted = extract_answer("How do I get inbound liquidity?", [hostile], language="en")
    shown = " ".join(sentence.text for sentence in quoted)
    assert "Inbound liquidity is the amount" in shown
    assert [word for word in attack.taboo if word in shown] == []


def test_no_passages_no_answer() -> None:
    assert extract_answer("anything", [], language="en") == []
