"""What strategies remember from one run to the next: of the node, of each peer, of each channel.

Small frozen structs, tagged with their strategy. They are part of the input of a run and of its decision, so a run can
be replayed, and are kept sealed between runs. A strategy finds only what it wrote itself, under its own tag.
"""

from __future__ import annotations

from msgspec import Struct

from nodes.engine.report import Instant


class PriceCard(Struct, frozen=True, kw_only=True):
    """A price that was tried, and what it earned."""

    price: int
    earned_msat: int = 0


class PriceDeck(Struct, frozen=True, kw_only=True):
    """CLBOSS's price theory: five prices round a centre, tried one by one. The first of `waiting` is in play."""

    centre: int
    round: int  # counts decks, so that each is shuffled anew
    waiting: list[int]
    played: list[PriceCard] = []
    earned_msat: int = 0  # by the price in play
    played_s: int = 0  # how long it has been in play


class ClbossMemory(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="clboss"):
    """Of a peer: where its balance stands, and which price is being tried."""

    at: Instant
    due_at: Instant  # when it is priced again
    balance_bin: int
    capacity_sat: int
    local_sat: int
    deck: PriceDeck
    fee_rate_ppm: int | None = None  # as priced last; None: there was no market
    base_fee_msat: int | None = None
    reason: str = ""


class PidMemory(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="pid"):
    """Of a peer: the controller's state (`error`, `integral`, `slope`) and its sum (`spread_ppm`)."""

    at: Instant
    error: float
    integral: float
    slope: float
    spread_ppm: float
    reference_ppm: int | None = None  # the lowest rate over the peer's channels that was seen last
    wished_ppm: int | None = None  # and the one asked for


class PidNodeMemory(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="pid"):
    """Of the node: the margin that returns to its mean."""

    at: Instant
    margin_ppm: float


class LndmanageMemory(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="lndmanage"):
    """Of a peer: that its channels got their first price."""

    since: Instant


class DayValue(Struct, frozen=True, kw_only=True):
    """A figure of one UTC day, by its number since 1970."""

    day: int
    ppm: float


class BrlnMemory(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="brln"):
    """Of a channel: the smoothed seed, how long it has been short, and what its last raise did."""

    at: Instant
    days: list[DayValue] = []  # what others charged towards the peer, the last seven days
    seed_ppm: float | None = None
    low_rounds: int = 0
    raised_at: Instant | None = None
    forwards_before: int = 0  # that left in the seven days before the raise
    fee_rate_ppm: int | None = None  # in force at the last look
    forwards_7d: int = 0  # that had left by then


class FeeAdjusterMemory(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="fee_adjuster"):
    """Of a channel: what others charged towards the peer, the last thirty days."""

    days: list[DayValue] = []


class DailyMemory(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="daily"):
    """Of a channel: whether a payment ever left by it, as far as we know, and whether the rule switched it off."""

    has_forwarded: bool
    switched_off: bool = False


class PriceOffer(Struct, frozen=True, kw_only=True):
    """A price that stood (by its level), for how many days with balance to sell, and how many payments took it."""

    level: int
    days: float
    payments: float


class MarginalMemory(Struct, frozen=True, kw_only=True, tag_field="strategy", tag="marginal"):
    """Of a channel: what was learned of its demand. `at`: of the last lesson; `local_share`: what was ours then."""

    at: Instant
    local_share: float
    first_ppm: int | None = None  # our price at the first look
    offers: list[PriceOffer] = []  # a level once, lowest first; older days and payments count less


NodeMemory = PidNodeMemory
PeerMemory = ClbossMemory | PidMemory | LndmanageMemory
ChannelMemory = BrlnMemory | FeeAdjusterMemory | DailyMemory | MarginalMemory
AnyMemory = NodeMemory | PeerMemory | ChannelMemory

# By the strategy's tag.
NodeMemories = dict[str, NodeMemory]
PeerMemories = dict[str, PeerMemory]
ChannelMemories = dict[str, ChannelMemory]
