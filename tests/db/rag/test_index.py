"""A document is cut, embedded and found; whatever fails on the way costs the batch that was begun and nothing more."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mcp_saas.kit.errors import Problem
from rag.engine.embedding import EmbedderError
from rag.engine.state import DocumentState
from rag.models.document import Document, DocumentChunk, DocumentUpload, EmbeddedText
from rag.pipeline.delete import forget_departed, forget_points
from rag.pipeline.document import Offer, add_document, delete_document, replace_document
from rag.pipeline.index import MAX_ATTEMPTS, advance
from rag.pipeline.point import BATCH, Index
from rag.sources.qdrant import scope
from rag.sources.qdrant.point import Query
from tenants.context import enter_tenant
from tenants.engine.plan import PLANS
from tenants.events import announce_rows_end, count_usage
from tenants.models.dazbox import Dazbox
from tests.factories import Box
from tests.fakes.embedder import CountingEmbedder, ProviderError

SECTIONS = 70  # three batches
Stop = type("Stop", (BaseException,), {})  # what no code of ours catches, as kill -9


def make_text(count: int = SECTIONS, *, first: int = 0) -> bytes:
    return "\n\n".join(
        f"## Section {n}\n\nPassage number {n} of the notes." for n in range(first, first + count)
    ).encode()


def offer(content: bytes, title: str = "Notes", media_type: str = "text/markdown") -> Offer:
    return Offer(title=title, media_type=media_type, content=content)


def add(content: bytes, **changes: str) -> UUID:
    return add_document(offer(content, **changes))[0].id


def run(document_id: UUID, index: Index, *, steps: int = 50) -> Document:
    """As the worker does, without the pauses."""
    for _ in range(steps):
        if advance(document_id, index) is None:
            break
    return Document.objects.get(id=document_id)


def embedder_of(index: Index) -> CountingEmbedder:
    assert isinstance(index.embedder, CountingEmbedder)
    return index.embedder


def count_points(box: Box, index: Index) -> int:
    return index.store.count(scope.own(box.tenant.id))


def fail_after(count: int, error: BaseException) -> Any:
    calls = []

    def fail(texts: Sequence[str]) -> None:
        calls.append(texts)
        if len(calls) == count:
            raise error

    return fail


def test_a_document_goes_from_queued_to_ready_and_is_found(charlie: Box, index: Index) -> None:
    with enter_tenant(charlie.tenant):
        document_id = add(make_text())
        states = [Document.objects.get().state]
        while advance(document_id, index):
            states.append(Document.objects.get().state)
        document = Document.objects.get()
        [question] = index.embedder.embed(["Notes > Section 7\nPassage number 7 of the notes."], with_tokens=False)
        [[hit, *_]] = index.store.search(scope.of_tenant(charlie.tenant.id), [Query(dense=question.dense)])
        assert count_points(charlie, index) == document.chunk_count == document.embedded_count == SECTIONS
        assert not DocumentUpload.objects.exists()
    assert list(dict.fromkeys([*states, document.state])) == ["queued", "embedding", "ready"]
    assert (document.detail.reason, document.attempts) == ("", 0)
    assert (hit.content.text, hit.content.path) == ("Passage number 7 of the notes.", ("Notes", "Section 7"))


def test_no_text_of_a_document_lies_open_in_the_database(charlie: Box, index: Index) -> None:
    with enter_tenant(charlie.tenant):
        document_id = add(b"# Canary heading\n\ncanary-word in a text", title="canary-title")
        tables = [Document, DocumentUpload]
        run(document_id, index, steps=1)
        tables += [DocumentChunk, EmbeddedText]
        with connection.cursor() as cursor:
            for model in tables:
                cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" t')  # noqa: S608
                stored = " ".join(row for (row,) in cursor.fetchall())
                assert "canary" not in stored
                assert b"canary".hex() not in stored


@pytest.mark.fault
def test_a_429_in_the_middle_loses_nothing_and_pays_nothing_twice(charlie: Box, index: Index) -> None:
    embedder = embedder_of(index)
    embedder.before = fail_after(2, ProviderError("slow down, and here is your text"))
    with enter_tenant(charlie.tenant):
        document_id = add(make_text())
        again = [advance(document_id, index) for _ in range(3)][-1]
        document = Document.objects.get()
        assert (document.state, document.embedded_count) == (DocumentState.EMBEDDING, BATCH)
        assert document.detail.reason_code == "unavailable"
        assert document.detail.reason == "The index or the embedding model does not answer at the moment."
        assert again is not None
        assert again.at > timezone.now() + dt.timedelta(seconds=100)  # as the provider asks
        assert run(document_id, index).state == DocumentState.READY
    assert len(embedder.texts) == len(set(embedder.texts)) == SECTIONS


@pytest.mark.fault
@pytest.mark.parametrize("place", ["embed", "upsert"])
def test_a_worker_killed_in_the_middle_is_followed_by_one_that_goes_on(charlie: Box, index: Index, place: str) -> None:
    embedder = embedder_of(index)
    with enter_tenant(charlie.tenant):
        document_id = add(make_text())
        advance(document_id, index)
        advance(document_id, index)
        if place == "embed":
            embedder.before = fail_after(1, Stop())
            dying = index
        else:
            dying = index._replace(store=DyingStore(index.store))
        with pytest.raises(Stop):
            advance(document_id, dying)
        assert run(document_id, index).state == DocumentState.READY
        assert count_points(charlie, index) == SECTIONS
    assert len(embedder.texts) == SECTIONS  # what was embedded before the kill was remembered


@dataclasses.dataclass
class DyingStore:
    """Writes the points; then its process is gone."""

    store: Any

    def upsert(self, *args: Any) -> None:
        self.store.upsert(*args)
        raise Stop


@pytest.mark.fault
def test_what_kills_its_worker_each_time_is_given_up(charlie: Box, index: Index) -> None:
    embedder_of(index).before = fail_each_time(Stop())
    with enter_tenant(charlie.tenant):
        document_id = add(make_text(1))
        advance(document_id, index)
        for _ in range(4):
            with pytest.raises(Stop):
                advance(document_id, index)
        document = run(document_id, index)
    assert (document.state, document.detail.reason_code) == (DocumentState.FAILED, "interrupted")


@pytest.mark.fault
def test_retries_are_bounded_and_the_last_reason_stays(charlie: Box, index: Index) -> None:
    embedder_of(index).before = fail_each_time(ProviderError("no"))
    with enter_tenant(charlie.tenant):
        document_id = add(make_text(1))
        advance(document_id, index)
        document = run(document_id, index, steps=MAX_ATTEMPTS + 1)
        assert (document.state, document.detail.reason_code) == (DocumentState.FAILED, "unavailable")
        embedder_of(index).before = lambda texts: None
        assert add_document(offer(make_text(1)))[1]  # sent again, it is tried again
        assert run(document_id, index).state == DocumentState.READY


@pytest.mark.fault
def test_a_fault_of_ours_is_not_tried_again_and_reaches_those_who_can_mend_it(
    charlie: Box, index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    embedder_of(index).before = fail_each_time(KeyError("a text of its owner"))
    with enter_tenant(charlie.tenant):
        document = run(add(make_text(1)), index)
    assert (document.state, document.detail.reason_code) == (DocumentState.FAILED, "internal")
    assert "KeyError" not in document.detail.reason
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]  # as an error, so to Sentry
    assert "document_failed_by_us" in record.getMessage()


@pytest.mark.fault
@pytest.mark.parametrize(("is_temporary", "level"), [(True, "WARNING"), (False, "ERROR")])
def test_a_wrong_setting_makes_documents_wait_and_is_told_as_an_error(
    charlie: Box, index: Index, caplog: pytest.LogCaptureFixture, is_temporary: bool, level: str
) -> None:
    embedder_of(index).before = fail_each_time(EmbedderError("the key is not valid", is_temporary=is_temporary))
    with enter_tenant(charlie.tenant):
        document = run(add(make_text(1)), index, steps=2)
    assert (document.state, document.detail.reason_code) == (DocumentState.EMBEDDING, "unavailable")
    assert [record.levelname for record in caplog.records if "document_postponed" in record.getMessage()] == [level]


def fail_each_time(error: BaseException) -> Any:
    def fail(texts: Sequence[str]) -> None:
        raise error

    return fail


def test_a_document_that_cannot_be_read_says_why_and_is_not_kept(charlie: Box, index: Index) -> None:
    with enter_tenant(charlie.tenant):
        document = run(add(b"%PDF-1.7 broken", media_type="application/pdf"), index)
        assert (document.state, document.detail.reason_code) == (DocumentState.FAILED, "malformed")
        assert document.detail.reason.endswith(".")
        assert not DocumentUpload.objects.exists()


def test_the_same_bytes_again_are_the_same_document(charlie: Box, index: Index) -> None:
    with enter_tenant(charlie.tenant):
        document_id = add(make_text(2))
        assert add_document(offer(make_text(2), title="Other"))[0].id == document_id
        assert run(document_id, index).version == 1
        assert add_document(offer(make_text(2))) == (Document.objects.get(), False)


def test_a_new_version_embeds_only_what_changed_and_its_predecessor_goes(charlie: Box, index: Index) -> None:
    embedder = embedder_of(index)
    with enter_tenant(charlie.tenant):
        document_id = add(make_text(40))
        run(document_id, index)
        embedder.texts.clear()
        assert replace_document(document_id, offer(make_text(20, first=19) + b"\n\n## New\n\nAll new.")) is not None
        assert count_points(charlie, index) == 40  # until the new one is ready
        document = run(document_id, index)
        assert (document.state, document.version, document.chunk_count) == (DocumentState.READY, 2, 21)
        assert count_points(charlie, index) == 21
        assert EmbeddedText.objects.count() == 21
    assert embedder.texts == ["Notes > New\nAll new."]


def test_amounts_and_keys_are_not_embedded(charlie: Box, index: Index) -> None:
    secret = "02" + "ab" * 32
    with enter_tenant(charlie.tenant):
        run(add(f"We keep 5,000,000 sats with {secret}.".encode(), media_type="text/plain"), index)
    assert embedder_of(index).texts == ["Notes\nWe keep [amount] with [pubkey]."]


def test_deleting_a_document_leaves_nothing_of_it_and_all_of_the_others(charlie: Box, index: Index) -> None:
    with enter_tenant(charlie.tenant):
        first, second = add(make_text(3)), add(make_text(4, first=2), title="Notes")
        run(first, index)
        run(second, index)
        assert EmbeddedText.objects.count() == 6  # they share a passage
        assert delete_document(first)
        forget_points(first, index.store)
        assert count_points(charlie, index) == Document.objects.get().chunk_count == DocumentChunk.objects.count() == 4
        assert EmbeddedText.objects.count() == 4
        assert not delete_document(first)


def test_a_step_of_a_deleted_document_does_nothing(charlie: Box, index: Index) -> None:
    with enter_tenant(charlie.tenant):
        document_id = add(make_text(1))
        delete_document(document_id)
        assert advance(document_id, index) is None


def test_points_of_a_schema_that_is_gone_go_before_new_ones_come(charlie: Box, index: Index) -> None:
    with enter_tenant(charlie.tenant):
        run(add(make_text(3)), index)
        announce_rows_end(charlie.tenant.id)
        Document.objects.all().delete()
        run(add(b"new owner", media_type="text/plain"), index)
        assert count_points(charlie, index) == 1
        forget_departed(charlie.tenant.id, index.store)
        assert count_points(charlie, index) == 1


def test_documents_and_megabytes_beyond_the_plan_are_refused(charlie: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {"rag_documents": 2, "rag_mb": 1, "rag_chunks": 5}
    plan = dataclasses.replace(PLANS["home"], limits=PLANS["home"].limits | limits)
    monkeypatch.setitem(PLANS, "home", plan)  # type: ignore[arg-type]
    with enter_tenant(charlie.tenant):
        with pytest.raises(Problem, match="quota-exceeded"):
            add(b"x" * 1_000_001, media_type="text/plain")
        add(b"one", media_type="text/plain")
        add(b"two", media_type="text/plain")
        with pytest.raises(Problem, match="2 rag documents"):
            add(b"three", media_type="text/plain")
        usage = count_usage()
        assert (usage["rag_documents"], usage["rag_mb"]) == (2, 1)


def test_nobody_waits_while_the_bytes_of_a_document_are_written(charlie: Box) -> None:
    with enter_tenant(charlie.tenant), CaptureQueriesContext(connection) as asked:
        add_document(Offer(title="Notes", media_type="text/markdown", content=b"# Notes"))
    queries = [one["sql"] for one in asked]
    [locks] = [number for number, sql in enumerate(queries) if "pg_advisory_xact_lock" in sql]
    [writes] = [number for number, sql in enumerate(queries) if 'INSERT INTO "rag_documentupload"' in sql]
    assert writes < locks


def test_passages_beyond_the_plan_fail_the_document_with_the_numbers(
    charlie: Box, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = dataclasses.replace(PLANS["home"], limits=PLANS["home"].limits | {"rag_chunks": 5})
    monkeypatch.setitem(PLANS, "home", plan)  # type: ignore[arg-type]
    with enter_tenant(charlie.tenant):
        document = run(add(make_text(6)), index)
    assert (document.state, document.detail.reason_code) == (DocumentState.FAILED, "too-large")
    assert "6 passages" in document.detail.reason


def test_a_box_sees_no_document_of_another(charlie: Box, alice: Box, index: Index) -> None:
    with enter_tenant(charlie.tenant):
        run(add(b"charlie's own", media_type="text/plain"), index)
    with enter_tenant(alice.tenant):
        assert not Document.objects.exists()
        [question] = index.embedder.embed(["Notes\ncharlie's own"], with_tokens=False)
        assert index.store.search(scope.of_tenant(alice.tenant.id), [Query(dense=question.dense)]) == [[]]
    assert Dazbox.objects.count() >= 2
