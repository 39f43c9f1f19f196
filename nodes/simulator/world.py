"""The simulated world: a few nodes, their channels with both balances, and what has flowed through them.

A world is one MessagePack file. It holds the fleet's surroundings only (its channels and direct peers), so serving it
takes little memory however large the network it was cut from.
"""

from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from mcp_saas.kit.private_file import write_private_file
from nodes.engine.report import PeerPolicy
from nodes.simulator.gossip import Gossip

WORLD_VERSION = 2


class WorldFileError(ValueError):
    """The file is not a world we can go on with. The message says what to do."""


class ConservationError(AssertionError):
    """A channel holds more or less than its capacity: a fault of the simulator, never of its user."""


class Side(Struct, kw_only=True):
    """One end of a channel."""

    pubkey: str
    balance_msat: int
    policy: PeerPolicy | None  # what this node charges to send into the channel; None: never announced
    min_htlc_msat: int  # the bounds the two agreed on when the channel was opened: no policy may leave them
    max_in_flight_msat: int
    sent_msat: int = 0  # over the channel's life
    htlc_count: int = 0  # HTLCs this side has offered: the index of its next one
    gossip: Gossip | None = None  # None: all of it is known to everybody
    policy_updates: int = 0  # how often this node was told a policy of the channel, and took it


class Channel(Struct, kw_only=True):
    channel_id: int
    chan_point: str
    capacity_sat: int
    sides: tuple[Side, Side]  # in the graph's order: node1, node2
    initiator: Literal[0, 1]  # the side that opened the channel and pays the commitment fee
    commit_fee_sat: int
    fee_per_kw: int
    reserve_sat: int  # what each side must keep
    private: bool = False
    active: bool = True
    online_ppm: int = 1_000_000  # share of the time its peers were connected
    update_count: int = 0

    def seen_by(self, pubkey: str) -> tuple[Side, Side]:
        """(own side, peer's side). Raises ValueError for a node that is not an end of this channel."""
        first, second = self.sides
        if pubkey == first.pubkey:
            return first, second
        if pubkey == second.pubkey:
            return second, first
        raise ValueError(f"{pubkey} is not an end of channel {self.channel_id}")

    def spendable_msat(self, side: Side) -> int:
        return max(0, side.balance_msat - self.reserve_sat * 1000)


class ForwardRecord(Struct, frozen=True, array_like=True, gc=False):
    """A payment a node was asked to pass on, settled or failed. LND's history lists settled ones only."""

    at_ns: int
    incoming_id: int
    outgoing_id: int
    in_msat: int
    out_msat: int
    incoming_htlc: int
    outgoing_htlc: int
    status: Literal["settled", "failed", "local_failed"]
    received_at_ns: int = 0  # when the payment came in; `at_ns` is when it was over
    arrival: int = 0  # Core Lightning's created_index: 1 for the node's first payment, whatever became of it


class InFlight(Struct, frozen=True, array_like=True, order=True):
    """A forward locked into two channels and not settled yet. Ordered by the moment it settles."""

    settles_at_ns: int
    pubkey: str  # of the node that forwards
    incoming_id: int
    outgoing_id: int
    in_msat: int
    out_msat: int
    incoming_htlc: int
    outgoing_htlc: int
    incoming_expiry: int
    outgoing_expiry: int
    payment_hash: bytes
    received_at_ns: int = 0
    arrival: int = 0


class RebalanceRecord(Struct, frozen=True, array_like=True, gc=False):
    """A payment of a node to itself that worked. `amount_msat` came back, `fee_msat` stayed on the way."""

    at_ns: int
    outgoing_id: int
    incoming_id: int
    amount_msat: int
    fee_msat: int
    final_height: int
    payment_hash: bytes


class FleetNode(Struct, kw_only=True):
    """A node that is served. `settled_per_day` is what its traffic was scaled to, under the fees it began with."""

    pubkey: str
    identity_key: bytes  # 32 bytes, made up, so that the node can sign: the secret key of `pubkey` unless that is real
    stands_for: str  # the graph's node whose channels, peers and policies it has
    alias: str
    settled_per_day: float
    attempts_per_day: float
    implementation: Literal["lnd", "cln"] = "lnd"  # whose API it is served with
    pending_channel_points: list[str] = []
    history: list[ForwardRecord] = []
    arrivals: int = 0  # payments it was asked to pass on so far
    rebalances: list[RebalanceRecord] = []


class KnownNode(Struct, frozen=True, kw_only=True):
    """What the network's graph says of a node; the sums run over all its channels, not only those in this world."""

    pubkey: str
    alias: str
    channel_count: int
    capacity_sat: int
    last_update: int


class World(Struct, kw_only=True):
    version: int = WORLD_VERSION
    seed: int
    origin: str  # a sentence for people: where the network comes from
    began_at_ns: int
    advanced_to_ns: int
    fleet: list[FleetNode]
    channels: list[Channel]
    known_nodes: list[KnownNode]
    in_flight: list[InFlight] = []  # a heap

    def channels_of(self, pubkey: str) -> list[Channel]:
        return [channel for channel in self.channels if pubkey in (channel.sides[0].pubkey, channel.sides[1].pubkey)]


class _Header(Struct):
    version: int


def check_conservation(world: World) -> None:
    """Every msat of every channel is one side's, in flight, or set aside for the commitment transaction's fee.

    Raises ConservationError naming the first channel for which this does not hold.
    """
    in_flight_msat: dict[int, int] = {}
    for htlc in world.in_flight:
        in_flight_msat[htlc.incoming_id] = in_flight_msat.get(htlc.incoming_id, 0) + htlc.in_msat
        in_flight_msat[htlc.outgoing_id] = in_flight_msat.get(htlc.outgoing_id, 0) + htlc.out_msat
    for channel in world.channels:
        balances = [side.balance_msat for side in channel.sides]
        held_msat = sum(balances) + channel.commit_fee_sat * 1000 + in_flight_msat.get(channel.channel_id, 0)
        if held_msat != channel.capacity_sat * 1000 or min(balances) < 0:
            raise ConservationError(
                f"channel {channel.channel_id}: {balances} msat do not add up to {channel.capacity_sat} sat"
            )


def save_world(world: World, path: Path) -> None:
    write_private_file(path, msgspec.msgpack.encode(world))


def load_world(path: Path) -> World:
    """Raises WorldFileError: missing, damaged, or written by another version."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise WorldFileError(
            f"{path} cannot be read: {error.strerror}. Make a world first: python -m nodes.simulator make"
        ) from error
    try:
        version = msgspec.msgpack.decode(content, type=_Header).version
        if version != WORLD_VERSION:
            raise WorldFileError(
                f"{path} is a world of version {version}, this program reads {WORLD_VERSION}: make a new one"
            )
        return msgspec.msgpack.decode(content, type=World)
    except msgspec.DecodeError as error:
        raise WorldFileError(f"{path} is not a world ({error}): make a new one") from error
