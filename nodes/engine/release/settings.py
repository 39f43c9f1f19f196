"""How a node's engine is let loose: the owner's settings, and the names of what they speak of."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

ModeName = Literal["shadow", "canary", "live", "paused"]
PromotionName = Literal["explicit", "rule"]
Percent = Annotated[int, Meta(ge=1, le=100)]
Days = Annotated[int, Meta(ge=1, le=90)]
WHOLE = 100


class StopRules(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What ends a step: each a threshold in percent, looked at over a window of whole days."""

    max_loss_percent: Percent = 15  # net revenue against the hold-out channels, in percent of the level before
    max_failed_percent: Percent = 25  # of the actions that came to an end
    max_manual_percent: Percent = 30  # of the channels in the canary, changed by the owner's own hand
    max_depleted_percent: Percent = 50  # of the channels in the canary, run dry since the step began
    window_days: Annotated[int, Meta(ge=3, le=90)] = 14
    confidence_percent: Annotated[int, Meta(ge=50, le=99)] = 95
    on_stop: Literal["step_back", "pause"] = "step_back"


class ReleaseSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the share of priced channels grows, and who is never priced."""

    steps: Annotated[tuple[Percent, ...], Meta(min_length=1, max_length=20)] = (10, 25, 50, 100)
    seed: Annotated[int, Meta(ge=0, le=2**53 - 1)] = 0
    hold_out_percent: Annotated[int, Meta(ge=0, le=50)] = 10
    stop_rules: StopRules = StopRules()
    promotion: PromotionName = "explicit"
    min_days_per_step: Days = 7

    def __post_init__(self) -> None:
        if any(later <= earlier for earlier, later in zip(self.steps, self.steps[1:], strict=False)):
            raise ValueError("steps: each must be larger than the one before")


class Groups(Struct, frozen=True, kw_only=True):
    """Peers by pubkey, in the order they came in. All channels with a peer are in its group; the others are in none."""

    canary: list[str] = []
    hold_out: list[str] = []
    share_percent: int = 0  # what they were dealt for
    hold_out_percent: int = 0

    def map_peers(self) -> dict[str, GroupName]:
        """By pubkey; whoever is not in it is in "rest"."""
        canary: dict[str, GroupName] = dict.fromkeys(self.canary, "canary")
        return canary | dict.fromkeys(self.hold_out, "hold_out")


GroupName = Literal["canary", "hold_out", "rest"]


class Rung(Struct, frozen=True):
    """A place on the ladder: shadow, a canary of some share, live."""

    mode: ModeName
    share_percent: int = 0
