"""The facts of each advice, from which its words are made: one struct a situation, tagged by its name."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from msgspec import Struct

from nodes.engine.types import Direction
from recommendations.engine.outlook import UNSAID, Outlook


class Named(Struct, frozen=True, kw_only=True):
    """A channel and its peer's alias, which a stranger chose: `words` make it harmless."""

    short_channel_id: str
    peer_pubkey: str
    peer_alias: str | None


class FeeChange(Struct, frozen=True, kw_only=True, tag="fee_change"):
    """A fee the newest run would change. `why`: its sentence, by language. `is_extrapolated`: it moves further than any
    effect was ever measured for.
    """

    channel: Named
    direction: Direction
    old_ppm: int
    new_ppm: int
    old_base_msat: int
    new_base_msat: int
    revenue_sat: int
    days: float
    why: dict[str, str]
    is_extrapolated: bool = False


class Rebalance(Struct, frozen=True, kw_only=True, tag="rebalance"):
    """Sats to move from `source` to `target`. `break_even_ppm`: what moving may cost at most without a loss. `days`:
    the known ones, that the drain is of; `days_left`: at their pace; `outlook`: by the forecast. `paid_ppm`: what
    moving sats into `target` did cost in these days, in `paid_count` parts; None: none, or the node does not tell.
    """

    target: Named
    source: Named
    amount_sat: int
    target_earns_ppm: int
    source_earns_ppm: int
    break_even_ppm: int
    max_cost_ppm: int
    max_cost_sat: int
    drain_sat_per_day: int
    days_left: float
    last_hop_ppm: int | None
    days: int = 0
    outlook: Outlook = UNSAID
    paid_ppm: int | None = None
    paid_count: int = 0


class BySparkseer(Struct, frozen=True, kw_only=True):
    """What Sparkseer expects of a channel: places the node would win among all nodes, and the fees it would set."""

    betweenness_places: int | None
    closeness_places: int | None
    passive_ppm: int | None
    active_ppm: int | None


class Opening(Struct, frozen=True, kw_only=True, tag="opening"):
    """A channel to open. `drain_sat_per_day`: of the own channels with this peer; None: there is none. `sparkseer`:
    where it suggests the same; `is_size_sparkseers`: so the size is its own.
    """

    pubkey: str
    alias: str | None
    is_peer: bool = False
    min_sat: int | None
    ideal_sat: int
    onchain_sat: int | None
    sat_per_vbyte: float | None
    channel_count: int | None = None
    betweenness_rank: int | None = None
    node_count: int | None = None
    gain_closeness: float | None = None
    gain_betweenness: float | None = None
    market_fee_rate_ppm: int | None = None
    drain_sat_per_day: int | None = None
    days: int = 0
    earns_ppm: int | None = None
    sparkseer: BySparkseer | None = None
    is_size_sparkseers: bool = False


class Closing(Struct, frozen=True, kw_only=True, tag="closing"):
    """A channel that cost more than it earned over `days`. `rebalance_sat`: for moving sats into it; None: the node
    does not tell.
    """

    channel: Named
    days: float
    age_days: float
    earned_sat: int
    onchain_share_sat: int | None
    rebalance_sat: int | None
    profit_sat: int | None
    local_sat: int
    others_ppm_per_day: float | None
    close_cost_sat: int | None
    is_active: bool


class OneSided(Struct, frozen=True, kw_only=True, tag="one_sided"):
    """All channels together have too little on one side."""

    side: Literal["inbound", "outbound"]
    local_sat: int
    remote_sat: int
    percent: int


class Depleted(Struct, frozen=True, kw_only=True, tag="depleted"):
    """A channel that sells and has little left, or refused payments for want of balance."""

    channel: Named
    local_sat: int
    capacity_sat: int
    percent: int
    failed: int
    missed_sat: int
    days: float
    outlook: Outlook = UNSAID


class PeerOffline(Struct, frozen=True, kw_only=True, tag="peer_offline"):
    channel: Named
    capacity_sat: int
    since: dt.datetime | None
    seen_percent: int | None


class PeerUnsteady(Struct, frozen=True, kw_only=True, tag="peer_unsteady"):
    """`percent`: of the time it was watched that the peer was there."""

    channel: Named
    percent: int
    days: float
    capacity_sat: int


class StuckHtlc(Struct, frozen=True, kw_only=True, tag="stuck_htlc"):
    """The payment in flight that expires first. `blocks_left` may be below 0: it has expired."""

    channel: Named
    count: int
    amount_sat: int
    blocks_left: int
    is_active: bool
    is_incoming: bool = False  # from the peer to us: without its preimage in time the sats go back to the peer


class NotSynced(Struct, frozen=True, kw_only=True, tag="not_synced"):
    block_height: int


class Silent(Struct, frozen=True, kw_only=True, tag="silent"):
    """No snapshot for a while."""

    hours: int
    taken_at: dt.datetime


class BelowRefill(Struct, frozen=True, kw_only=True, tag="below_refill"):
    """A channel that sells for less than its peer alone charges for filling it up again."""

    channel: Named
    earns_ppm: int
    refill_ppm: int
    drain_sat_per_day: int
    days: int = 0
    local_percent: int


class BatchOpening(Struct, frozen=True, kw_only=True, tag="batch_opening"):
    """Channels that are worth opening, in one transaction instead of several."""

    pubkeys: tuple[str, ...]
    saved_vbytes: int
    saved_sat: int
    sat_per_vbyte: float


class Backup(Struct, frozen=True, kw_only=True, tag="backup"):
    """Channels the last backup we were told of cannot hold. `told_at`: when; None: we were told of none."""

    opened: int
    channels: int
    newest_at: dt.datetime | None
    told_at: dt.datetime | None


Params = (
    FeeChange
    | Rebalance
    | Opening
    | Closing
    | OneSided
    | Depleted
    | PeerOffline
    | PeerUnsteady
    | StuckHtlc
    | NotSynced
    | Silent
    | BelowRefill
    | BatchOpening
    | Backup
)
