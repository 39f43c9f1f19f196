"""What a recommendation is made of. Frozen msgspec structs: what is kept, cached and told is one value.

Words are made last, from `Advice.params`, by `recommendations.engine.words.tell.tell`: a value knows no language.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct
from msgspec.structs import replace

from recommendations.engine.params import Params

NODE = "node"  # the subject of what is not about one channel or peer

Language = Literal["en", "fr"]
Level = Literal["beginner", "intermediate", "expert"]
Share = Annotated[float, Meta(ge=0, le=1)]


class Kind(StrEnum):
    FEE_ADJUSTMENT = "fee_adjustment"
    REBALANCE = "rebalance"
    OPEN_CHANNEL = "open_channel"
    CLOSE_CHANNEL = "close_channel"
    LIQUIDITY = "liquidity"
    RELIABILITY = "reliability"
    COST = "cost"
    BACKUP = "backup"


class Category(StrEnum):
    REVENUE = "revenue"
    CONNECTIVITY = "connectivity"
    LIQUIDITY = "liquidity"
    RELIABILITY = "reliability"
    COST = "cost"


class Priority(StrEnum):
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


def cut_sat(sat: float | None) -> float | None:
    """To the millisat; no zero with a sign."""
    return None if sat is None else round(sat, 3) + 0.0


class Estimate(Struct, frozen=True, kw_only=True):
    """What following the advice is expected to bring, in sat a day, before `Advice.cost_sat` is paid.

    What is not known is None; where `mean` is, `why_none` is the key of the reason in `words`. `lasts_days`: for how
    long; None: as long as things stay as they are. In an advice to the millisat, the least there is.
    """

    low: float | None = None
    mean: float | None = None
    high: float | None = None
    unit: Literal["sat_per_day"] = "sat_per_day"
    lasts_days: float | None = None
    why_none: str | None = None

    def cut(self) -> Estimate:
        """To millisats a day: what is finer says nothing."""
        return replace(self, low=cut_sat(self.low), mean=cut_sat(self.mean), high=cut_sat(self.high))


class Evidence(Struct, frozen=True, kw_only=True):
    """What it stands on: a figure of the own node by its reference, or a passage word for word."""

    kind: Literal["metric", "document"]
    ref: str  # `decision:123`, `channel:800000x1x0/local_balance_sat`, `forwards:30d`, or a passage's chunk id
    value: int | float | str | None = None
    quote: str | None = None


class Ground(Struct, frozen=True, kw_only=True):
    """One reason for trusting the data or not. `measured`: in the unit its name says; None: it is not known."""

    name: Literal["history_days", "forwards", "snapshot_age_hours", "fee_ratio"]
    share: Share
    measured: float | None


class Confidence(Struct, frozen=True, kw_only=True):
    """How good the data is, 0..1: as good as its weakest ground. It is no probability of success."""

    value: Share
    grounds: tuple[Ground, ...]


class Advice(Struct, frozen=True, kw_only=True):
    """One thing worth doing. `id` stays while the advice stands; `key` says what is one and the same advice."""

    id: UUID
    key: str
    kind: Kind
    category: Category
    subject: str  # a short_channel_id, a pubkey, or NODE
    params: Params
    estimated_impact: Estimate
    cost_sat: int | None  # once; None: not known
    effort: int  # minutes of the owner
    confidence: Confidence
    evidence: tuple[Evidence, ...]
    command: str | None  # the exact line of lncli or lightning-cli; None: there is none
    action_id: UUID | None = None  # of the engine's planned action that does it
    priority: Priority = Priority.LOW


class Told(Struct, frozen=True, kw_only=True):
    """An advice in one language, for somebody of one level: what to do, why, and step by step."""

    action: str
    reason: str
    impact: str  # the estimate in words, "no data" with its reason included
    steps: tuple[str, ...]


class LeftOut(Struct, frozen=True, kw_only=True):
    """Advice that was not given. `reason` is a key of `words`."""

    kind: Kind
    reason: str
    count: int
