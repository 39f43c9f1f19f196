"""Whether anything has changed for the tenant we are in, in one query: what answers that are kept are named by."""

from tenants.sealing.tenant import ask_with_keys

# Snapshots, forwards and rebalances move the node's row; a new graph or other peers the list of candidates; runs,
# actions and settings each write a line of the journal.
_REVISION = """
SELECT (SELECT last_seq FROM nodes_ownnode), (SELECT forward_cursor FROM nodes_ownnode),
       (SELECT seq FROM nodes_journalhead), (SELECT rebalances_until FROM nodes_ownnode),
       (SELECT made_at FROM nodes_candidatelist)
"""


def read_revision() -> str:
    """Another text as soon as a report, a run, an action, a setting or a list of candidates has come in. Whatever it
    names is sealed, so the keys come with it.
    """
    return ":".join("" if part is None else part.decode() for part in ask_with_keys(_REVISION))
