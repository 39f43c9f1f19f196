"""Without a model an answer is what the best section says on the question, word for word."""

import pytest

from rag.engine.citation import find_quote
from rag.engine.evidence import UNDER, Evidence, Language
from rag.engine.extract import Quoted, extract_answer
from rag.engine.plain import list_blocks
from tests.hostile_texts import ATTACKS


def passage(id: str, text: str, language: Language = "en", **more: str) -> Evidence:  # noqa: A002
    return Evidence(id=id, kind="passage", text="\n".join(list_blocks(text)), language=language, **more)


def extract(question: str, *passages: Evidence, language: Language = "en") -> list[Quoted]:
    quoted = extract_answer(question, passages, language=language)
    known = {one.id: one.text for one in passages}
    assert all(find_quote(one.text, known[one.id]) for one in quoted)
    return quoted


def show(quoted: list[Quoted]) -> str:
    return " ".join(one.text for one in quoted)


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
SEED = passage(
    "c4",
    "No. The seed gives back coins on the chain. It does not know which channels there were.",
    title=f"Backups{UNDER}Is my seed enough to get everything back?",
)
OPENING = passage(
    "c5",
    "On LND, with a fee you chose yourself:\n\n```\nlncli connect PUBKEY\nlncli openchannel PUBKEY\n```\n\nKeep coins.",
    title=f"Opening{UNDER}How do I open a channel?",
)
PEERS = passage(
    "c6", "Ask what the channel is for, before you open one.", title=f"Opening{UNDER}How do I choose a peer?"
)
WAYS = passage(
    "c7",
    "Three ways to get it:\n\n- Spend what you have.\n- Swap out by a service.\n- Buy a channel.\n\nWaiting is free.",
    title=f"Liquidity{UNDER}How do I get room to receive?",
)


def test_the_sentences_that_say_what_was_asked_are_quoted_with_their_passage() -> None:
    quoted = extract("How do I get inbound liquidity?", INBOUND, BACKUP)
    assert "You get inbound liquidity when a peer opens a channel towards you." in show(quoted)
    assert "weather" not in show(quoted)
    assert {one.id for one in quoted} == {"c1"}


def test_a_section_whose_heading_is_the_question_answers_it_whole_and_alone() -> None:
    quoted = extract("Is my seed enough to get everything back?", INBOUND, SEED, BACKUP)
    assert show(quoted) == "No. The seed gives back coins on the chain. It does not know which channels there were."


def test_commands_are_shown_with_the_words_that_lead_to_them() -> None:
    quoted = extract("How do I open a channel?", PEERS, OPENING)
    assert [(one.text, one.is_code) for one in quoted] == [
        ("On LND, with a fee you chose yourself:", False),
        ("lncli connect PUBKEY", True),
        ("lncli openchannel PUBKEY", True),
        ("Keep coins.", False),
    ]


def test_a_list_comes_with_all_its_items() -> None:
    assert show(extract("how many ways to swap?", WAYS)).startswith(
        "Three ways to get it: Spend what you have. Swap out by a service. Buy a channel."
    )


def test_what_breaks_off_and_what_begins_in_the_middle_is_no_answer() -> None:
    text = "Create the wallet with the seed, then\n\nor of one channel, under channels.\n\nA wallet needs a seed."
    assert show(extract("wallet seed?", passage("c8", text))) == "A wallet needs a seed."


def test_a_short_answer_comes_with_the_sentence_after_it() -> None:
    text = "The sky is blue today. Yes. A tower guards the channels while you sleep."
    assert "Yes. A tower guards" in show(extract("guards a tower channels?", passage("c9", text)))


def test_another_section_adds_what_the_first_does_not_say_and_nothing_else() -> None:
    adds = extract("inbound liquidity and backup of the channel file", INBOUND, BACKUP)
    assert {one.id for one in adds} == {"c1"}
    disk = passage("c10", "Test the spare disk and the battery of the router once a year.")
    router = passage("c11", "The router needs a plug near the node.")
    both = extract("test the disk and the battery of the router", router, disk)
    assert [one.id for one in both] == ["c11", "c10"]


def test_only_passages_in_the_language_of_the_answer_are_quoted_where_there_are_any() -> None:
    quoted = extract("Comment obtenir de la liquidité entrante ?", INBOUND, FRENCH, language="fr")
    assert {one.id for one in quoted} == {"c3"}
    assert extract("Comment obtenir de la liquidité entrante ?", INBOUND, language="fr")


def test_a_section_that_was_found_by_its_twins_heading_answers_whole() -> None:
    twin = passage("c12", "Non. La graine ne rend que les pièces.", "fr", other_heading="Is my seed enough?")
    assert show(extract("Is my seed enough?", FRENCH, twin, language="fr")) == "Non. La graine ne rend que les pièces."


def test_the_asker_s_own_documents_count_in_any_language() -> None:
    own = passage("c13", "The battery is changed in March, every third year.", source="document")
    assert "March" in show(extract("quand changer la batterie ?", own, FRENCH, language="fr"))


@pytest.mark.parametrize("name", ATTACKS)
def test_no_instruction_to_the_assistant_is_ever_the_answer(name: str) -> None:
    attack = ATTACKS[name]
    hostile = Evidence(
        id="c9",
        kind="passage",
        text=f"{attack.text}\nInbound liquidity is the amount that others can send to you.",
        language="en",
    )
    shown = show(extract("How do I get inbound liquidity?", hostile))
    assert "Inbound liquidity is the amount" in shown
    assert [word for word in attack.taboo if word in shown] == []


def test_no_passages_no_answer() -> None:
    assert extract("anything") == []
