"""Whether a channel has the policy that was to be written, judged by what the node shows. Pure."""

import datetime as dt
from typing import Literal

from msgspec import Struct

from nodes.engine.report import ChannelPolicy

Terms = tuple[int, int, int, int, int, int, int]
CLOCK_LEEWAY = dt.timedelta(minutes=5)  # between the box's clock and ours


class Verdict(Struct, frozen=True):
    """Where an action goes from here, and why."""

    state: Literal["confirmed", "failed", "superseded", "expired"]
    reason: str


class Handed(Struct, frozen=True, kw_only=True):
    """What the box has. `policy`: what it says that the node made of `wanted`; `reported_at`: when it said it."""

    policy: ChannelPolicy
    wanted: ChannelPolicy
    expected_policy: ChannelPolicy
    sent_at: dt.datetime
    expires_at: dt.datetime
    reported_at: dt.datetime | None


def read_terms(policy: ChannelPolicy) -> Terms:
    """What is written: neither `last_update` nor `disabled`, which a node changes by itself when its peer is away."""
    return (
        policy.base_fee_msat,
        policy.fee_rate_ppm,
        policy.inbound_base_fee_msat,
        policy.inbound_fee_rate_ppm,
        policy.time_lock_delta,
        policy.min_htlc_msat,
        policy.max_htlc_msat,
    )


def has_same_terms(first: ChannelPolicy, second: ChannelPolicy) -> bool:
    return read_terms(first) == read_terms(second)


def is_in_force(wanted: ChannelPolicy, *, before: ChannelPolicy, present: ChannelPolicy) -> bool:
    """`disabled` counts where it was to be changed."""
    switches = wanted.disabled != before.disabled
    return has_same_terms(wanted, present) and (not switches or present.disabled == wanted.disabled)


def judge_open(
    policy: ChannelPolicy, *, expected: ChannelPolicy, present: ChannelPolicy | None, is_listed: bool
) -> Verdict | None:
    """An action nobody has yet, by a newer snapshot. None: it can still be written."""
    if not is_listed:
        return Verdict("superseded", "the node does not list the channel any more")
    if present is None or has_same_terms(expected, present):
        return None
    if is_in_force(policy, before=expected, present=present):
        return Verdict("superseded", "somebody else has written the same policy")
    return Verdict("superseded", "somebody else has changed the policy")


def judge_sent(
    handed: Handed, *, present: ChannelPolicy | None, is_listed: bool, taken_at: dt.datetime
) -> Verdict | None:
    """An action the box has, by a newer snapshot. None: it is not known yet.

    The node had another policy when we decided, so the wanted one in a newer snapshot is proof that it was written. A
    reading from before the box had it proves nothing, whenever it arrives. A channel may be missing for a while: it is
    gone when it stays away until the action's time is over.
    """
    if taken_at <= handed.sent_at:
        return None
    is_over = taken_at > handed.expires_at + CLOCK_LEEWAY
    if not is_listed:
        return Verdict("superseded", "the node does not list the channel any more") if is_over else None
    if present is None:
        return None
    if any(is_in_force(one, before=handed.expected_policy, present=present) for one in (handed.wanted, handed.policy)):
        return Verdict("confirmed", "the snapshot shows it in force")
    if not has_same_terms(handed.expected_policy, present):
        return Verdict("superseded", "the snapshot shows a policy that is neither ours nor the one before")
    if handed.reported_at is not None:
        is_late = taken_at > handed.reported_at + CLOCK_LEEWAY
        return Verdict("failed", "reported as written, but the node shows the policy from before") if is_late else None
    return Verdict("expired", "the box did not write it in time") if is_over else None
