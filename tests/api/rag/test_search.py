"""What a search finds, tells of how it was found, and what it says when it cannot search. With the real model."""

import uuid
from pathlib import Path
from typing import Any

import pytest

from mcp_saas.kit.patience import left_s
from rag.engine.embedding import EmbedderError
from rag.models.document import DocumentChunk
from rag.pipeline.document import Offer, add_document
from rag.pipeline.index import advance
from rag.pipeline.library import PRODUCT, fill_index, load_files
from rag.pipeline.point import Index, open_index
from rag.pipeline.prepare import EMBEDDING_S
from rag.pipeline.retrieve import retrieve
from rag.pipeline.search import gate, search_passages
from rag.sources.corpus.product import read_product_texts
from rag.sources.qdrant import scope
from tenants.context import enter_tenant
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box

PATH = "/api/v1/knowledge/search"
NOTES = """# Notes of the cellar

## The battery

The uninterruptible power supply in the cellar is a Kestrel 900 and its battery is changed every third March.
"""
BATTERY = "when is the battery of the power supply in the cellar changed?"


@pytest.fixture
def library(knowledge_url: str, settings: Any, db: None) -> Index:
    """A text of the product in both languages, in a collection of this test's own."""
    settings.ENV = settings.ENV.model_copy(update={"qdrant_collection": f"t{uuid.uuid4().hex[:12]}"})
    index = open_index()
    load_files(PRODUCT, [one for one in read_product_texts() if Path(one.path).name == "liquidity.md"])
    fill_index(index)
    return index


def add(box: Box, text: str, index: Index) -> str:
    """The document's id, once it is found."""
    with enter_tenant(box.tenant):
        document, _ = add_document(Offer(title="Notes", media_type="text/markdown", content=text.encode()))
        while advance(document.id, index):
            pass
    return str(document.id)


def search(api: ApiClient, box: Box, query: str, **more: Any) -> Any:
    answer = api.post(PATH, {"query": query, **more}, token=api.token_of(box))
    assert answer.status == 200, answer.json
    return answer.json


def test_the_library_is_searched_in_the_language_of_the_question_and_the_plan_is_told(
    api: ApiClient, alice: Box, library: Index
) -> None:
    found = search(api, alice, "how do I get inbound liquidity?", limit=3)
    assert len(found["results"]) == 3
    best = found["results"][0]
    assert (best["lang"], best["origin"]) == ("en", "library")
    assert best["licence"]
    assert "liquidity" in best["text"].lower()
    assert found["plan"]["rerank"] == "maxsim"
    leg = found["plan"]["legs"][0]
    assert leg["filters"] == {"origin": "library", "lang": "en"}
    assert leg["steps"] == ["dense", "bm25", "maxsim"]
    french = search(api, alice, "comment obtenir de la liquidité entrante ?")
    assert french["plan"]["language"] == "fr"
    assert [leg["steps"] for leg in french["plan"]["legs"][:2]] == [["dense", "bm25", "maxsim"]] * 2
    assert {one["lang"] for one in french["results"]} == {"en", "fr"}
    scores = [one["score"] for one in french["results"]]
    assert scores == sorted(scores, reverse=True)


def test_a_boxs_own_documents_come_first_where_they_answer_and_nobody_else_finds_them(
    api: ApiClient, alice: Box, bob: Box, library: Index
) -> None:
    document = add(alice, NOTES, library)
    best = search(api, alice, BATTERY)["results"][0]
    assert (best["origin"], best["document"]) == ("document", document)
    assert "every third March" in best["text"]
    with enter_tenant(alice.tenant):
        assert best["chunk_id"] in {str(one) for one in DocumentChunk.objects.values_list("id", flat=True)}
    other = search(api, bob, BATTERY)
    assert "Kestrel" not in str(other)
    assert {one["origin"] for one in other["results"]} == {"library"}
    elsewhere = search(api, alice, "how do I get inbound liquidity?")["results"][0]
    assert elsewhere["origin"] == "library"


def test_own_french_notes_are_found_by_french_words(api: ApiClient, alice: Box, library: Index) -> None:
    add(alice, "# Notes\n\nLa batterie de l'onduleur de la cave est changée chaque année au mois de mars.", library)
    best = search(api, alice, "quand la batterie de l'onduleur est-elle changée ?")["results"][0]
    assert (best["origin"], best["lang"]) == ("document", "fr")


@pytest.mark.fault
def test_an_index_that_is_down_is_a_problem_with_a_pause(api: ApiClient, alice: Box, settings: Any) -> None:
    settings.ENV = settings.ENV.model_copy(update={"qdrant_url": "http://127.0.0.1:9"})
    answer = api.post(PATH, {"query": "fees"}, token=api.token_of(alice))
    assert_problem(answer, 503)
    assert answer.json["type"].endswith("/search-unavailable")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.fault
def test_a_third_search_of_a_box_at_once_is_told_to_come_again_and_another_boxs_is_answered(
    api: ApiClient, alice: Box, bob: Box, library: Index
) -> None:
    with gate.enter(alice.dazbox.id), gate.enter(alice.dazbox.id):
        refused = api.post(PATH, {"query": "fees"}, token=api.token_of(alice))
        assert_problem(refused, 503)
        assert refused.headers["Retry-After"] == "1"
        assert api.post(PATH, {"query": "fees"}, token=api.token_of(bob)).status == 200
    assert api.post(PATH, {"query": "fees"}, token=api.token_of(alice)).status == 200


class _Away:
    """An embedder that does not answer."""

    def __init__(self, index: Index) -> None:
        self.model = index.embedder.model

    def embed(self, texts: object, *, with_tokens: bool) -> Any:
        assert left_s(60) <= EMBEDDING_S, "a question waits so long for its vectors and no longer"
        raise EmbedderError("away", is_temporary=True)


@pytest.mark.fault
def test_without_the_embedder_words_are_searched_and_the_plan_says_so(alice: Box, library: Index) -> None:
    with enter_tenant(alice.tenant):
        found = search_passages("inbound liquidity", limit=3, index=Index(_Away(library), library.store))
    assert found.plan.degraded == ("embedder",)
    assert "liquidity" in str(found.passages[0].content).lower()


@pytest.mark.parametrize("body", [{}, {"query": " "}, {"query": "fees", "limit": 0}, {"query": "fees", "limit": 51}])
def test_a_search_for_nothing_or_too_much_is_refused(api: ApiClient, alice: Box, body: Any) -> None:
    assert_problem(api.post(PATH, body, token=api.token_of(alice)), 400)


def test_a_question_without_a_word_finds_nothing_or_something_and_never_fails(alice: Box, library: Index) -> None:
    for text in ("?", "the", "…", "le la les", "🙂", "a" * 1000):
        found = retrieve(text, scope=scope.shared(), store=library.store, embedder=library.embedder, limit=5)
        assert len(found.passages) <= 5
