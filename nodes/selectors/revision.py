"""Whether anything has changed for the tenant we are in, in one query: what answers that are kept are named by."""

from tenants.sealing.tenant import ask_with_keys

# Snapshots and forwards move the node's row; runs, actions and settings each write a line of the journal.
_REVISION = """
SELECT (SELECT last_seq FROM nodes_ownnode), (SELECT forward_cursor FROM nodes_ownnode),
       (SELECT seq FROM nodes_journalhead)
"""


def read_revision() -> str:
    """Another text as soon as a snapshot, a forward, a run, an action or a setting has come in. Whatever it names is
    sealed, so the keys come with it.
    """
    return ":".join("" if part is None else part.decode() for part in ask_with_keys(_REVISION))
