"""The declarative fee policy of one node: rules from top to bottom, the limits none of them may cross, tags.

The rules are charge-lnd's sections: one whose matchers all hold puts its values over those collected so far; one with
a strategy is final, one without lets the evaluation go on. Where no rule is final, the channel is left alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from mcp_saas.kit.text import PLAIN_TEXT, PLAIN_WORDS, Pubkey, spelled
from mcp_saas.kit.zone import find_zone
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.report import (
    BaseFeeMsat,
    FeeRatePpm,
    InboundBaseFeeMsat,
    InboundFeeRatePpm,
    Msat,
    Sat,
    Seconds,
    TimeLockDelta,
)
from nodes.engine.short_channel_id import ShortChannelId
from nodes.engine.stateful_strategies import StatefulStrategy
from nodes.engine.strategies import PlainStrategy, ProportionalStrategy, StaticStrategy, check_fee_range

Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
Ratio = Annotated[float, Meta(ge=0, le=1)]
Blocks = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]  # an overdue HTLC expired before now
StepPpm = Annotated[int, Meta(ge=1, le=1_000_000)]
LeastChange = Annotated[int, Meta(ge=-1, le=1_000_000)]
SignedPpm = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Ppm32 = Annotated[int, Meta(ge=0, le=2**32 - 1)]  # strangers may announce any u32
RuleName = Annotated[str, spelled(PLAIN_TEXT, PLAIN_WORDS, min_length=1, max_length=128)]
Tag = Annotated[str, spelled(r"[A-Za-z0-9_.-]+", "letters, digits, - _ and .", min_length=1, max_length=64)]
Member = Annotated[
    str,
    spelled(
        r"(0[23][0-9a-f]{64}|[0-9]{1,8}x[0-9]{1,8}x[0-9]{1,5})",
        "the public key of a peer, or a short channel id",
        max_length=66,
    ),
]
Members = Annotated[list[Member], Meta(max_length=20_000)]
Period = Annotated[int, Meta(ge=1, le=3_660 * 86_400)]
MAX_NESTING = 5
ClockTime = Annotated[str, spelled(r"([01][0-9]|2[0-3]):[0-5][0-9]", "a time of day as HH:MM", max_length=5)]


class Activity(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a channel forwarded in the `period_s` before the snapshot. Does not match a channel younger than that."""

    period_s: Period
    ignore_age: bool = False
    min_htlcs_in: Count | None = None
    max_htlcs_in: Count | None = None
    min_htlcs_out: Count | None = None
    max_htlcs_out: Count | None = None
    min_sat_in: Sat | None = None
    max_sat_in: Sat | None = None
    min_sat_out: Sat | None = None
    max_sat_out: Sat | None = None
    min_htlcs_ratio: Ratio | None = None  # of those that came in; without a forward there is no ratio and no match
    max_htlcs_ratio: Ratio | None = None
    min_sat_ratio: Ratio | None = None
    max_sat_ratio: Ratio | None = None


class PeerMatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The node on the other side, and all our channels with it together (`shared`)."""

    pubkeys: Annotated[list[Pubkey], Meta(max_length=20_000)] | None = None
    min_channels: Count | None = None
    max_channels: Count | None = None
    min_capacity_sat: Sat | None = None
    max_capacity_sat: Sat | None = None
    min_shared_channels_active: Count | None = None
    max_shared_channels_active: Count | None = None
    min_shared_channels_inactive: Count | None = None
    max_shared_channels_inactive: Count | None = None
    min_shared_capacity_active_sat: Sat | None = None
    max_shared_capacity_active_sat: Sat | None = None
    min_shared_capacity_inactive_sat: Sat | None = None
    max_shared_capacity_inactive_sat: Sat | None = None
    min_shared_ratio: Ratio | None = None
    max_shared_ratio: Ratio | None = None
    min_shared_ratio_active: Ratio | None = None
    max_shared_ratio_active: Ratio | None = None
    min_shared_ratio_inactive: Ratio | None = None
    max_shared_ratio_inactive: Ratio | None = None


class OnchainMatch(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a place in the next blocks costs, and whether the node sees them."""

    conf_target: Annotated[int, Meta(ge=1, le=1_008)] = 6
    min_sat_per_vbyte: Annotated[float, Meta(ge=0)] | None = None
    max_sat_per_vbyte: Annotated[float, Meta(ge=0)] | None = None
    synced_to_chain: bool | None = None


class Match(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that is given must hold; bounds are inclusive. What is not known matches no bound."""

    channels: Annotated[list[ShortChannelId], Meta(max_length=20_000)] | None = None
    tags: Annotated[list[Tag], Meta(max_length=100)] | None = None  # any of them
    initiator: bool | None = None
    private: bool | None = None
    active: bool | None = None
    min_ratio: Ratio | None = None  # our share of the balances
    max_ratio: Ratio | None = None
    min_capacity_sat: Sat | None = None
    max_capacity_sat: Sat | None = None
    min_local_sat: Sat | None = None
    max_local_sat: Sat | None = None
    min_remote_sat: Sat | None = None
    max_remote_sat: Sat | None = None
    min_age_blocks: Blocks | None = None
    max_age_blocks: Blocks | None = None
    min_peer_base_fee_msat: BaseFeeMsat | None = None  # of the peer's own policy
    max_peer_base_fee_msat: BaseFeeMsat | None = None
    min_peer_fee_rate_ppm: Ppm32 | None = None
    max_peer_fee_rate_ppm: Ppm32 | None = None
    peer_disabled: bool | None = None
    min_pending_htlcs: Count | None = None
    max_pending_htlcs: Count | None = None
    min_next_expiry_blocks: Blocks | None = None  # until the first pending HTLC expires
    max_next_expiry_blocks: Blocks | None = None
    activity: Activity | None = None
    peer: PeerMatch | None = None
    onchain: OnchainMatch | None = None


class Values(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a rule sets, itself or for the final rule after it. Null: as collected before, else as it is."""

    base_fee_msat: BaseFeeMsat | None = None
    fee_rate_ppm: FeeRatePpm | None = None
    inbound_base_fee_msat: InboundBaseFeeMsat | None = None
    inbound_fee_rate_ppm: InboundFeeRatePpm | None = None
    inbound_level_ppm: SignedPpm | None = None  # inbound rate = min(0, level - outbound rate)
    time_lock_delta: TimeLockDelta | None = None
    min_htlc_msat: Msat | None = None
    max_htlc_msat: Msat | None = None
    max_htlc_ratio: Ratio | None = None  # of the capacity less the reserve the peer asks for
    min_change_ppm: LeastChange | None = None  # -1: the strategy's own, whatever was collected before
    min_inbound_change_ppm: FeeRatePpm | None = None
    min_fee_rate_ppm: FeeRatePpm | None = None  # from here on: parameters of strategies
    max_fee_rate_ppm: FeeRatePpm | None = None
    sum_peer_channels: bool | None = None
    cost_factor: Annotated[float, Meta(ge=0)] | None = None
    onchain_fee_btc: Annotated[float, Meta(gt=0)] | None = None
    onchain_conf_target: Annotated[int, Meta(ge=1, le=1_008)] | None = None


class Slot(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Some hours of some days. `until` at or before `since` is on the next day; the weekday is that it begins on."""

    weekdays: Annotated[list[Annotated[int, Meta(ge=0, le=6)]], Meta(max_length=7)] | None = None  # 0: Monday
    since: ClockTime = "00:00"
    until: ClockTime = "00:00"
    values: Values = Values()  # over those of the rule
    factor: Annotated[float, Meta(ge=0, le=100)] | None = None  # of the outbound rate the strategy wishes


class TimeOfDayStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="time_of_day"
):
    """Another strategy, whose values or wished rate change by the clock. The first slot that holds speaks."""

    time_zone: Annotated[str, Meta(min_length=1, max_length=64)] = "UTC"
    slots: Annotated[list[Slot], Meta(max_length=50)]
    inner: PlainStrategy | StatefulStrategy = StaticStrategy()

    def __post_init__(self) -> None:
        try:
            find_zone(self.time_zone)
        except ValueError:
            raise ValueError("time_zone: there is no time zone of this name, write one as Europe/Paris") from None


class UseConfigStrategy(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="strategy", tag="use_config"
):
    """charge-lnd's `use_config`: rules of their own, which collect their own values, decide on the channel."""

    name: Annotated[str, spelled(PLAIN_TEXT, PLAIN_WORDS, max_length=512)]
    rules: Annotated[list[Rule], Meta(max_length=200)]

    def __post_init__(self) -> None:
        if _measure_depth(self) > MAX_NESTING:
            raise ValueError(f"rules: configurations lie in each other more than {MAX_NESTING} deep")


def _measure_depth(config: UseConfigStrategy) -> int:
    inner = [rule.strategy for rule in config.rules if isinstance(rule.strategy, UseConfigStrategy)]
    return 1 + max((_measure_depth(strategy) for strategy in inner), default=0)


Strategy = PlainStrategy | StatefulStrategy | TimeOfDayStrategy | UseConfigStrategy


class Rule(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    name: RuleName
    match: Match = Match()
    strategy: Strategy | None = None
    values: Values = Values()


def check_base_fee_range(min_base_fee_msat: int | None, max_base_fee_msat: int | None) -> None:
    """Raises ValueError for a lowest base fee above the highest."""
    if min_base_fee_msat is not None and max_base_fee_msat is not None and min_base_fee_msat > max_base_fee_msat:
        raise ValueError(f"min_base_fee_msat: must not be above max_base_fee_msat {max_base_fee_msat}")


class LimitOverride(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Narrower limits for some channels. Null: as the wider ones say."""

    min_fee_rate_ppm: FeeRatePpm | None = None
    max_fee_rate_ppm: FeeRatePpm | None = None
    min_change_ppm: FeeRatePpm | None = None
    max_step_ppm: StepPpm | None = None
    cooldown_s: Seconds | None = None
    smoothing: Annotated[float, Meta(gt=0, le=1)] | None = None
    min_base_fee_msat: BaseFeeMsat | None = None
    max_base_fee_msat: BaseFeeMsat | None = None

    def __post_init__(self) -> None:
        check_fee_range(self.min_fee_rate_ppm, self.max_fee_rate_ppm)
        check_base_fee_range(self.min_base_fee_msat, self.max_base_fee_msat)


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What no decision may cross."""

    min_fee_rate_ppm: FeeRatePpm = 0
    max_fee_rate_ppm: FeeRatePpm = 5_000
    min_change_ppm: FeeRatePpm | None = None  # null: 5, and 1 for daily, flow and marginal, which go in small steps
    max_step_ppm: StepPpm | None = None  # one below the least change is raised to it
    cooldown_s: Seconds = 0
    smoothing: Annotated[float, Meta(gt=0, le=1)] | None = None  # share of the way to the wish a run goes
    min_base_fee_msat: BaseFeeMsat | None = None
    max_base_fee_msat: BaseFeeMsat | None = None

    def __post_init__(self) -> None:
        check_fee_range(self.min_fee_rate_ppm, self.max_fee_rate_ppm)
        check_base_fee_range(self.min_base_fee_msat, self.max_base_fee_msat)


class LimitTable(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Field by field the narrowest speaks: channel before peer before tags (the stricter of several) before node."""

    node: Limits = Limits()
    tags: Annotated[dict[Tag, LimitOverride], Meta(max_length=200)] = {}
    peers: Annotated[dict[Pubkey, LimitOverride], Meta(max_length=20_000)] = {}
    channels: Annotated[dict[ShortChannelId, LimitOverride], Meta(max_length=20_000)] = {}


class Bars(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Channels that are not priced at all. docs/guards.md names those that always are kept out."""

    unsynced: bool = True  # all channels of a node that has not caught up with the chain
    private: bool = True
    unannounced: bool = True  # public, but less than six blocks deep, or not in the chain yet
    inactive: bool = True
    empty: bool = True  # neither side holds a balance


DEFAULT_RULE = Rule(name="default", strategy=ProportionalStrategy(min_fee_rate_ppm=50, max_fee_rate_ppm=1_000))


class FeePolicy(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rules, limits and tags of one node. What is left out has the default of a node without a document."""

    schema_version: Literal[1] = 1
    rules: Annotated[list[Rule], Meta(max_length=200)] = field(default_factory=lambda: [DEFAULT_RULE])
    limits: LimitTable = LimitTable()
    tags: Annotated[dict[Tag, Members], Meta(max_length=200)] = {}  # also groups: channels, or peers with all of theirs
    bars: Bars = Bars()
    switches_on: bool = False  # charge-lnd: a rule that prices a channel switches it on; else that is left to the owner
    guards: GuardSettings = GuardSettings()

    def __post_init__(self) -> None:
        names: set[str] = set()
        for number, rule in enumerate(self.rules):
            if rule.name in names:
                raise ValueError(
                    f"rules/{number}/name: another rule has this name, so nobody could tell which one spoke"
                )
            names.add(rule.name)
            for tag in rule.match.tags or ():
                if tag not in self.tags:
                    raise ValueError(f"rules/{number}/match/tags: {tag!r} is not among the document's tags")
        for tag in self.limits.tags:
            if tag not in self.tags:
                raise ValueError(f"limits/tags: {tag!r} is not among the document's tags")
