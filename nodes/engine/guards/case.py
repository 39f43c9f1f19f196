"""What a guard looks at, and what it answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from nodes.engine.document import Limits
from nodes.engine.guards.settings import GuardSettings
from nodes.engine.policy_change import PolicyChange
from nodes.engine.report import ChannelPolicy

MIN_CHANGE_PPM = 5  # smaller changes are not worth a gossip message
LEAST_STEP_PPM = 1


class GuardCase(Struct, frozen=True, kw_only=True):
    """One channel at the moment of the snapshot. `changes`: oldest first, none after `now`."""

    now: dt.datetime
    present: ChannelPolicy
    limits: Limits  # those of this channel: the narrowest of every field
    settings: GuardSettings = GuardSettings()
    changes: tuple[PolicyChange, ...] | list[PolicyChange] = ()
    implementation: Literal["lnd", "cln"] = "lnd"
    wait_s: int = 0  # how long the strategy itself waits after a change
    is_step: bool = False  # the wish is one of many small steps

    @property
    def least_change_ppm(self) -> int:
        """The least change of a rate that is written: as the limits say, else 5 ppm, for a strategy of steps 1."""
        least = self.limits.min_change_ppm
        return (LEAST_STEP_PPM if self.is_step else MIN_CHANGE_PPM) if least is None else least


class Guarded(Struct, frozen=True, kw_only=True):
    """The policy that may be written; `held_by` and `why` name the guard that changed or stopped the wish."""

    policy: ChannelPolicy
    held_by: str | None = None
    why: str | None = None


# A guard looks at the policy to be written. None: no objection. It never answers with the policy it was given.
Guard = Callable[[ChannelPolicy, GuardCase], Guarded | None]


def stop(case: GuardCase, *, held_by: str, why: str) -> Guarded:
    """Nothing is written."""
    return Guarded(policy=case.present, held_by=held_by, why=why)


def tell_hours(seconds: float) -> str:
    """In the largest unit of which there is one, so that nothing reads as no time at all."""
    if seconds >= 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 60:.0f} min" if seconds >= 60 else f"{seconds:.0f} s"
