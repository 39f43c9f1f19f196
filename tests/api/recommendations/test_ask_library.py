"""What owners ask about Lightning is answered from the library and from their own documents, with the real model."""

import uuid
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_saas.kit.breaker import Breaker
from rag.library.models import LibraryChunk
from rag.models.document import DocumentChunk
from rag.pipeline.document import Offer, add_document
from rag.pipeline.index import advance
from rag.pipeline.knowledge import search_knowledge
from rag.pipeline.library import PRODUCT, fill_index, load_files
from rag.pipeline.passages import KnowledgeAwayError
from rag.pipeline.point import Index, open_index
from rag.sources.corpus.product import read_product_texts
from rag.sources.minilm.model import MiniLM
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.store import Store
from tenants.context import enter_tenant
from tests.api.recommendations.conftest import Clock
from tests.api.recommendations.test_ask import ask
from tests.conftest import ApiClient
from tests.factories import Box
from tests.hostile_texts import ATTACKS

TEXTS = ("liquidity.md", "backups.md")
NOTES = """# Notes of the cellar

## The battery

The uninterruptible power supply in the cellar is a Kestrel 900 and its battery is changed every third March.
"""


@pytest.fixture
def library(knowledge_url: str, knowledge_key: str, settings: Any, db: None) -> Index:
    """Two texts of the product in both languages, in a collection of this test's own."""
    ours = {
        "qdrant_url": knowledge_url,
        "qdrant_api_key": SecretStr(knowledge_key) if knowledge_key else None,
        "qdrant_collection": f"t{uuid.uuid4().hex[:12]}",
    }
    settings.ENV = settings.ENV.model_copy(update=ours)
    index = open_index()
    load_files(PRODUCT, [one for one in read_product_texts() if Path(one.path).name in TEXTS])
    fill_index(index)
    return index


def add(box: Box, text: str, index: Index) -> None:
    with enter_tenant(box.tenant):
        document, _ = add_document(Offer(title="Notes", media_type="text/markdown", content=text.encode()))
        while advance(document.id, index):
            pass


def assert_cited(told: Any, texts: dict[str, str]) -> None:
    """Every citation leads to a text, and its quote stands there."""
    assert told["citations"]
    for one in told["citations"]:
        stored = " ".join(texts[one["chunk_id"]].replace("*", "").replace("`", "").split())
        assert " ".join(one["quote"].split()) in stored


def test_the_library_and_own_documents_answer_in_both_languages(
    api: ApiClient, alice: Box, bob: Box, library: Index
) -> None:
    texts = {str(chunk.id): chunk.text for chunk in LibraryChunk.objects.all()}
    for question, language in (
        ("how do I get inbound liquidity?", "en"),
        ("comment obtenir de la liquidité entrante ?", "fr"),
    ):
        told = ask(api, alice, question)
        assert (told["grounded"], told["language"], told["degraded"]) == (True, language, [])
        assert {one["language"] for one in told["citations"]} == {language}
        assert_cited(told, texts)
    for question in ("what is the capital of Peru?", "who won the football match yesterday?"):
        assert not ask(api, alice, question)["grounded"]
    add(alice, NOTES, library)
    with enter_tenant(alice.tenant):
        own = {str(chunk.id): chunk.content.text for chunk in DocumentChunk.objects.all()}
    told = ask(api, alice, "when is the battery of the power supply in the cellar changed?")
    assert "every third March" in told["answer"]
    assert told["citations"][0]["source"] == "document"
    assert_cited(told, texts | own)
    assert "Kestrel" not in str(ask(api, bob, "when is the battery of the power supply in the cellar changed?"))


def test_each_heading_asked_word_by_word_is_answered(alice: Box, library: Index) -> None:
    headings = {
        line.removeprefix("## ")
        for file in read_product_texts()
        if Path(file.path).name in TEXTS
        for line in file.content.decode().splitlines()
        if line.startswith("## ")
    }
    assert len(headings) > 20
    with enter_tenant(alice.tenant):
        refused = [one for one in sorted(headings) if not search_knowledge(one, library).answerable]
    assert refused == []


def test_while_the_library_is_being_read_nobody_is_told_that_it_holds_nothing(
    api: ApiClient, alice: Box, library: Index
) -> None:
    LibraryChunk.objects.filter(document__path__endswith="backups.md").update(indexed_by="")
    told = ask(api, alice, "what is the capital of Peru?")
    assert (told["grounded"], told["degraded"]) == (False, ["rag"])
    assert "ask again in a minute" in told["answer"]


def test_a_document_that_gives_orders_is_withheld(api: ApiClient, alice: Box, library: Index) -> None:
    attack = ATTACKS["spaced letters"]
    add(alice, f"# Zeppelin fees\n\nThe zeppelin fee is high. {attack.text}", library)
    told = ask(api, alice, "how high is the zeppelin fee?")
    assert told["withheld_passages"] == 1
    assert "gives orders" in told["answer"]
    assert [word for word in attack.taboo if word in str(told)] == []


@pytest.mark.fault
def test_a_store_that_is_down_is_left_alone_after_five_failures_and_found_again_in_half_a_minute(
    alice: Box, knowledge_url: str, knowledge_key: str, settings: Any, clock: Clock
) -> None:
    embedder = MiniLM(settings.ENV.model_cache_dir)
    border = open_border("http://127.0.0.1:9", None)
    border.breaker = Breaker(clock=clock)
    index = Index(embedder, Store(border, prefix="away", model=embedder.model))
    with enter_tenant(alice.tenant):
        said = [_fail(index) for _ in range(7)]
        assert ["left alone" in words for words in said] == [False] * 5 + [True] * 2
        clock.now_s = 30.0
        alive = open_border(knowledge_url, knowledge_key)
        alive.breaker = border.breaker
        found = search_knowledge("fees", Index(embedder, Store(alive, prefix="back", model=embedder.model)))
    assert not found.answerable
    assert border.breaker.allow()


def _fail(index: Index) -> str:
    with pytest.raises(KnowledgeAwayError) as error:
        search_knowledge("how do I get inbound liquidity?", index)
    return str(error.value)
