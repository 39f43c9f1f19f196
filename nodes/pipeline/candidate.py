"""Works out whom the node of the tenant we are in might open a channel to.

1 the public drawing, and us in it; 2 the gain in closeness of a thousand nodes, exact; 3 the best are kept; 4 later,
one box after the other, the gain in betweenness of the very best, exact, as far as there is time.
"""

import time

import numpy as np
from django.utils import timezone
from msgspec.structs import replace

from nodes.engine.candidate import Candidate, OwnPlace, measure_own_betweenness, place_ourselves, rank_by_closeness
from nodes.engine.topology import Hops, Topology, unpack_hops, unpack_topology
from nodes.graph.models import GraphTopology
from nodes.models.candidate import CandidateList, CandidateWork
from nodes.selectors.candidate import find_candidate_list, list_peers
from nodes.selectors.channel import list_open_states
from nodes.selectors.position import find_public_nodes
from tenants.context import current_tenant, leave_tenant

KEPT = 50
MEASURED = 3  # as much work each as the betweenness of the whole network
MEASURE_BUDGET_S = 20.0


def find_candidates() -> CandidateList | None:
    """None without a graph."""
    found = _read_topology()
    if found is None:
        return None
    row, public = found
    own = _place_ourselves(public)
    shortlist = np.frombuffer(row.shortlist, dtype="<u4").tolist()
    hops: Hops = unpack_hops(bytes(row.hops), node_count=len(public.pubkeys))
    peers = list_peers()
    ranked = rank_by_closeness(own, hops, places=shortlist)
    gains = [(public.pubkeys[place], gain) for place, gain in ranked if public.pubkeys[place] not in peers][:KEPT]
    work = CandidateWork(candidates=_describe(gains, row), peers=peers)
    kept = find_candidate_list() or CandidateList()
    kept.load_id, kept.made_at, kept.work = row.load_id, timezone.now(), work
    kept.save()
    return kept


def measure_candidates() -> int:
    """Adds the gains in betweenness to the list as it stands. Returns how many there was time for."""
    found, kept = _read_topology(), find_candidate_list()
    if found is None or kept is None or kept.work.is_measured or kept.load_id != found[0].load_id:
        return 0
    own = _place_ourselves(found[1])
    best = [found[1].pubkeys.index(one.pubkey) for one in kept.work.candidates[:MEASURED]]
    gains = _measure_gains(own, best)
    measured = [replace(one, gain_betweenness=gain) for one, gain in zip(kept.work.candidates, gains, strict=False)]
    kept.work = replace(kept.work, candidates=measured + kept.work.candidates[len(gains) :], is_measured=True)
    kept.made_at = timezone.now()
    kept.save()
    return len(gains)


def _measure_gains(own: OwnPlace, places: list[int]) -> list[float]:
    """Of as many as the budget allows, by how long the first took."""
    began_at = time.monotonic()
    present = measure_own_betweenness(own)
    each_s = time.monotonic() - began_at
    count = max(0, min(len(places), int((MEASURE_BUDGET_S - each_s) / max(each_s, 0.001))))
    return [measure_own_betweenness(own, place) - present for place in places[:count]]


def _read_topology() -> tuple[GraphTopology, Topology] | None:
    with leave_tenant():
        row = GraphTopology.objects.first()
    return (row, unpack_topology(bytes(row.pubkeys), bytes(row.pairs))) if row else None


def _place_ourselves(public: Topology) -> OwnPlace:
    """With our announced channels: no payment of others finds its way through a private one."""
    open_to_all = {state.peer_pubkey for state in list_open_states() if not state.private}
    return place_ourselves(public, current_tenant().pubkey, peers=open_to_all)


def _describe(gains: list[tuple[str, float]], row: GraphTopology) -> list[Candidate]:
    with leave_tenant():
        load = row.load
    known = find_public_nodes([pubkey for pubkey, _ in gains], load)
    return [
        Candidate(
            pubkey=pubkey,
            alias=known[pubkey].alias,
            channel_count=known[pubkey].channel_count,
            capacity_sat=known[pubkey].capacity_sat,
            betweenness_rank=known[pubkey].position.betweenness_rank,
            node_count=load.node_count,
            gain_closeness=gain,
            gain_betweenness=None,
            market_fee_rate_ppm=known[pubkey].market_fee_rate_ppm,
            median_channel_sat=known[pubkey].median_channel_sat or None,
        )
        for pubkey, gain in gains
        if pubkey in known
    ]
