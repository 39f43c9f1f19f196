"""What one run decides on, and what it decides. The run is the unit of replay: the same values, the same bytes."""

from __future__ import annotations

from msgspec import Struct

from nodes.engine.document import FeePolicy
from nodes.engine.market import PeerMarket
from nodes.engine.memory import ChannelMemories, NodeMemories, PeerMemories
from nodes.engine.policy_change import PolicyChange
from nodes.engine.report import ChannelState, Instant, NodeState
from nodes.engine.types import ChannelDecision, FlowTotals, PeerPosition, ScoreCard


class FlowWindow(Struct, frozen=True, kw_only=True):
    """Settled forwards of one channel in a period that ends at the snapshot.

    `is_covered`: the history known reaches over the whole period. `_sat` amounts are cut to whole sat a forward, as LND
    reports them.
    """

    is_covered: bool
    htlcs_in: int = 0
    htlcs_out: int = 0
    in_sat: int = 0
    out_sat: int = 0
    in_msat: int = 0
    out_msat: int = 0
    revenue_msat: int = 0  # fees of forwards that left by the channel
    assist_msat: int = 0  # fees of forwards that came in by it


class SharedSum(Struct, frozen=True, kw_only=True):
    """Channels with one peer. Balances by charge-lnd's definition (`measure_balance`)."""

    channels: int = 0
    local_sat: int = 0
    remote_sat: int = 0

    @property
    def total_sat(self) -> int:
        return self.local_sat + self.remote_sat

    @property
    def ratio(self) -> float | None:
        """Our share, 0..1; None when both sides hold nothing."""
        return self.local_sat / self.total_sat if self.total_sat else None


class PeerTotals(Struct, frozen=True, kw_only=True):
    """All our channels with one peer together.

    The first four by LNDg's definition: active public channels (all where none is), balances with unsettled HTLCs and
    without commitment fees.
    """

    capacity_sat: int
    local_sat: int
    remote_sat: int
    flow: FlowTotals
    active: SharedSum = SharedSum()
    inactive: SharedSum = SharedSum()
    earned_msat: int | None = None  # by forwards that left since a strategy last looked at the peer; None: none did

    @property
    def shared_ratio(self) -> float | None:
        """Our share of all channels with the peer, 0..1; None when nobody holds anything."""
        total_sat = self.active.total_sat + self.inactive.total_sat
        return (self.active.local_sat + self.inactive.local_sat) / total_sat if total_sat else None


class ChannelInput(Struct, frozen=True, kw_only=True):
    """All that is known of one channel."""

    channel: ChannelState
    flow: FlowTotals
    windows: dict[int, FlowWindow] = {}  # by their length in seconds: those the fee policy asks for
    peer: PeerTotals
    position: PeerPosition | None = None  # None: the public graph does not know the peer
    market: PeerMarket | None = None  # None: not known, or no strategy of the fee policy looks at it
    score: ScoreCard
    tags: list[str] = []
    changes: list[PolicyChange] = []  # of our own policy, oldest first
    memory: ChannelMemories = {}
    peer_memory: PeerMemories = {}


class CycleInput(Struct, frozen=True, kw_only=True):
    """All that is the same for every channel of a run. `policy_version` 0: the defaults."""

    engine_version: int
    now: Instant
    own_pubkey: str | None = None
    draw_seed: str = ""  # the box's own secret: nobody else can compute what a strategy leaves to chance
    node: NodeState
    policy: FeePolicy
    policy_version: int = 0
    memory: NodeMemories = {}


class Memories(Struct, frozen=True, kw_only=True):
    """What the next run is to find: of the node, by peer and by channel. Only what changed."""

    node: NodeMemories = {}
    peers: dict[str, PeerMemories] = {}
    channels: dict[str, ChannelMemories] = {}


class NodeDecision(Struct, frozen=True, kw_only=True):
    """One decision a channel, in the order of the input, and the memories to keep."""

    decisions: list[ChannelDecision]
    memories: Memories = Memories()
