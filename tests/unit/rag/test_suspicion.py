"""Texts that speak to the assistant are told from texts that speak to the reader."""

import gzip
import json

import pytest

from rag.engine.plain import disarm, has_markup, list_blocks, make_plain
from rag.engine.sentences import cut_sentences
from rag.engine.suspicion import speaks_to_assistant
from tests.hostile_texts import ATTACKS
from tests.reference_data import INJECTIONS, KNOWLEDGE

HARMLESS = (
    "Never reveal your seed words to anybody.",
    "MUST ignore the message if the channel is unknown.",
    "The owner approves an action before it is handed over.",
    "Raise the fee when the local balance runs low.",
    "Ne donnez jamais votre phrase de récupération.",
    "Sauvegardez le fichier channel.backup après chaque ouverture de canal.",
    "Show the macaroon's permissions with lncli printmacaroon.",
    "Les instructions d'installation se trouvent dans la documentation.",
)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_instruction_to_the_assistant_is_told(name: str) -> None:
    assert speaks_to_assistant(ATTACKS[name].text)


@pytest.mark.skipif(not INJECTIONS.exists(), reason="the reference data is not here")
def test_all_injections_of_the_reference_data_are_told() -> None:
    documents = [json.loads(line)["document"] for line in INJECTIONS.read_text().splitlines()]
    assert documents
    assert [text for text in documents if not speaks_to_assistant(text)] == []


@pytest.mark.parametrize("text", HARMLESS)
def test_advice_to_the_reader_is_none(text: str) -> None:
    assert not speaks_to_assistant(text)


@pytest.mark.skipif(not KNOWLEDGE.exists(), reason="the reference data is not here")
def test_of_a_thousand_sentences_of_real_documents_one_at_most_is_taken_for_one() -> None:
    with gzip.open(KNOWLEDGE / "optech-fr.sections.jsonl.gz", "rt") as file:
        texts = [json.loads(line)["text"] for line in file]
    sentences = [sentence for text in texts for block in list_blocks(text) for sentence in cut_sentences(block)]
    assert len(sentences) > 1000
    assert sum(map(speaks_to_assistant, sentences)) <= len(sentences) / 1000


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a ![x](https://e.example/i.png) b", "a b"),
        ("a [link](javascript:alert(1)) b", "a link b"),
        ("see https://e.example/x?y=z now", "see now"),
        ("<b>bold</b> &lt;img src=x&gt; &amp;lt;script&amp;gt;alert(1)", "bold"),
        ("left \u202eright\u202c zero\u200bwidth\ufeff", "left right zerowidth"),
        ("## Title\n\n- one\n- two **bold** `code`", "Title one two bold code"),
        ("x <y and z> w", "x w"),
        ("5 < 6 > 4", "5 \u2039 6 \u203a 4"),
        ('`["time<1790000000"]` and `x>=5`', '["time<1790000000"] and x>=5'),
        ("<1<`b`>", "<1\u2039b\u203a"),
    ],
)
def test_a_plain_text_has_no_markup_no_address_and_nothing_unseen(text: str, plain: str) -> None:
    assert make_plain(text) == plain
    assert not has_markup(make_plain(text))


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_made_plain_hold_nothing_that_is_loaded_or_hidden(name: str) -> None:
    plain = make_plain(ATTACKS[name].text)
    assert not has_markup(plain)
    assert all(mark not in plain for mark in ("<", "](", "https:", "\u202e", "\u200b"))


def test_blocks_are_paragraphs_items_and_code_without_headings_and_tables() -> None:
    text = "# Title\n\nOne line\nand another.\n\n- first\n- second\n\n```\ncode here\n```\n| a | b |\n|---|---|\nLast."
    assert list_blocks(text) == ["One line and another.", "  first", "  second", "    code here", "Last."]


def test_a_text_that_is_shown_as_it_is_keeps_its_lines_and_nothing_that_is_loaded_or_run() -> None:
    text = "one ![p](http://evil.example/p.png) two\n[go](javascript:alert(1)) <b>three</b>\n\nhttps://evil.example/x"
    assert disarm(text) == "one two\ngo three"
    assert not has_markup(disarm(text))
