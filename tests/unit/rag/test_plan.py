"""Which documents are searched for a question, and how."""

from rag.engine.embedding import EmbeddingModel
from rag.engine.plan import Leg, make_plan
from rag.engine.question import read_question

LOCAL = EmbeddingModel("minilm-l6-v2", 384, has_tokens=True)
FOREIGN = EmbeddingModel("text-embedding-3-small", 1536, has_tokens=False)


def describe(leg: Leg) -> tuple[str, str, tuple[str, ...], bool]:
    return leg.part, leg.lang, leg.steps, leg.is_translated


def test_an_english_question_goes_to_english_documents_and_is_ranked_by_tokens() -> None:
    plan = make_plan("en", model=LOCAL, has_own=False)
    assert [describe(leg) for leg in plan.legs] == [("shared", "en", ("dense", "bm25", "maxsim"), False)]
    assert (plan.rerank, plan.degraded) == ("maxsim", ())


def test_a_french_question_goes_to_both_languages_by_the_same_steps_and_is_translated_for_english() -> None:
    plan = make_plan("fr", model=LOCAL, has_own=False)
    assert [describe(leg) for leg in plan.legs] == [
        ("shared", "en", ("dense", "bm25", "maxsim"), True),
        ("shared", "fr", ("dense", "bm25", "maxsim"), False),
    ]


def test_a_boxs_own_documents_are_searched_in_both_languages_without_tokens() -> None:
    plan = make_plan("en", model=LOCAL, has_own=True)
    assert [describe(leg) for leg in plan.legs if leg.part == "own"] == [
        ("own", "en", ("dense", "bm25"), False),
        ("own", "fr", ("bm25",), False),
    ]


def test_a_model_of_all_languages_without_tokens_reads_french_and_is_not_said_to_rerank() -> None:
    plan = make_plan("fr", model=FOREIGN, has_own=False)
    assert plan.rerank is None
    assert [(leg.lang, leg.steps) for leg in plan.legs] == [("en", ("dense", "bm25")), ("fr", ("dense", "bm25"))]


def test_without_the_embedder_words_are_left_and_the_plan_says_so() -> None:
    plan = make_plan("fr", model=LOCAL, has_own=True, has_vectors=False)
    assert {leg.steps for leg in plan.legs} == {("bm25",)}
    assert (plan.rerank, plan.degraded) == (None, ("embedder",))


def test_everyday_words_bring_those_of_the_field_at_less_weight() -> None:
    question = read_question("nobody can pay me", asked_in="en", documents="en")
    assert "inbound liquidity" in question.field_words
    assert 0 < question.words["inbound"] < question.words["nobodi"] == 1.0
    assert "inbound" not in question.asked_words


def test_a_french_question_has_english_words_for_english_documents_and_its_own_for_french_ones() -> None:
    asked = "Comment obtenir de la liquidité entrante ?"
    assert "liquid" in read_question(asked, asked_in="fr", documents="en").words
    assert set(read_question(asked, asked_in="fr", documents="fr").words) == {"obten", "liquidit", "entrant"}


def test_of_an_english_question_french_documents_are_asked_the_names() -> None:
    assert "acinq" in read_question("Why is ACINQ offline?", asked_in="en", documents="fr").words
