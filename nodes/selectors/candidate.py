"""Whom the node of the tenant we are in might open a channel to."""

from nodes.engine.candidate import Candidate
from nodes.models.candidate import CandidateList
from nodes.selectors.channel import list_open_states
from nodes.selectors.position import newest_load


def list_candidates(limit: int) -> list[Candidate]:
    """The best first; none before a graph was loaded. Those that have become peers since are left out."""
    row = find_candidate_list()
    if row is None:
        return []
    peers = set(list_peers())
    return [one for one in row.work.candidates if one.pubkey not in peers][:limit]


def find_candidate_list() -> CandidateList | None:
    found: CandidateList | None = CandidateList.objects.first()
    return found


def list_peers() -> list[str]:
    """Whom we have open channels with, in order."""
    return sorted({state.peer_pubkey for state in list_open_states()})


def is_stale() -> bool:
    """Whether the list is of another graph or of other peers, or there is none yet though there is a graph."""
    load, row = newest_load(), find_candidate_list()
    if load is None:
        return False
    return row is None or row.load_id != load.id or row.work.peers != list_peers()
