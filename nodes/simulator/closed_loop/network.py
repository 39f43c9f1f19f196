"""The public side of a closed-loop world: nodes, channels and what each direction charges, as lists by number.

A channel `c` has two directions: `2 * c` leads from its first node to its second, `2 * c + 1` back. So the other
direction of `d` is `d ^ 1`, and its channel `d >> 1`. Numbers instead of keys make a payment cheap to try.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from nodes.engine.report import PeerPolicy
from nodes.engine.short_channel_id import scid_from_channel_id
from nodes.engine.types import PeerPosition


class Network(Struct, frozen=True, kw_only=True, dict=True):
    """`own` is the number of the node whose fees are decided; `policies[d]` prices direction `d`, None: never said."""

    pubkeys: list[str]
    aliases: list[str]
    own: int
    channel_ids: list[int]
    ends: list[tuple[int, int]]
    capacities_msat: list[int]
    policies: list[PeerPolicy | None]
    positions: dict[str, PeerPosition] = {}  # of our peers in the whole graph, by pubkey

    @cached_property
    def tails(self) -> list[int]:
        """The node each direction starts from: the one that charges for it."""
        return [node for ends in self.ends for node in ends]

    @cached_property
    def heads(self) -> list[int]:
        """The node each direction leads to."""
        return [node for first, second in self.ends for node in (second, first)]

    @cached_property
    def own_directions(self) -> dict[str, int]:
        """Our outgoing directions by short_channel_id, in the order of the channels."""
        return {
            self.scids[direction >> 1]: direction
            for direction, tail in enumerate(self.tails)
            if tail == self.own and self.heads[direction] != self.own
        }

    @cached_property
    def scids(self) -> list[str]:
        return [scid_from_channel_id(channel_id) for channel_id in self.channel_ids]

    @cached_property
    def directions_towards(self) -> Mapping[int, Sequence[int]]:
        """The directions that lead to each node."""
        towards: defaultdict[int, list[int]] = defaultdict(list)
        for direction, head in enumerate(self.heads):
            towards[head].append(direction)
        return towards

    @cached_property
    def node_capacities_msat(self) -> list[int]:
        """Of all channels a node has in this network."""
        sums = [0] * len(self.pubkeys)
        for ends, capacity_msat in zip(self.ends, self.capacities_msat, strict=True):
            for node in ends:
                sums[node] += capacity_msat
        return sums

    def touches_own(self, channel: int) -> bool:
        return self.own in self.ends[channel]
