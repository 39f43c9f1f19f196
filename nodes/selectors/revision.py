"""Whether anything has changed for the tenant we are in, in one query: what answers that are kept are named by."""

from django.db import connection

# Snapshots and forwards move the node's row; runs, actions and settings each write a line of the journal.
_REVISION = """
SELECT (SELECT last_seq FROM nodes_ownnode), (SELECT forward_cursor FROM nodes_ownnode),
       (SELECT seq FROM nodes_journalhead)
"""


def read_revision() -> str:
    """Another text as soon as a snapshot, a forward, a run, an action or a setting has come in."""
    with connection.cursor() as cursor:
        cursor.execute(_REVISION)
        return ":".join("" if part is None else str(part) for part in cursor.fetchone())
