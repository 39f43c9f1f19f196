"""Spare schemas: each is given away once, whole, and the pool puts itself right."""

from functools import partial

from django.db import connection, transaction

from tenants.context import use_schema
from tenants.models.dazbox import Dazbox, DazboxState, new_schema_name
from tenants.models.spare import SpareSchema
from tenants.models.template import SchemaTemplate
from tenants.provisioning.schema import activate_dazbox, build_schema, current_template, drop_schema, take_schema
from tenants.provisioning.spare import tend_pool
from tests.committed import list_box_schemas, run_together
from tests.db.tenants.test_schema_template import CATALOG, describe, make_row
from tests.factories import make_box

CROWD = 6


def list_spares() -> list[str]:
    return list(SpareSchema.objects.order_by("schema_name").values_list("schema_name", flat=True))


def test_the_pool_is_filled_to_its_size_and_no_further(db: None) -> None:
    assert [tend_pool(3), tend_pool(3), tend_pool(1)] == [3, 0, 0]
    assert list_box_schemas() == list_spares()
    assert len(list_spares()) == 3


def test_a_box_takes_over_a_spare_and_cannot_be_told_from_one_built_for_it(db: None) -> None:
    built = activate_dazbox(make_row("built on the spot"))
    tend_pool(1)
    [spare] = list_spares()
    taken = activate_dazbox(make_row("took a spare"))
    assert (taken.schema_name, taken.state) == (spare, DazboxState.ACTIVE)
    assert taken.schema_revision == built.schema_revision == current_template().revision
    assert list_spares() == []
    for kind in set(CATALOG) - {"constraints", "indexes"}:
        assert describe(taken, kind) == describe(built, kind), kind
    assert describe(taken, "constraints") == describe(built, "constraints")
    assert list_box_schemas() == sorted([built.schema_name, spare])


def test_without_a_spare_the_box_gets_a_schema_built_on_the_spot(db: None) -> None:
    row = make_row("no spare left")
    assert activate_dazbox(row).schema_name == row.schema_name


def test_a_spare_of_another_revision_is_not_given_away_but_replaced(db: None) -> None:
    tend_pool(2)
    old = list_spares()
    SchemaTemplate.objects.create(revision="f" * 64, ddl=current_template().ddl)
    row = make_row("newer")
    assert activate_dazbox(row).schema_name == row.schema_name
    assert tend_pool(2) == 2
    assert not set(old) & {*list_spares(), *list_box_schemas()}
    assert {spare.revision for spare in SpareSchema.objects.all()} == {"f" * 64}


def test_a_row_whose_schema_is_gone_is_given_to_nobody_and_forgotten(db: None) -> None:
    tend_pool(1)
    [gone] = list_spares()
    drop_schema(gone)
    row = make_row("careful")
    assert activate_dazbox(row).schema_name == row.schema_name
    assert tend_pool(1) == 1
    assert gone not in list_spares()


def test_a_schema_without_an_owner_is_dropped_only_if_it_holds_nothing(db: None) -> None:
    box = make_box("owner")
    empty, full = new_schema_name(), new_schema_name()
    for name in (empty, full):
        build_schema(name, current_template())
    with use_schema(full), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO nodes_ownnode (id, mode, forward_cursor, rebalance_cursor) VALUES (1, 'shadow', '', '')"
        )
    tend_pool(0)
    assert list_box_schemas() == sorted([box.dazbox.schema_name, full])


def test_a_box_that_fails_gives_its_spare_back(db: None) -> None:
    tend_pool(1)
    [spare] = list_spares()
    with transaction.atomic():
        assert take_schema("unused", current_template()) == spare
        transaction.set_rollback(True)
    assert list_spares() == [spare]


def test_boxes_at_once_never_share_a_spare(committed_db: None) -> None:
    tend_pool(CROWD - 2)
    spares = set(list_spares())
    rows = [make_row(f"crowd {number}") for number in range(CROWD)]
    boxes = run_together([partial(activate_dazbox, row) for row in rows])
    names = {box.schema_name for box in boxes if isinstance(box, Dazbox)}
    assert len(names) == CROWD, boxes
    assert spares < names
    assert (list_spares(), set(list_box_schemas())) == ([], names)


def test_two_that_tend_the_pool_at_once_do_not_overfill_it(committed_db: None) -> None:
    built = run_together([partial(tend_pool, 4)] * 3)
    assert sum(built) == 4, built  # type: ignore[arg-type]
    assert list_box_schemas() == list_spares()
