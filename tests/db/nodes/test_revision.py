"""What answers that are kept are named by: another with each change of the box, and never one that was there before."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from mcp_saas.kit.crypto import KeyMissingError
from nodes.models.candidate import CandidateList, CandidateWork
from nodes.models.journal import JournalHead
from nodes.models.node import OwnNode
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from nodes.pipeline.journal import note
from nodes.pipeline.rebalance import accept_rebalances
from nodes.selectors.node import lock_own_node
from tenants.context import enter_tenant, leave_tenant
from tenants.models.dazbox import Dazbox, DazboxState
from tenants.models.revision import Revision
from tenants.provisioning.purge import purge_dazbox
from tenants.provisioning.spare import tend_pool
from tenants.sealing.tenant import current_keys, destroy_keys, read_revision
from tests.committed import run_together
from tests.factories import Box, make_box, make_forward, make_snapshot

WRITERS: dict[str, Callable[[], object]] = {
    "snapshot": lambda: accept_snapshot(make_snapshot(2)),
    "forwards": lambda: accept_forwards([make_forward(6)], "6"),
    "rebalances": lambda: accept_rebalances([], None, until=timezone.now()),
    "journal": lambda: note("test", "something happened"),
    "candidates": lambda: CandidateList.objects.create(
        load_id=1, made_at=timezone.now(), work=CandidateWork(candidates=[], peers=[])
    ),
}
CHANGES: dict[str, Callable[[], object]] = {
    "last_seq": lambda: OwnNode.objects.update(last_seq=7),
    "forward_cursor": lambda: OwnNode.objects.update(forward_cursor="7"),
    "rebalances_until": lambda: OwnNode.objects.update(rebalances_until=timezone.now()),
    "seq": lambda: JournalHead.objects.update(seq=70),
    "made_at": lambda: CandidateList.objects.update(made_at=timezone.now()),
    "no node": lambda: OwnNode.objects.all().delete(),
    "no journal": lambda: JournalHead.objects.all().delete(),
    "no candidates": lambda: CandidateList.objects.all().delete(),
}


def name_of(box: Box) -> str:
    with enter_tenant(box.tenant):
        return read_revision()


def test_one_question_gives_the_revision_and_the_keys(
    alice: Box, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with enter_tenant(alice.tenant):
        known, sealed = read_revision(), current_keys().seal(b"x", table="t", column="c", row="r")
    with enter_tenant(alice.tenant), django_assert_num_queries(1):
        assert read_revision() == known
        assert current_keys().open(sealed, table="t", column="c", row="r") == b"x"
    with enter_tenant(alice.tenant), transaction.atomic():
        assert read_revision() == known
        assert read_revision() == known


def test_no_table_of_the_box_is_asked(committed_db: None) -> None:
    """Outside a transaction not even its role and path are taken: with hundreds of boxes each backend would have to
    learn the tables of each.
    """
    box = make_box("asked")
    with enter_tenant(box.tenant), CaptureQueriesContext(connection) as asked:
        read_revision()
    [query] = [one["sql"] for one in asked.captured_queries]
    assert query.lstrip().startswith("SELECT")
    assert "nodes_" not in query


@pytest.mark.parametrize("writer", WRITERS)
def test_whatever_comes_in_gives_another_revision(alice: Box, bob: Box, writer: str) -> None:
    before, others = name_of(alice), name_of(bob)
    with enter_tenant(alice.tenant):
        WRITERS[writer]()
    assert name_of(alice) != before
    assert name_of(bob) == others


@pytest.mark.parametrize("change", CHANGES)
def test_each_column_that_counts_gives_another_revision(alice: Box, bob: Box, change: str) -> None:
    with enter_tenant(alice.tenant):
        WRITERS["candidates"]()
    before, others = name_of(alice), name_of(bob)
    with enter_tenant(alice.tenant):
        CHANGES[change]()
    assert name_of(alice) != before
    assert name_of(bob) == others


def test_what_changes_no_answer_gives_none(alice: Box) -> None:
    before = name_of(alice)
    with enter_tenant(alice.tenant):
        node = OwnNode.objects.get()
        node.save(update_fields=["watch", "connection", "standing"])
    assert name_of(alice) == before


def test_a_change_that_is_rolled_back_has_never_been(alice: Box) -> None:
    """What it was named meanwhile is no name of anything that comes later."""
    before = name_of(alice)
    with enter_tenant(alice.tenant), transaction.atomic():
        accept_snapshot(make_snapshot(2))
        meanwhile = read_revision()
        transaction.set_rollback(True)
    assert name_of(alice) == before
    with enter_tenant(alice.tenant):
        accept_snapshot(make_snapshot(2))
    assert name_of(alice) not in {before, meanwhile}


def test_another_session_learns_of_a_change_with_its_end_and_waits_for_none(committed_db: None) -> None:
    box = make_box("changed")
    with enter_tenant(box.tenant):
        accept_snapshot(make_snapshot(1))
        before = read_revision()
        with transaction.atomic():
            accept_snapshot(make_snapshot(2))
            assert read_revision() != before
            assert run_together([partial(name_of, box)]) == [before]
        assert run_together([partial(name_of, box)]) == [read_revision()]
        assert read_revision() != before


def test_changes_in_opposite_order_wait_for_no_mark_of_each_other(committed_db: None) -> None:
    """Both have changed something before either goes on: with one mark for all, one would wait for the other's end."""
    box = make_box("crossed")
    with enter_tenant(box.tenant):
        accept_snapshot(make_snapshot(1))
        note("test", "there is a head")
    both_have_one = threading.Barrier(2)

    def change_node() -> None:
        with enter_tenant(box.tenant), transaction.atomic():
            OwnNode.objects.update(last_seq=5)
            both_have_one.wait(60)
            WRITERS["candidates"]()

    def change_journal() -> None:
        with enter_tenant(box.tenant), transaction.atomic():
            JournalHead.objects.update(seq=50)
            both_have_one.wait(60)

    before = name_of(box)
    assert run_together([change_node, change_journal]) == [None, None]
    assert name_of(box) != before


def test_many_writers_of_one_box_all_end(committed_db: None) -> None:
    """In the orders of the pipeline: the node's row, then the journal; the journal alone; the candidates."""
    box = make_box("busy")
    with enter_tenant(box.tenant):
        accept_snapshot(make_snapshot(1))

    def report() -> None:
        with enter_tenant(box.tenant):
            for _ in range(10):
                with transaction.atomic():
                    lock_own_node()
                    OwnNode.objects.update(forward_cursor="x")
                    note("test", "after the node")
                    OwnNode.objects.update(forward_cursor="y")

    def write() -> None:
        with enter_tenant(box.tenant):
            for _ in range(10):
                note("test", "alone")

    assert run_together([report, write, report, write]) == [None] * 4


def test_without_its_keys_nothing_is_named(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        read_revision()
        with leave_tenant():
            destroy_keys(alice.dazbox.id)
        with pytest.raises(KeyMissingError):
            read_revision()
    with enter_tenant(alice.tenant), pytest.raises(KeyMissingError):
        read_revision()


def test_template_and_spares_have_no_marks_and_a_box_has_its_own(db: None) -> None:
    tend_pool(1)
    assert not Revision.objects.exists()
    box = make_box("took the spare")
    with enter_tenant(box.tenant):
        accept_snapshot(make_snapshot(1))
    assert set(Revision.objects.values_list("schema_name", flat=True)) == {box.dazbox.schema_name}


def test_the_marks_of_a_box_end_with_it(committed_db: None) -> None:
    gone, other = make_box("gone"), make_box("other")
    for box in (gone, other):
        with enter_tenant(box.tenant):
            accept_snapshot(make_snapshot(1))
    Dazbox.objects.filter(id=gone.dazbox.id).update(state=DazboxState.DELETING, purge_at=timezone.now())
    purge_dazbox(Dazbox.objects.get(id=gone.dazbox.id))
    assert set(Revision.objects.values_list("schema_name", flat=True)) == {other.dazbox.schema_name}
