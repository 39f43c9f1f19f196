"""kill -9 of a worker in the middle of a document: the next one goes on, nothing is lost and nothing there twice.

Each round kills at another place: while chunks are written, while the model is asked, after the points were written and
before that is noted. KILL_ROUNDS=50 makes it fifty kills.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from rag.engine.state import DocumentState
from rag.models.document import Document, DocumentChunk
from rag.pipeline.document import Offer, add_document
from rag.pipeline.point import BATCH
from rag.sources.openai.embeddings import open_embedder
from rag.sources.qdrant import scope
from rag.sources.qdrant.border import open_border
from rag.sources.qdrant.store import Store
from rag.tasks import index_document
from tenants.context import enter_tenant
from tenants.models.job import Job, JobLane
from tenants.queue import LOST_AFTER
from tests.celery_worker import Worker, running_worker
from tests.committed import committed_database, find_blocked, lock_table, other_session
from tests.factories import Box, make_box
from tests.fakes.embeddings_server import DIMENSION, Provider, embedding_provider
from tests.fakes.openai_server import KEY

pytestmark = pytest.mark.fault
ROUNDS = int(os.environ.get("KILL_ROUNDS", "3"))  # noqa: TID251 - how long the test may take
SECTIONS = BATCH + 8
PATIENCE_S = 90.0  # the worker has the product's own library to take in as well
MODEL = "counted"
PLACES = ("cutting", "embedding", "marking")


@dataclass
class Product:
    worker: Worker
    provider: Provider
    store: Store


@pytest.fixture(scope="module")
def product(
    django_db_setup: None, django_db_blocker: Any, knowledge_url: str, knowledge_key: str, tmp_path_factory: Any
) -> Iterator[Product]:
    """A worker over the real index, whose texts are embedded where we can count them."""
    with committed_database(django_db_blocker), embedding_provider() as provider:
        given = provider.settings()
        model = open_embedder(KEY, given["OPENAI_BASE_URL"], model=MODEL, dimension=DIMENSION).model
        border = open_border(knowledge_url, knowledge_key)
        store = Store(border, prefix=given["QDRANT_COLLECTION"], model=model)
        with running_worker(tmp_path_factory.mktemp("worker"), OPENAI_EMBEDDING_MODEL=MODEL, **given) as worker:
            yield Product(worker, provider, store)
        border.close()


@contextmanager
def stopped_at(place: str, product: Product, box: Box, *, word: str) -> Iterator[None]:
    """In the block a worker stands in the midst of a step of the document."""
    if place == "embedding":
        with product.provider.hold(word):
            begin(box, word)
            assert product.worker.reaches(product.provider.is_held.is_set)
            yield
        return
    with other_session() as session:
        if place == "marking":
            with product.provider.hold(word):
                begin(box, word)
                assert product.worker.reaches(product.provider.is_held.is_set)
                with session.transaction():
                    lock_table(session, box.dazbox.schema_name, "rag_documentchunk", mode="SHARE")
                    product.provider.let_go()
                    assert product.worker.reaches(lambda: find_blocked(session) != [])
                    yield
            return
        with session.transaction():
            lock_table(session, box.dazbox.schema_name, "rag_documentchunk", mode="SHARE")
            begin(box, word)
            assert product.worker.reaches(lambda: find_blocked(session) != [])
            yield


def begin(box: Box, word: str) -> None:
    text = "\n\n".join(f"## Section {n}\n\nPassage {n} of {word}." for n in range(SECTIONS))
    with enter_tenant(box.tenant):
        document, _ = add_document(Offer(title=word, media_type="text/markdown", content=text.encode()))
        index_document.queue_for(box.tenant.id, str(document.id))


def read_state(box: Box) -> tuple[str, UUID]:
    with enter_tenant(box.tenant):
        document = Document.objects.get()
        return document.state, document.id


def make_lost(box: Box) -> None:
    """The turn that died is over at once, and not in a minute."""
    JobLane.objects.filter(dazbox=box.dazbox).exclude(busy_since=None).update(busy_since=timezone.now() - LOST_AFTER)


def is_ready(box: Box) -> bool:
    Job.objects.filter(due_at__gt=timezone.now()).update(due_at=timezone.now())  # the pauses are over
    return read_state(box)[0] == DocumentState.READY


@pytest.mark.timeout(3 * PATIENCE_S)
@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_document_whose_worker_is_killed_is_found_whole_and_once(product: Product, number: int) -> None:
    place, word = PLACES[number % len(PLACES)], f"kill{number}"
    box = make_box(f"killed {number}")
    with stopped_at(place, product, box, word=word):
        product.worker.kill_children()
    make_lost(box)
    assert product.worker.reaches(lambda: is_ready(box), seconds=PATIENCE_S)
    _, document_id = read_state(box)
    with enter_tenant(box.tenant):
        assert product.store.count(scope.own(box.tenant.id), document=str(document_id)) == SECTIONS
        assert product.store.count(scope.own(box.tenant.id)) == SECTIONS
        assert DocumentChunk.objects.exclude(indexed_by="").count() == DocumentChunk.objects.count() == SECTIONS
    sent = [text for text in product.provider.texts if word in text]
    assert len(set(sent)) == SECTIONS
    assert len(sent) - SECTIONS == (BATCH if place == "embedding" else 0)  # asked again what was never answered
