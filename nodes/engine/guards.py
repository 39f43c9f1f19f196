"""The limits no decision may cross, applied to a strategy's wish in a fixed order.

Before the wish: a channel without a known policy, not active or private is kept out. After it, on the outbound fee
rate: the largest step, then the lowest and the highest rate (last, so that nothing outside them is ever written,
however far away the present fee is). On the whole change at the end: is it worth a gossip message, has the channel
rested long enough.
"""

import datetime as dt

from msgspec import Struct
from msgspec.structs import replace

from nodes.engine.report import ChannelPolicy, ChannelState
from nodes.engine.types import Limits
from nodes.engine.wish import Wish


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


UNKNOWN_POLICY = Bar(
    held_by="unknown_policy",
    reason="The node reported no policy of its own for this channel: with nothing to compare with, nothing changes.",
)
INACTIVE = Bar(held_by="inactive", reason="The channel is not active, so its fee stays as it is.")
PRIVATE = Bar(
    held_by="private", reason="The channel is private and forwards for nobody else, so its fee stays as it is."
)


def find_bar(channel: ChannelState) -> Bar | None:
    """Why this channel is kept out, if it is. A closed channel is not in a snapshot at all."""
    if channel.own_policy is None:
        return UNKNOWN_POLICY
    if not channel.active:
        return INACTIVE
    return PRIVATE if channel.private else None


def guard_wish(wish: Wish, present: ChannelPolicy, *, limits: Limits, rest: Rest) -> Guarded:
    """What of the wish may be written, in the whole policy: every field the wish does not name stays as it is.

    No wish is no change, even when the present fee lies outside the limits: they bind what we write.
    """
    if wish.fee_rate_ppm is None:
        return Guarded(policy=present)
    bounded = _bound_fee_rate(present, _write_wish(wish, present), limits=limits)
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
    wished = {
        "fee_rate_ppm": wish.fee_rate_ppm,
        "inbound_fee_rate_ppm": wish.inbound_fee_rate_ppm,
        "inbound_base_fee_msat": wish.inbound_base_fee_msat,
    }
    return replace(present, **{field: value for field, value in wished.items() if value is not None})


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
    """charge-lnd's rule: one rate moves far enough, the inbound base fee moves, or the inbound rate returns to 0."""
    outbound_ppm = abs(policy.fee_rate_ppm - present.fee_rate_ppm)
    inbound_ppm = abs(policy.inbound_fee_rate_ppm - present.inbound_fee_rate_ppm)
    return (
        outbound_ppm >= min_change_ppm
        or inbound_ppm >= min_change_ppm
        or policy.inbound_base_fee_msat != present.inbound_base_fee_msat
        or (policy.inbound_fee_rate_ppm == 0 and inbound_ppm > 0)
    )
