"""A box's keys change, it is restored, handed over and deleted: its points follow, whether the index is up or not."""

import datetime as dt
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from celery import current_app
from django.core.management import CommandError, call_command
from django.utils import timezone
from pydantic import SecretStr

from mcp_saas.kit.crypto import KeyMissingError
from nodes.pipeline.export.archive import write_archive
from nodes.pipeline.reencrypt import LONGEST_STAY
from rag.engine.state import DocumentState
from rag.library.models import DepartedBox
from rag.models.document import Document
from rag.pipeline.document import Offer, add_document, replace_document
from rag.pipeline.point import open_index
from rag.sources.embedder import _make
from rag.sources.qdrant import scope
from rag.sources.qdrant.point import Query
from rag.tasks import forget_departed_boxes, index_document
from tenants.context import enter_tenant
from tenants.models.job import Job
from tenants.models.tenant_key import TenantKey
from tenants.provisioning.backup import backup_tenant, restore_tenant
from tenants.provisioning.device import register_device
from tenants.provisioning.lifecycle import delete_dazbox
from tenants.provisioning.purge import purge_dazbox
from tenants.provisioning.transfer import TransferTerms, transfer_dazbox
from tenants.queue import LOST_AFTER, claim_turns, take_turn
from tenants.sealing.tenant import current_keys, list_generations
from tests.factories import Box, make_box, make_device_request
from tests.fakes.embeddings_server import DIMENSION, Provider, embedding_provider

SECTIONS = 3
DOWN = "http://127.0.0.1:1"


def make_text(count: int = SECTIONS, *, word: str = "rivers") -> bytes:
    return "\n\n".join(f"## Section {n}\n\nPassage number {n} of {word}." for n in range(count)).encode()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with embedding_provider() as provider:
        yield provider


@pytest.fixture
def index_is_up(knowledge_url: str, provider: Provider, settings: Any) -> Iterator[None]:
    """The product by its settings, over the real service."""
    given = {name.lower(): value for name, value in provider.settings().items()}
    given |= {"openai_api_key": SecretStr(given["openai_api_key"]), "openai_embedding_dimension": DIMENSION}
    settings.ENV = settings.ENV.model_copy(update=given)
    _make.cache_clear()
    yield
    _make.cache_clear()


@pytest.fixture
def box(committed_db: None, index_is_up: None) -> Box:
    """With one document of three passages, ready."""
    made = make_box("reader")
    add(made, make_text())
    work(made)
    assert find_texts(made) == [f"Passage number {n} of rivers." for n in range(SECTIONS)]
    return made


def add(box: Box, content: bytes, title: str = "Notes") -> None:
    with enter_tenant(box.tenant):
        document, _ = add_document(Offer(title=title, media_type="text/markdown", content=content))
        index_document.queue_for(box.tenant.id, str(document.id))


def work(box: Box, *, turns: int = 50) -> None:
    """As the workers do, without the pauses."""
    for _ in range(turns):
        if not Job.objects.filter(dazbox=box.dazbox, due_at__isnull=False).update(due_at=timezone.now()):
            return
        for claim in claim_turns(timezone.now(), limit=1):
            take_turn(claim, lambda task, args: current_app.tasks[task].run(*args))


def stop_index(settings: Any) -> Any:
    """Returns how it comes back."""
    env = settings.ENV
    settings.ENV = env.model_copy(update={"qdrant_url": DOWN})
    return lambda: setattr(settings, "ENV", env)


def find_texts(box: Box) -> list[str]:
    with enter_tenant(box.tenant):
        index = open_index()
        [question] = index.embedder.embed(["anything"], with_tokens=False)
        [hits] = index.store.search(scope.own(box.tenant.id), [Query(dense=question.dense, limit=50)])
        return sorted(hit.content.text for hit in hits if hit.content)


def count_points(box: Box) -> int:
    return open_index().store.count(scope.departed(box.tenant.id))


def age_keys(box: Box) -> None:
    for row in TenantKey.objects.filter(dazbox=box.dazbox):
        TenantKey.objects.filter(id=row.id).update(created_at=row.created_at - LONGEST_STAY)


def reencrypt(box: Box, **options: Any) -> None:
    call_command("reencrypt_tenant", str(box.dazbox.id), stdout=io.StringIO(), **options)


@pytest.mark.fault
def test_points_are_sealed_anew_with_the_rows_and_read_after_the_old_keys_are_destroyed(
    box: Box, provider: Provider
) -> None:
    before, sent = find_texts(box), len(provider.texts)
    with enter_tenant(box.tenant):  # a version that is on its way: what is found meanwhile no row holds any more
        [document] = Document.objects.all()
        replace_document(document.id, Offer(title="Notes", media_type="text/markdown", content=make_text(word="hills")))
    reencrypt(box)
    assert len(provider.texts) == sent  # no text is embedded anew
    age_keys(box)
    reencrypt(box, destroy_old_keys=True)
    assert list_generations(box.dazbox.id) == [2]
    assert find_texts(box) == before
    with enter_tenant(box.tenant):
        index_document.queue_for(box.tenant.id, str(document.id))
    work(box)
    assert find_texts(box) == [f"Passage number {n} of hills." for n in range(SECTIONS)]


@pytest.mark.fault
def test_while_the_index_is_down_rows_are_sealed_anew_points_wait_and_no_key_is_destroyed(
    box: Box, settings: Any
) -> None:
    before, come_back = find_texts(box), stop_index(settings)
    with pytest.raises(CommandError, match="Not finished: points in the index"):
        reencrypt(box)
    age_keys(box)
    with pytest.raises(CommandError, match="Not finished: points in the index"):
        reencrypt(box, destroy_old_keys=True)
    come_back()
    with pytest.raises(CommandError, match="reencrypt_tenant` first"):
        reencrypt(box, destroy_old_keys=True)
    assert list_generations(box.dazbox.id) == [1, 2]
    reencrypt(box)  # goes on: no third key
    reencrypt(box, destroy_old_keys=True)
    assert list_generations(box.dazbox.id) == [2]
    assert find_texts(box) == before


@pytest.mark.fault
def test_the_workers_seal_points_anew_however_long_the_index_is_down(box: Box, settings: Any) -> None:
    before, come_back = find_texts(box), stop_index(settings)
    call_command("reencrypt_tenant", "--all", stdout=io.StringIO())
    work(box, turns=8)  # more often than a failing job is tried
    come_back()
    work(box)
    age_keys(box)
    reencrypt(box, destroy_old_keys=True)
    assert find_texts(box) == before


def test_a_box_without_documents_is_sealed_anew_without_the_index(committed_db: None, settings: Any) -> None:
    stop_index(settings)
    box = make_box("without documents")
    reencrypt(box)
    age_keys(box)
    reencrypt(box, destroy_old_keys=True)
    assert list_generations(box.dazbox.id) == [2]


@pytest.mark.fault
def test_a_purged_box_leaves_no_points_and_no_keys_though_the_index_was_down(box: Box, settings: Any) -> None:
    come_back = stop_index(settings)
    delete_dazbox(box.dazbox.id, actor="test", reason="test", at_once=True)
    box.dazbox.refresh_from_db()
    purge_dazbox(box.dazbox)
    leave_for_a_minute(box)
    forget_departed_boxes.run()
    come_back()
    assert count_points(box) == SECTIONS
    forget_departed_boxes.run()
    assert count_points(box) == 0
    assert not DepartedBox.objects.exists()
    with enter_tenant(box.tenant), pytest.raises(KeyMissingError):
        current_keys()
    again = make_box("reader")  # the same node, bought again
    assert find_texts(again) == []


def leave_for_a_minute(box: Box) -> None:
    """Longer than a step that was begun before may take."""
    rows = DepartedBox.objects.filter(dazbox_id=box.dazbox.id)
    rows.update(departed_at=timezone.now() - LOST_AFTER)


@pytest.mark.fault
def test_handed_over_without_its_history_the_next_owner_finds_nothing_of_it(box: Box, settings: Any) -> None:
    come_back = stop_index(settings)
    hand_over(box, wipes_history=True)
    work(box, turns=8)
    come_back()
    work(box)
    assert count_points(box) == 0
    add(box, b"of the next owner", title="Mine")
    work(box)
    assert find_texts(box) == ["of the next owner"]


def test_handed_over_with_its_history_the_box_keeps_its_documents(box: Box) -> None:
    before = find_texts(box)
    hand_over(box, wipes_history=False)
    work(box)
    assert find_texts(box) == before


def hand_over(box: Box, *, wipes_history: bool) -> None:
    terms = TransferTerms(expires_in=dt.timedelta(days=1), wipes_history=wipes_history)
    code = transfer_dazbox(box.dazbox.id, terms, actor="test").code
    register_device(make_device_request(box.name, code=code))


@pytest.mark.fault
def test_a_restored_box_finds_the_documents_of_its_backup_and_no_others(
    box: Box, settings: Any, tmp_path: Path, provider: Provider
) -> None:
    before = find_texts(box)
    backup_tenant(box.pubkey, tmp_path / "backup.tar")
    add(box, make_text(word="later"), title="Later")
    work(box)
    sent, come_back = len(provider.texts), stop_index(settings)
    restore_tenant(tmp_path / "backup.tar")
    work(box, turns=4)
    with enter_tenant(box.tenant):
        assert Document.objects.get().state == DocumentState.EMBEDDING
    come_back()
    work(box)
    with enter_tenant(box.tenant):
        assert Document.objects.get().state == DocumentState.READY
    assert len(provider.texts) == sent  # vectors come back with the rows
    assert find_texts(box) == before
    assert count_points(box) == SECTIONS


def test_an_export_has_the_documents_and_their_passages(box: Box) -> None:
    archive = io.BytesIO()
    write_archive(box.dazbox, archive)
    with ZipFile(archive) as whole:
        documents = whole.read("box/rag_document.ndjson").decode()
        passages = whole.read("box/rag_documentchunk.ndjson").decode()
    assert '"Notes"' in documents
    assert passages.count("of rivers.") == SECTIONS
