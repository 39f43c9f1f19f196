"""Whatever changes an answer about the node draws a new mark (`tenants.models.revision`).

Snapshots, forwards and rebalances move the node's row; a new graph or other peers the list of candidates; runs, actions,
settings and words of the owner each write a line of the journal.

Each of these tables has one row, and a mark of its own: who waits for the mark would hold the row already, so no two
transactions ever wait for each other's marks.
"""

from django.db import migrations

_CHANGES = {
    "nodes_ownnode": "last_seq, forward_cursor, rebalances_until",
    "nodes_journalhead": "seq",
    "nodes_candidatelist": "made_at",
}


def _write_trigger(table: str, columns: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_mark AFTER INSERT OR DELETE OR UPDATE OF {columns} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION public.tenants_draw_mark()",
        f"DROP TRIGGER {table}_mark ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("nodes", "0001_initial")]
    operations = [_write_trigger(table, columns) for table, columns in _CHANGES.items()]
