"""What is known of a node when it is advised: its channels, what they forwarded, and what the newest run decided."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from msgspec import Struct

from nodes.engine.balance import measure_ratio
from nodes.engine.candidate import Candidate
from nodes.engine.rebalance import Rebalance
from nodes.engine.report import ChannelPolicy, ChannelState, Forward
from nodes.engine.types import Direction, Effect
from recommendations.engine.outlook import UNSAID, Outlook
from recommendations.engine.params import Named
from recommendations.engine.suggestion import Suggestions

DAY = dt.timedelta(days=1)
BLOCKS_A_DAY = 144
OPENING_BLOCKS = 6


class Traffic(Struct, kw_only=True):
    """What one channel forwarded in the days known. Lists have one entry a day, the oldest first."""

    out_msat: int = 0
    in_msat: int = 0
    earned_msat: int = 0  # fees of payments that left by it
    assisted_msat: int = 0  # fees of payments that came in by it
    out_count: int = 0
    in_count: int = 0
    failed: int = 0  # for want of balance
    missed_msat: int = 0  # the fees of those; a payer's repeats are counted each
    daily_net_msat: list[int] = []  # what left, less what came in
    daily_earned_msat: list[int] = []

    @property
    def earned_ppm(self) -> float | None:
        """What a million sat that left brought; None: nothing left."""
        return self.earned_msat / self.out_msat * 1e6 if self.out_msat else None


class Refills(Struct, kw_only=True):
    """What moving sats into one channel by paying ourselves cost in the days known."""

    count: int = 0
    amount_msat: int = 0
    fee_msat: int = 0

    @property
    def ppm(self) -> float | None:
        """What a million sat that came in cost; None: nothing was moved in."""
        return self.fee_msat / self.amount_msat * 1e6 if self.amount_msat else None


class Decided(Struct, frozen=True, kw_only=True):
    """What the newest run decided for a channel. `why`: its sentence by language; `action_id`: of the planned one.
    `fee_ratio`: the new fee as a multiple of the old one, as the effect was estimated by; None: by none.
    """

    decision_id: int
    direction: Direction
    policy: ChannelPolicy
    effect: Effect | None
    why: dict[str, str]
    action_id: UUID | None
    is_settled: bool  # its action is approved, under way, was carried out, or was refused
    fee_ratio: float | None = None


class Surveyed(Struct, frozen=True, kw_only=True):
    """One open channel. `seen_share`: of the snapshots looked at that showed it active; None: too few. `refills`: None
    where the node does not tell what it paid to itself.
    """

    state: ChannelState
    first_seen_at: dt.datetime
    traffic: Traffic
    refills: Refills | None = None
    decided: Decided | None = None
    seen_share: float | None = None
    last_active_at: dt.datetime | None = None
    outlook: Outlook = UNSAID

    @property
    def scid(self) -> str:
        return self.state.short_channel_id

    @property
    def named(self) -> Named:
        return Named(short_channel_id=self.scid, peer_pubkey=self.state.peer_pubkey, peer_alias=self.state.peer_alias)

    @property
    def ratio(self) -> float | None:
        """Our share of the balance, 0..1."""
        return measure_ratio(self.state)


class Survey(Struct, frozen=True, kw_only=True):
    """`days`: whole days of forwards that are known, at most those looked at; 0: no history was reported.
    `is_refilling_partial`: the node tells what it pays to itself, but not all of it is known, so none is counted.
    """

    id_space: UUID  # the box's own: nobody else can compute the ids of its advice
    now: dt.datetime
    taken_at: dt.datetime
    first_report_at: dt.datetime
    implementation: Literal["lnd", "cln"]
    block_height: int
    is_synced: bool
    onchain_fees: dict[int, float] = {}
    days: int = 0
    is_refilling_partial: bool = False
    channels: tuple[Surveyed, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    suggestions: Suggestions = Suggestions()
    backup_told_at: dt.datetime | None = None

    @property
    def sat_per_vbyte(self) -> float | None:
        """The node's own estimate for six blocks, or for the next fewer there is one for."""
        targets = [target for target in self.onchain_fees if target <= OPENING_BLOCKS]
        return self.onchain_fees[max(targets)] if targets else None

    @property
    def age_hours(self) -> float:
        """Of the snapshot."""
        return max(0.0, (self.now - self.taken_at) / dt.timedelta(hours=1))

    def measure_age(self, channel: Surveyed) -> float:
        """Days since the block of its funding transaction, which its id names."""
        return max(0, self.block_height - int(channel.scid.split("x", 1)[0])) / BLOCKS_A_DAY


def total_traffic(forwards: Iterable[Forward], *, until: dt.datetime, days: int) -> dict[str, Traffic]:
    """By short_channel_id, of the `days` times 24 hours that end at `until`. Settled payments count on both sides."""
    since = until - days * DAY
    totals: dict[str, Traffic] = {}

    def find(scid: str) -> Traffic:
        if scid not in totals:
            totals[scid] = Traffic(daily_net_msat=[0] * days, daily_earned_msat=[0] * days)
        return totals[scid]

    for forward in forwards:
        day = (forward.settled_at - since).days
        if not 0 <= day < days:
            continue
        outgoing = find(forward.outgoing_scid)
        if forward.status == "local_failed":
            outgoing.failed += 1
            outgoing.missed_msat += forward.fee_msat
        elif forward.status == "settled":
            _add_settled(forward, outgoing, incoming=find(forward.incoming_scid), day=day)
    return totals


def total_refills(rebalances: Iterable[Rebalance], *, until: dt.datetime, days: int) -> dict[str, Refills]:
    """By the short_channel_id of the channel that got the sats: there they are sold, so there their cost stands."""
    since = until - days * DAY
    totals: dict[str, Refills] = {}
    for rebalance in rebalances:
        if since <= rebalance.settled_at < until:
            refills = totals.setdefault(rebalance.incoming_scid, Refills())
            refills.count += 1
            refills.amount_msat += rebalance.amount_msat
            refills.fee_msat += rebalance.fee_msat
    return totals


def _add_settled(forward: Forward, outgoing: Traffic, *, incoming: Traffic, day: int) -> None:
    outgoing.out_msat += forward.out_msat
    outgoing.earned_msat += forward.fee_msat
    outgoing.out_count += 1
    outgoing.daily_net_msat[day] += forward.out_msat
    outgoing.daily_earned_msat[day] += forward.fee_msat
    incoming.in_msat += forward.in_msat
    incoming.assisted_msat += forward.fee_msat
    incoming.in_count += 1
    incoming.daily_net_msat[day] -= forward.in_msat
