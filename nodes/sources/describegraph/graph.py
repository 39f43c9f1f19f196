"""The public channel graph, in the shape `lncli describegraph` prints it.

Only the fields somebody uses are read; the names on the wire stand beside ours. 64-bit numbers arrive as strings (and
leave as strings), a policy may be null (never announced, or pruned), and `last_update` may be 0 (not known).
"""

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, Struct, field
from msgspec.structs import force_setattr

from mcp_saas.kit.text import Pubkey
from nodes.engine.report import MAX_U32, Sat

MAX_U16 = 2**16 - 1  # BOLT 7: cltv_expiry_delta
MAX_I32 = 2**31 - 1  # bLIP-18: inbound fees


class GraphPolicy(Struct, frozen=True, gc=False, kw_only=True):
    """What one node announces for its direction of a channel: what it charges to pass payments on to the other."""

    time_lock_delta: int
    min_htlc_msat: int = field(name="min_htlc", default=0)
    base_fee_msat: int = field(name="fee_base_msat")
    fee_rate_ppm: int = field(name="fee_rate_milli_msat")  # parts per million, whatever the name says
    max_htlc_msat: int = 0  # 0: not announced
    disabled: bool = False
    inbound_base_fee_msat: int = field(name="inbound_fee_base_msat", default=0)
    inbound_fee_rate_ppm: int = field(name="inbound_fee_rate_milli_msat", default=0)
    last_update: int = 0  # unix seconds

    @property
    def fits_bolt7(self) -> bool:
        """Whether a BOLT 7 message can carry these values: files hold what no node can have announced."""
        return (
            all(0 <= value <= MAX_U32 for value in (self.base_fee_msat, self.fee_rate_ppm, self.last_update))
            and all(abs(value) <= MAX_I32 for value in (self.inbound_base_fee_msat, self.inbound_fee_rate_ppm))
            and 0 <= self.time_lock_delta <= MAX_U16
            and self.min_htlc_msat >= 0
            and (self.max_htlc_msat == 0 or self.min_htlc_msat <= self.max_htlc_msat)
        )

    @property
    def is_usable(self) -> bool:
        return not self.disabled and self.fits_bolt7


class GraphNode(Struct, frozen=True, gc=False, kw_only=True):
    pubkey: Pubkey = field(name="pub_key")
    alias: str = ""
    color: str = ""
    features: tuple[int, ...] = ()  # the bits it announces; in the file, an object with them as names
    last_update: int = 0

    def __post_init__(self) -> None:
        """Aliases are written by strangers: halves of characters (lone surrogates) could be stored nowhere."""
        if not self.alias.isascii():
            force_setattr(self, "alias", self.alias.encode(errors="replace").decode())


class GraphChannel(Struct, frozen=True, kw_only=True):
    """`policy1` is node1's: it prices the direction node1 -> node2."""

    channel_id: Annotated[int, Meta(ge=0)]
    chan_point: str = ""
    node1: Pubkey = field(name="node1_pub")
    node2: Pubkey = field(name="node2_pub")
    capacity_sat: Sat = field(name="capacity")
    policy1: GraphPolicy | None = field(name="node1_policy", default=None)
    policy2: GraphPolicy | None = field(name="node2_policy", default=None)

    def usable_directions(self) -> Iterator[tuple[str, GraphPolicy]]:
        """(the node the payment arrives at, the policy that prices it) of each direction that can carry one."""
        if self.policy1 is not None and self.policy1.is_usable:
            yield self.node2, self.policy1
        if self.policy2 is not None and self.policy2.is_usable:
            yield self.node1, self.policy2

    @property
    def is_usable(self) -> bool:
        """At least one direction can carry a payment."""
        return any(True for _ in self.usable_directions())


class Graph(Struct, frozen=True, kw_only=True):
    nodes: list[GraphNode]
    channels: list[GraphChannel] = field(name="edges")
    repeats: int = 0  # nodes and channels that the file held again, and that were left out
