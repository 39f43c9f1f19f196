"""Which advice rules out which: two that do to one channel, or to one peer, what cannot both be done, or whose gains
are the same sats sold twice.

A gain is counted twice where two ways of filling are advised for one demand (a rebalance and another channel to the
same peer), and where a channel that is closed is also filled, emptied, priced or waited for. Raising a fee and filling
the same channel go together: filling keeps what would run dry, the new fee is counted on what is sold.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from uuid import UUID

from msgspec import Struct

from nodes.engine.types import Direction
from recommendations.engine.advice import Advice
from recommendations.engine.params import (
    BelowRefill,
    Closing,
    Depleted,
    FeeChange,
    Named,
    Opening,
    PeerOffline,
    PeerUnsteady,
    Rebalance,
    StuckHtlc,
)

Conflicts = Mapping[UUID, tuple[UUID, ...]]


class Deed(StrEnum):
    """What an advice does to a channel. `enlarge`: a second channel to its peer."""

    CLOSE = "close"
    FILL = "fill"
    EMPTY = "empty"
    ENLARGE = "enlarge"
    CHEAPEN = "cheapen"
    DEARER = "dearer"
    LEAVE_DRY = "leave_dry"
    TEND = "tend"


def _pair(one: Deed, other: Deed) -> frozenset[Deed]:
    return frozenset({one, other})


OF_ONE_CHANNEL = {
    *(_pair(Deed.CLOSE, deed) for deed in Deed if deed != Deed.ENLARGE),
    _pair(Deed.FILL, Deed.EMPTY),
    _pair(Deed.FILL, Deed.CHEAPEN),  # what filling may cost was reckoned by the old fee
    _pair(Deed.FILL, Deed.LEAVE_DRY),
    _pair(Deed.EMPTY, Deed.CHEAPEN),  # both want the same sats elsewhere
    _pair(Deed.CHEAPEN, Deed.DEARER),
}
OF_ONE_PEER = {
    _pair(Deed.ENLARGE, Deed.CLOSE),
    _pair(Deed.ENLARGE, Deed.FILL),  # one demand, met twice
    _pair(Deed.ENLARGE, Deed.CHEAPEN),
}


_BY_SITUATION: dict[type, tuple[Deed, ...]] = {
    Depleted: (Deed.DEARER,),
    BelowRefill: (Deed.DEARER, Deed.LEAVE_DRY),
}
_BY_DIRECTION: dict[Direction, Deed] = {"raise": Deed.DEARER, "lower": Deed.CHEAPEN}


class Done(Struct, frozen=True):
    """`scid`: None for what is done with the peer alone."""

    deed: Deed
    scid: str | None
    pubkey: str


def find_conflicts(advice: Sequence[Advice]) -> Conflicts:
    """Of each that has any: the ids of those it rules out and is ruled out by, in the order of `advice`."""
    by_peer: defaultdict[str, list[tuple[UUID, Done]]] = defaultdict(list)
    for one in advice:
        for done in list_deeds(one):
            by_peer[done.pubkey].append((one.id, done))
    found: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for of_peer in by_peer.values():
        for (one_id, deed), (other_id, its) in combinations(of_peer, 2):
            if one_id != other_id and _exclude(deed, its):
                found[one_id].add(other_id)
                found[other_id].add(one_id)
    place = {one.id: at for at, one in enumerate(advice)}
    return {one_id: tuple(sorted(others, key=place.__getitem__)) for one_id, others in found.items()}


def list_deeds(advice: Advice) -> tuple[Done, ...]:
    """Nothing for what is about the whole node, or about a node there is no channel with."""
    match advice.params:
        case FeeChange(channel=channel, direction=direction):
            return (_do(_BY_DIRECTION.get(direction, Deed.TEND), channel),)
        case Rebalance(target=target, source=source):
            return _do(Deed.FILL, target), _do(Deed.EMPTY, source)
        case Opening(pubkey=pubkey, is_peer=True):
            return (Done(Deed.ENLARGE, None, pubkey),)
        case Closing(channel=channel):
            return (_do(Deed.CLOSE, channel),)
        case Depleted() | BelowRefill() | PeerOffline() | PeerUnsteady() | StuckHtlc() as params:
            return tuple(_do(deed, params.channel) for deed in _BY_SITUATION.get(type(params), (Deed.TEND,)))
    return ()


def _do(deed: Deed, channel: Named) -> Done:
    return Done(deed, channel.short_channel_id, channel.peer_pubkey)


def _exclude(one: Done, other: Done) -> bool:
    """Of two that are done with one peer."""
    pair = frozenset({one.deed, other.deed})
    return pair in OF_ONE_PEER or (one.scid is not None and one.scid == other.scid and pair in OF_ONE_CHANNEL)
