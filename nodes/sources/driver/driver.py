"""What every connector to a Lightning node can do, whatever the node is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, Self, TypedDict

from nodes.sources.driver.policy import Policy


class NodeReading(TypedDict):
    """The part of a snapshot that the node tells, in the words of the snapshot contract."""

    node: dict[str, object]
    channels: list[dict[str, object]]


class GraphNode(TypedDict):
    alias: str
    channel_count: int
    capacity_sat: int
    last_update: int | None  # unix seconds; None: not known


class GraphEdge(TypedDict):
    capacity_sat: int
    policies: dict[str, dict[str, object] | None]  # by the public key of the side that announced it; None: it never did


@dataclass(frozen=True, kw_only=True)
class Identity:
    pubkey: str
    alias: str


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What of a policy this kind of node has at all."""

    inbound: bool  # inbound fees (bLIP-18)
    time_lock_delta: bool  # per channel
    disabled: bool  # a single channel can be switched off for forwards
    partial_write: bool  # what is left out of a write stays as it is


@dataclass(frozen=True, kw_only=True)
class ForwardPage:
    """Oldest first, in the words of the forwards contract."""

    events: list[dict[str, object]]
    cursor: str  # decimal digits: where to go on from
    more: bool


@dataclass(frozen=True, kw_only=True)
class RebalancePage:
    """Payments of the node to itself, oldest first, in the words of the rebalances contract; of others nothing."""

    events: list[dict[str, object]]
    cursor: str  # decimal digits: where this reading goes on from
    kept_cursor: str | None  # where the next reading begins, before what may have been under way; None: as before
    more: bool


@dataclass(frozen=True, kw_only=True)
class PolicyWrite:
    """What one channel shall be set to, and what it is thought to be set to now."""

    short_channel_id: str
    channel_point: str | None  # "txid:index"; None: the node is asked for it
    policy: Policy
    expected_policy: Policy


class Outcome(StrEnum):
    WRITTEN = "written"  # the node shows the policy, or as much of it as it allows
    UNCONFIRMED = "unconfirmed"  # the node took it and still shows the one before: the next snapshot will tell
    CHANGED = "changed"  # somebody else changed the policy meanwhile: nothing was written
    REFUSED = "refused"  # the node or this connector cannot set this policy: nothing was written


@dataclass(frozen=True, kw_only=True)
class WriteResult:
    outcome: Outcome
    policy: Policy | None  # what the node showed last
    reason: str = ""  # for people, unless it is written as asked

    @property
    def is_done(self) -> bool:
        return self.outcome in {Outcome.WRITTEN, Outcome.UNCONFIRMED}


class Driver(Protocol):
    """One node behind one address. All methods raise NodeError; use as a context manager.

    Reads are repeated a few times when the connection fails; writes never are.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...

    def identify(self) -> Identity: ...

    def sign_message(self, message: str) -> str:
        """The node's own signature (zbase32)."""
        ...

    def read_node(self) -> NodeReading:
        """In a number of calls that does not grow with the channels. A node that is not the expected one is refused."""
        ...

    def read_opening_fees(self, openings: Mapping[str, str]) -> dict[str, int]:
        """What our wallet paid for the transactions that opened channels, in sat by channel point; 0: it was not ours.

        `openings`: short_channel_id by channel point. What the node does not tell, or may not, is left out, and no
        NodeError is raised for it. A call or a few, whatever the number of channels.
        """
        ...

    def read_forwards(self, cursor: str) -> ForwardPage:
        """The page of settled forwards after `cursor`; "0" is before the first."""
        ...

    def read_rebalances(self, cursor: str, *, now_s: float) -> RebalancePage | None:
        """The page after `cursor` of what the node paid to itself in the last 100 days; "0" is before the first.

        None: the node does not tell, or may not, and no NodeError is raised for it. A page may hold again what one
        before it held, under the same ids.
        """
        ...

    def apply(self, write: PolicyWrite) -> WriteResult:
        """Sets one channel's whole policy, unless somebody else changed it meanwhile.

        1. Read the present policy. 2. It is the wanted one: done, whoever wrote it. 3. It is not the expected one:
        leave it. 4. Write all fields. 5. Read back. When the answer to the write is lost, what the node shows decides;
        shows it the one before, NodeError is raised, and the same call again is safe.
        """
        ...

    def graph_node(self, pubkey: str) -> GraphNode | None:
        """What the public graph says of a node; None: nothing."""
        ...

    def graph_edge(self, short_channel_id: str) -> GraphEdge | None:
        """Both sides of a channel; None: the graph does not know it."""
        ...
