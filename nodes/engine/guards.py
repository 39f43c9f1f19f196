"""The limits no decision may cross, applied to a strategy's wish in a fixed order.

Before the wish: a channel without a known policy, not active or private is kept out. After it, on the outbound fee
rate: the largest step, then the lowest and the highest rate (last, so that nothing outside them is ever written,
however far away the present fee is). On the whole change at the end: is it worth a gossip message, has the channel
rested long enough.
"""

import datetime as dt

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.document import Bars, Limits
from nodes.engine.report import ChannelPolicy, ChannelState
from nodes.engine.wish import POLICY_FIELDS, Wish


class Bar(Struct, frozen=True, kw_only=True):
    """Why a channel is not priced at all."""

    held_by: str
    reason: str


class Guarded(Struct, frozen=True, kw_only=True):
    """The policy that may be written; `held_by` and `why` name the guard that changed or stopped the wish."""

    policy: ChannelPolicy
    held_by: str | None = None
    why: str | None = None


class Rest(Struct, frozen=True, kw_only=True):
    """How long a channel has been left alone since its last change, and how long it has to be."""

    now: dt.datetime
    last_change_at: dt.datetime | None
    needed_s: int

    @property
    def rested_s(self) -> float | None:
        """None: never changed."""
        return None if self.last_change_at is None else (self.now - self.last_change_at).total_seconds()


FIXED_FIELDS = [name for name in POLICY_FIELDS if name not in {"fee_rate_ppm", "inbound_fee_rate_ppm"}]
UNKNOWN_POLICY = Bar(
    held_by="unknown_policy",
    reason="The node reported no policy of its own for this channel: with nothing to compare with, nothing changes.",
)
INACTIVE = Bar(held_by="inactive", reason="The channel is not active, so its fee stays as it is.")
PRIVATE = Bar(
    held_by="private", reason="The channel is private and forwards for nobody else, so its fee stays as it is."
)


def find_bar(channel: ChannelState, bars: Bars) -> Bar | None:
    """Why this channel is kept out, if it is. A closed channel is not in a snapshot at all."""
    if channel.own_policy is None:
        return UNKNOWN_POLICY
    if bars.inactive and not channel.active:
        return INACTIVE
    return PRIVATE if bars.private and channel.private else None


def guard_wish(wish: Wish, present: ChannelPolicy, *, limits: Limits, rest: Rest) -> Guarded:
    """What of the wish may be written, in the whole policy: every field the wish does not name stays as it is.

    No wish is no change, even when the present fee lies outside the limits: they bind what we write.
    """
    wished = _write_wish(wish, present)
    if wished == present:
        return Guarded(policy=present)
    bounded = (
        _bound_fee_rate(present, wished, limits=limits) if wish.fee_rate_ppm is not None else Guarded(policy=wished)
    )
    if bounded.policy == present:
        return bounded
    if not _is_worth_writing(present, bounded.policy, min_change_ppm=limits.min_change_ppm):
        why = f"a change below {limits.min_change_ppm} ppm is not worth a gossip message"
        return Guarded(policy=present, held_by="min_change_ppm", why=why)
    if rest.rested_s is not None and rest.rested_s < rest.needed_s:
        why = f"it was changed {rest.rested_s / 3600:.1f} h ago and rests for {rest.needed_s / 3600:.1f} h"
        return Guarded(policy=present, held_by="cooldown_s", why=why)
    return bounded


def _write_wish(wish: Wish, present: ChannelPolicy) -> ChannelPolicy:
    return replace(present, **{name: value for name in POLICY_FIELDS if (value := getattr(wish, name)) is not None})


def _bound_fee_rate(present: ChannelPolicy, wished: ChannelPolicy, *, limits: Limits) -> Guarded:
    guarded = Guarded(policy=wished)
    if limits.max_step_ppm is not None:
        lowest, highest = present.fee_rate_ppm - limits.max_step_ppm, present.fee_rate_ppm + limits.max_step_ppm
        stepped_ppm = min(max(wished.fee_rate_ppm, lowest), highest)
        guarded = _hold(
            guarded, stepped_ppm, held_by="max_step_ppm", why=f"one step is at most {limits.max_step_ppm} ppm"
        )
    floor_ppm = max(guarded.policy.fee_rate_ppm, limits.min_fee_rate_ppm)
    guarded = _hold(guarded, floor_ppm, held_by="min_fee_rate_ppm", why=f"the lowest is {limits.min_fee_rate_ppm} ppm")
    ceiling_ppm = min(guarded.policy.fee_rate_ppm, limits.max_fee_rate_ppm)
    guarded = _hold(
        guarded, ceiling_ppm, held_by="max_fee_rate_ppm", why=f"the highest is {limits.max_fee_rate_ppm} ppm"
    )
    return Guarded(policy=wished) if guarded.policy == wished else guarded


def _hold(guarded: Guarded, fee_rate_ppm: int, *, held_by: str, why: str) -> Guarded:
    if fee_rate_ppm == guarded.policy.fee_rate_ppm:
        return guarded
    return Guarded(policy=replace(guarded.policy, fee_rate_ppm=fee_rate_ppm), held_by=held_by, why=why)


def _is_worth_writing(present: ChannelPolicy, policy: ChannelPolicy, *, min_change_ppm: int) -> bool:
    """charge-lnd's rule: one rate moves far enough, the inbound rate returns to 0, or anything but the rates moves."""
    outbound_ppm = abs(policy.fee_rate_ppm - present.fee_rate_ppm)
    inbound_ppm = abs(policy.inbound_fee_rate_ppm - present.inbound_fee_rate_ppm)
    return (
        outbound_ppm >= min_change_ppm
        or inbound_ppm >= min_change_ppm
        or any(getattr(policy, name) != getattr(present, name) for name in FIXED_FIELDS)
        or (policy.inbound_fee_rate_ppm == 0 and inbound_ppm > 0)
    )
