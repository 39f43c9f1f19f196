"""Another embedding model takes over what is indexed, of the library and of boxes."""

import uuid

from rag.models.document import Document, DocumentChunk
from rag.pipeline.document import Offer, add_document
from rag.pipeline.index import advance
from rag.pipeline.migrate import migrate_index
from rag.pipeline.point import Index
from rag.sources.qdrant import scope
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.point import Query
from rag.sources.qdrant.store import Store
from tenants.context import enter_tenant
from tests.factories import Box
from tests.fakes.embedder import CountingEmbedder


def test_a_document_is_found_by_the_new_model_and_its_amounts_are_not_embedded(
    charlie: Box, knowledge_url: str, knowledge_key: str
) -> None:
    border, prefix = open_border(knowledge_url, knowledge_key or None), f"t{uuid.uuid4().hex[:12]}"
    former, coming = CountingEmbedder("test/former"), CountingEmbedder("test/coming")
    index = Index(former, Store(border, prefix=prefix, model=former.model))
    with enter_tenant(charlie.tenant):
        document, _ = add_document(Offer(title="Notes", media_type="text/plain", content=b"We hold 5,000 sats."))
        while advance(document.id, index):
            pass
    assert migrate_index(border, prefix, embedder=coming, show=lambda whose, count: None)
    assert coming.texts == ["Notes\nWe hold [amount]."]
    assert not migrate_index(border, prefix, embedder=coming, show=lambda whose, count: None)
    store = Store(border, prefix=prefix, model=coming.model)
    with enter_tenant(charlie.tenant):
        [one] = coming.embed(coming.texts[:1], with_tokens=False)
        [[hit]] = store.search(scope.own(charlie.tenant.id), [Query(dense=one.dense)])
        assert hit.document == str(Document.objects.get().id)
        assert DocumentChunk.objects.get().indexed_by == coming.model.id
    border.close()
