"""What a box reports of its node: snapshots, channels, policies and forwards, with every bound.

Every type is a frozen msgspec struct: decoded strictly from JSON at the border (a string for an integer, NaN, an
unknown field or a value out of range is refused with the path of the field), stored as MessagePack, handed to pure
functions.
Amounts are integers with the unit in the name; instants are aware UTC datetimes.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from msgspec import Meta, Struct

from mcp_saas.kit.text import Pubkey, spelled
from nodes.engine.short_channel_id import ShortChannelId

MAX_SAT = 2_100_000_000_000_000  # 21 million bitcoin
MAX_MSAT = MAX_SAT * 1000
MAX_PPM = 1_000_000  # a fee of 100 %
MAX_U32 = 4_294_967_295  # BOLT 7 carries timestamps, fee_base_msat and fee_proportional_millionths as u32
FIRST_BLOCK_AT = dt.datetime(2009, 1, 3, tzinfo=dt.UTC)
LIGHTNING_BEGAN_AT = dt.datetime(
    2018, 1, 1, tzinfo=dt.UTC
)  # the first releases for the main network are of that spring
LAST_INSTANT = dt.datetime.max.replace(tzinfo=dt.UTC)

ChannelPoint = Annotated[
    str,
    spelled(r"[0-9a-f]{64}:[0-9]{1,5}", "the funding transaction's id in 64 hex digits, a colon, the output's index"),
]
Alias = Annotated[str, Meta(max_length=128)]
Sat = Annotated[int, Meta(ge=0, le=MAX_SAT)]
Msat = Annotated[int, Meta(ge=0, le=MAX_MSAT)]
BaseFeeMsat = Annotated[int, Meta(ge=0, le=MAX_U32)]
FeeRatePpm = Annotated[int, Meta(ge=0, le=MAX_PPM)]
InboundBaseFeeMsat = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]  # bLIP-18: i32
InboundFeeRatePpm = Annotated[int, Meta(ge=-MAX_PPM, le=MAX_PPM)]
TimeLockDelta = Annotated[int, Meta(ge=0, le=65_535)]
BlockHeight = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Seconds = Annotated[int, Meta(ge=0, le=2**40)]
ConfirmationTarget = Annotated[int, Meta(ge=1, le=1_008)]  # blocks
# In text, as JSON has it: what is kept is encoded with the keys of dictionaries in order, and those must be text.
TargetName = Annotated[str, spelled(r"[1-9][0-9]{0,3}", "a number of blocks", max_length=4)]
SatPerVbyte = Annotated[float, Meta(ge=0, le=1e6)]
Instant = Annotated[dt.datetime, Meta(tz=True)]


def check_instant(field: str, instant: dt.datetime | None) -> None:
    if instant is not None and not FIRST_BLOCK_AT <= instant <= LAST_INSTANT:
        raise ValueError(f"{field}: lies before the first block of Bitcoin or after the year 9999")


class ChannelPolicy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What one side of a channel charges: `base_fee_msat + amount * fee_rate_ppm / 10**6`, and the limits it sets."""

    base_fee_msat: BaseFeeMsat
    fee_rate_ppm: FeeRatePpm
    time_lock_delta: TimeLockDelta
    min_htlc_msat: Msat
    max_htlc_msat: Msat
    disabled: bool = False
    inbound_base_fee_msat: InboundBaseFeeMsat = 0
    inbound_fee_rate_ppm: InboundFeeRatePpm = 0
    last_update: Annotated[int, Meta(ge=0, le=MAX_U32, description="unix seconds; null: not known")] | None = None

    def __post_init__(self) -> None:
        if self.min_htlc_msat > self.max_htlc_msat:
            raise ValueError(f"min_htlc_msat: must not be above max_htlc_msat {self.max_htlc_msat}")


class PeerPolicy(ChannelPolicy, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The other side's policy. Strangers may announce any u32 as fee rate: that must not cost us the whole snapshot."""

    fee_rate_ppm: Annotated[int, Meta(ge=0, le=MAX_U32)]
    inbound_fee_rate_ppm: InboundBaseFeeMsat = 0


class PendingHtlc(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    incoming: bool
    amount_sat: Sat
    expiration_height: BlockHeight | None = None


class ChannelState(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One channel as its node saw it at the moment of the snapshot."""

    short_channel_id: ShortChannelId
    channel_point: ChannelPoint | None = None
    peer_pubkey: Pubkey
    peer_alias: Alias | None = None
    capacity_sat: Annotated[int, Meta(ge=1, le=MAX_SAT)]
    local_balance_sat: Sat
    remote_balance_sat: Sat
    active: bool
    private: bool = False
    initiator: bool | None = None
    opened_at: Instant | None = None
    own_policy: ChannelPolicy | None = None
    peer_policy: PeerPolicy | None = None
    pending_htlcs: Annotated[int, Meta(ge=0, le=966)] | Annotated[list[PendingHtlc], Meta(max_length=966)] = 0
    uptime_s: Seconds | None = None  # LND: seconds the peer was online ...
    lifetime_s: Seconds | None = None  # ... of the seconds this channel was watched
    commit_fee_sat: Sat | None = None  # of the present commitment, paid by who opened
    opening_fee_sat: Sat | None = None  # what the funding transaction cost our wallet; 0: it was not ours
    remote_reserve_sat: Sat | None = None  # what the peer must keep: LND's remote_constraints.chan_reserve_sat
    lowest_htlc_msat: Msat | None = None  # the bounds of the channel itself: LND's local_constraints.min_htlc_msat
    highest_htlc_msat: Msat | None = None  # and max_pending_amt_msat

    def __post_init__(self) -> None:
        check_instant("opened_at", self.opened_at)
        if self.local_balance_sat + self.remote_balance_sat > self.capacity_sat:
            field = "local_balance_sat" if self.local_balance_sat > self.capacity_sat else "remote_balance_sat"
            raise ValueError(f"{field}: local and remote balance together exceed capacity_sat {self.capacity_sat}")


class NodeState(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    alias: Alias
    implementation: Literal["lnd", "cln"]
    version: Annotated[str, spelled(r"[^\x00-\x1f\x7f]*", "text without control characters", max_length=128)]
    block_height: BlockHeight
    synced_to_chain: bool
    onchain_fees: Annotated[dict[TargetName, SatPerVbyte], Meta(max_length=32)] = {}  # its own estimates

    def read_onchain_fees(self) -> dict[int, float]:
        """In sat a vbyte, by the number of blocks within which a transaction shall be confirmed."""
        return {int(target): rate for target, rate in self.onchain_fees.items()}


class NodeSnapshot(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything a box reports of its node at one moment. `seq` grows by the box's own count."""

    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    taken_at: Instant
    node: NodeState
    channels: Annotated[list[ChannelState], Meta(max_length=20_000)]

    def __post_init__(self) -> None:
        check_instant("taken_at", self.taken_at)
        seen: set[str] = set()  # no channel point is spelled like a short channel id
        for index, channel in enumerate(self.channels):
            for field in ("short_channel_id", "channel_point"):
                name: str | None = getattr(channel, field)
                if name in seen:
                    raise ValueError(f"channels/{index}/{field}: the channel {name} is listed twice")
                if name is not None:
                    seen.add(name)


class Forward(Struct, frozen=True, kw_only=True):
    """A payment as it is kept. What `ReportedForward` checked when it came is not checked again: one request may read a
    node's hundred thousand.
    """

    id: str
    incoming_scid: str
    outgoing_scid: str
    in_msat: int
    out_msat: int
    fee_msat: int
    settled_at: dt.datetime
    status: Literal["settled", "failed", "local_failed"] = "settled"


class ReportedForward(Forward, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One payment the node was asked to pass on. `id` is the box's; the same id is the same forward."""

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    incoming_scid: ShortChannelId
    outgoing_scid: ShortChannelId
    in_msat: Msat
    out_msat: Msat
    fee_msat: Msat
    settled_at: Instant
    status: Literal["settled", "failed", "local_failed"] = "settled"

    def __post_init__(self) -> None:
        check_instant("settled_at", self.settled_at)
        if self.status == "settled" and self.in_msat - self.out_msat != self.fee_msat:
            raise ValueError("fee_msat: must be in_msat minus out_msat of a settled forward")
