"""Which documents are searched for a question, and how."""

from rag.engine.plan import make_plan
from rag.engine.question import read_question


def test_an_english_question_goes_to_english_documents_and_is_ranked_by_tokens() -> None:
    plan = make_plan("en", model="minilm-l6-v2", has_tokens=True)
    assert [(leg.lang, leg.steps) for leg in plan.legs] == [("en", ("dense", "bm25", "maxsim"))]
    assert plan.rerank == "maxsim"


def test_a_french_question_goes_to_both_languages_and_is_translated_for_english() -> None:
    plan = make_plan("fr", model="minilm-l6-v2", has_tokens=True)
    assert [(leg.lang, leg.is_translated, leg.steps[-1]) for leg in plan.legs] == [
        ("en", True, "maxsim"),
        ("fr", False, "bm25"),
    ]


def test_a_model_without_tokens_is_not_said_to_rerank() -> None:
    plan = make_plan("en", model="text-embedding-3-small", has_tokens=False)
    assert plan.rerank is None
    assert plan.legs[0].steps == ("dense", "bm25")


def test_everyday_words_bring_those_of_the_field_at_less_weight() -> None:
    question = read_question("nobody can pay me", asked_in="en", documents="en")
    assert "inbound liquidity" in question.field_words
    assert 0 < question.words["inbound"] < question.words["nobodi"] == 1.0
    assert "inbound" not in question.asked_words


def test_a_french_question_has_english_words_for_english_documents_and_its_own_for_french_ones() -> None:
    asked = "Comment obtenir de la liquidité entrante ?"
    assert "liquid" in read_question(asked, asked_in="fr", documents="en").words
    assert set(read_question(asked, asked_in="fr", documents="fr").words) == {"obten", "liquidit", "entrant"}
