"""The tables that named a purged box are written anew, once nobody can need the old rows any more."""

from datetime import timedelta

from django.db import connection

from tenants.models.dazbox import Dazbox
from tenants.provisioning.erasure import NAMING, keep_out_of_statistics, wipe_remains
from tenants.provisioning.lifecycle import delete_dazbox
from tenants.provisioning.purge import purge_dazbox
from tests.committed import other_session
from tests.factories import make_box
from tests.faults.embedded_instance import eventually

NOW = timedelta(0)


def bury(name: str) -> Dazbox:
    dazbox = delete_dazbox(make_box(name).dazbox.id, actor="test", reason="because", at_once=True)
    return purge_dazbox(dazbox)


def test_a_purge_is_wiped_once_it_is_settled(committed_db: None) -> None:
    tombstone = bury("settled")
    assert wipe_remains() == 0  # it was a moment ago
    assert eventually(lambda: wipe_remains(settled_after=NOW) == 1)
    tombstone.refresh_from_db()
    assert tombstone.erased_at is not None
    assert wipe_remains(settled_after=NOW) == 0


def test_whoever_began_before_the_purge_may_still_read_the_old_rows(committed_db: None) -> None:
    with other_session() as session:
        with session.transaction():
            session.execute("SELECT 1")
            bury("waited for")
            assert wipe_remains(settled_after=NOW) == 0
        assert eventually(lambda: wipe_remains(settled_after=NOW) == 1)


def test_no_statistics_are_taken_of_columns_that_name_a_box(db: None) -> None:
    """Said to PostgreSQL by `manage.py prepare`, which made this database; again it changes nothing."""
    keep_out_of_statistics()
    with connection.cursor() as cursor:
        cursor.execute("SELECT attrelid::regclass::text, attname FROM pg_attribute WHERE attstattarget = 0")
        silent = set(cursor.fetchall())
    assert silent == {(table, column) for table, columns in NAMING.items() for column in columns}


def test_no_public_column_that_names_a_node_was_forgotten(db: None) -> None:
    """By their usual names; whoever adds a table with one says here that it is wiped."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name FROM information_schema.columns "
            "WHERE table_schema = 'public' AND column_name ~ '(pubkey|alias|label)$' AND data_type <> 'bytea'"
        )
        naming = set(cursor.fetchall())
    django = {("auth_permission", "name"), ("django_content_type", "app_label")}
    announced = {("graph_graphnode", "alias")}  # to the whole network, by whoever has the node
    assert naming - django - announced <= {(table, column) for table, columns in NAMING.items() for column in columns}
    assert ("tenants_dazbox", "pubkey") in naming
