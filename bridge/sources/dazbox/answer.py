"""What the tools of a node answer: of what the API says, the part a model can use. Fields are the API's own."""

from typing import Any

from msgspec import Struct


class Policy(Struct, frozen=True, kw_only=True):
    fee_rate_ppm: int
    base_fee_msat: int
    inbound_fee_rate_ppm: int = 0
    inbound_base_fee_msat: int = 0
    time_lock_delta: int
    min_htlc_msat: int
    max_htlc_msat: int
    disabled: bool = False


class ChannelState(Struct, frozen=True, kw_only=True):
    peer_pubkey: str
    peer_alias: str | None
    capacity_sat: int
    local_balance_sat: int
    remote_balance_sat: int
    active: bool
    private: bool
    own_policy: Policy | None


class Score(Struct, frozen=True, kw_only=True):
    value: float | None


class Effect(Struct, frozen=True, kw_only=True):
    """Expected change of fee income in sat a day, with its interval."""

    sat_per_day: float
    low_sat_per_day: float
    high_sat_per_day: float
    basis: str


class DecidedAction(Struct, frozen=True, kw_only=True):
    id: str
    state: str


class Decision(Struct, frozen=True, kw_only=True):
    """`held_by`: the guard or limit that changed or stopped what the strategy wished."""

    decided_at: str
    mode: str
    direction: str
    old_fee_rate_ppm: int | None
    new_fee_rate_ppm: int | None
    why: str
    section: str | None
    rule: str
    held_by: str | None
    action: DecidedAction | None
    effect: Effect | None


class Channel(Struct, frozen=True, kw_only=True):
    short_channel_id: str
    closed_at: str | None
    state: ChannelState
    score: Score | None
    decision: Decision | None


class Channels(Struct, frozen=True, kw_only=True):
    items: list[Channel]
    next_cursor: str | None


class FeeExplained(Struct, frozen=True, kw_only=True):
    """The channel, its present policy, and the newest decisions on it, newest first."""

    channel: Channel
    decisions: list[Decision]


class Decisions(Struct, frozen=True, kw_only=True):
    items: list[Decision]


class Card(Struct, frozen=True, kw_only=True):
    alias: str | None
    implementation: str | None = None
    version: str | None = None
    synced_to_chain: bool | None = None


class NodeInfoAnswer(Struct, frozen=True, kw_only=True):
    """Null where there is no data."""

    pubkey: str
    node_info: Card
    metrics: dict[str, int | float | None]  # a count stays a whole number
    network_position: dict[str, Any] | None
    source: str
    as_of: str | None
    degraded: list[str]


class Estimate(Struct, frozen=True, kw_only=True):
    low: float | None = None
    mean: float | None = None
    high: float | None = None
    unit: str | None = None
    why_none: str | None = None


class Recommendation(Struct, frozen=True, kw_only=True):
    id: str
    type: str
    category: str
    subject: str
    action: str
    reason: str
    impact: str
    steps: list[str]
    priority: str
    estimated_impact: Estimate
    cost_sat: int | None
    confidence: float
    command: str | None
    action_id: str | None


class RecommendationsAnswer(Struct, frozen=True, kw_only=True):
    recommendations: list[Recommendation]
    total_count: int
    degraded: list[str]
    as_of: str | None


class AskAnswer(Struct, frozen=True, kw_only=True):
    """`grounded`: every sentence stands on a citation. `would_help`: what is missing for an answer."""

    answer: str
    citations: list[dict[str, Any]]
    grounded: bool
    mode: str | None
    language: str | None
    degraded: list[str]
    would_help: list[str]


class PreviewItem(Struct, frozen=True, kw_only=True):
    short_channel_id: str
    direction: str
    old_fee_rate_ppm: int | None
    new_fee_rate_ppm: int | None
    why: str
    section: str | None
    held_by: str | None
    effect: Effect | None


class PreviewAnswer(Struct, frozen=True, kw_only=True):
    snapshot_seq: int | None
    summary: dict[str, Any] | None
    items: list[PreviewItem]


class ActionAnswer(Struct, frozen=True, kw_only=True):
    """A planned action: nothing is written before it is approved."""

    id: str
    kind: str
    channel: str
    state: str
    policy: Policy
    expected_policy: Policy
    expires_at: str
    why: str


class OwnNode(Struct, frozen=True, kw_only=True):
    pubkey: str


class Fault(Struct, frozen=True, kw_only=True):
    """RFC 9457, as the API tells what is wrong and what to do."""

    title: str
    status: int
    detail: str
    errors: list[dict[str, Any]] = []
