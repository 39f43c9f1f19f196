"""Passages embedded as the model reads them. With the real model."""

import pytest
from django.conf import settings

from rag.engine.embedding import EmbeddingModel, Vector
from rag.engine.language import Language
from rag.pipeline.passage import embed_passages, write_for_model
from rag.sources.minilm.model import MiniLM

POOLED = "Liquidité mutualisée : des nœuds de transfert déposent des fonds dans un contrat commun."
BACKUP = "Le nœud enregistre une copie du fichier des canaux à chaque ouverture."
FOREIGN = EmbeddingModel("text-embedding-3-small", 1536, has_tokens=False)


@pytest.fixture(scope="module")
def minilm() -> MiniLM:
    """Made once a test home."""
    model = MiniLM(settings.ENV.model_cache_dir)
    model.load()
    return model


def embed(minilm: MiniLM, text: str, lang: Language) -> Vector:
    (embedded,) = embed_passages([text], lang, embedder=minilm)
    assert embedded.tokens is not None
    return embedded.dense


def test_french_passages_are_found_by_what_they_mean_in_english(minilm: MiniLM) -> None:
    asked = embed(minilm, "pool the liquidity of several routing nodes", "en")
    assert asked @ embed(minilm, POOLED, "fr") > asked @ embed(minilm, BACKUP, "fr") + 0.2


def test_a_passage_is_put_into_english_only_where_the_model_reads_no_french(minilm: MiniLM) -> None:
    assert write_for_model(POOLED, "fr", model=FOREIGN) == POOLED
    assert write_for_model(BACKUP, "fr", model=minilm.model).startswith("the node")
    assert write_for_model("Pooled liquidity", "en", model=minilm.model) == "Pooled liquidity"
