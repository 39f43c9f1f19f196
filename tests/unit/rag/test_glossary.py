"""What French owners ask is found in English text: words, phrases, their order, and what they weigh."""

import time
from pathlib import Path

import pytest

from rag.engine.glossary.translate import Translation, translate_passage, translate_question

QUESTIONS = [
    line
    for line in (Path(__file__).parent / "french_questions.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]


def weight(translation: Translation, word: str) -> float:
    return next((term.weight for term in translation.terms if term.word == word), 0.0)


def test_there_are_questions_of_every_theme() -> None:
    assert len(set(QUESTIONS)) > 200


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_word_of_a_question_is_translated(question: str) -> None:
    translation = translate_question(question)
    assert translation.untranslated in {(), ("9735",)}
    assert translation.terms


@pytest.mark.parametrize(
    ("french", "english"),
    [
        ("Comment obtenir de la liquidité entrante ?", "how to get inbound liquidity?"),
        ("Pourquoi mon canal privé inactif ne répond plus ?", "why my inactive private channel does not respond?"),
        ("le taux de frais des transactions de balayage", "the fee rate of sweep transactions"),
        ("Comment l'atténuer ?", "how to mitigate it?"),
        ("Mon pair n'accepte pas le canal", "my peer not accept the channel"),
        ("Mon nœud ne relaie plus rien", "my node no longer route nothing"),
    ],
)
def test_the_order_of_words_is_english(french: str, english: str) -> None:
    assert translate_question(french).english == english


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("liquidite entrante", "liquidité entrante"),
        ("FERMETURE FORCEE", "fermeture forcée"),
        ("qu est ce que l epissage", "qu'est-ce que l'épissage"),
        ("qu\u2019est\u2011ce que l\u2019épissage", "qu'est-ce que l'épissage"),
        ("mes canaux bloques", "mes canaux bloqués"),
        ("noeud", "nœud"),
    ],
)
def test_accents_and_apostrophes_may_be_left_out(typed: str, meant: str) -> None:
    assert translate_question(typed).terms == translate_question(meant).terms


@pytest.mark.parametrize("form", ["obtenir", "obtient", "obtenu", "obtiendrai", "obtenait"])
def test_forms_of_a_verb_are_one_word(form: str) -> None:
    assert weight(translate_question(f"il {form} un canal"), "obtain") > 0


def test_the_longest_phrase_wins() -> None:
    tower = translate_question("une tour de guet")
    assert [term.word for term in tower.terms] == ["watchtower", "tower"]
    assert "power" in translate_question("une panne de courant").english


def test_the_neighbour_tells_a_noun_from_a_verb() -> None:
    assert "account" in translate_question("mon compte").english
    assert "count" in translate_question("je compte les canaux").english


def test_other_renderings_weigh_less_and_everyday_words_less_than_those_of_the_field() -> None:
    translation = translate_question("augmenter la liquidité entrante")
    assert weight(translation, "inbound") > weight(translation, "increase") > weight(translation, "raise")
    assert weight(translation, "inbound") > weight(translation, "incoming") > 0


def test_small_words_are_no_terms() -> None:
    words = {term.word for term in translate_question("Comment faire pour que le canal soit dans le graphe ?").terms}
    assert {"channel", "graph"} <= words
    assert not words & {"the", "to", "of", "in", "how", "is"}


def test_names_and_options_stay_as_they_are() -> None:
    translation = translate_question("Que fait --fee-base dans Xyzzy avec channel.backup ?")
    assert translation.untranslated == ("--fee-base", "Xyzzy", "channel.backup")
    assert weight(translation, "xyzzy") == 1


def test_an_unknown_word_of_latin_origin_is_guessed() -> None:
    assert weight(translate_question("la tokenisation"), "tokenization") > 0


def test_a_text_without_words_has_nothing_to_say() -> None:
    assert translate_question("?!") == Translation(english="", terms=(), untranslated=())


def test_a_question_takes_less_than_a_millisecond() -> None:
    translate_question(QUESTIONS[0])
    began = time.process_time()
    for question in QUESTIONS:
        translate_question(question)
    assert (time.process_time() - began) / len(QUESTIONS) < 0.001


def test_a_passage_is_translated_sentence_by_sentence_and_keeps_its_paragraphs() -> None:
    passage = "Frais de\nroutage\n\nMon canal est bloqué. Le pair ne répond plus !"
    assert translate_passage(passage) == "routing fees\n\nmy channel is stuck. the peer does not respond"


def test_a_passage_without_words_has_no_translation() -> None:
    assert translate_passage(" \n\n ") == ""
