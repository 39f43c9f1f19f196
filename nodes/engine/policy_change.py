"""What became of a channel's own policy: its last changes, whoever made them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct
from msgspec.structs import astuple

from nodes.engine.report import MAX_MSAT, ChannelPolicy, FeeRatePpm, InboundFeeRatePpm, Instant

KEPT_CHANGES = 64
DAY = dt.timedelta(days=1)
NOT_OURS = {"disabled", "last_update"}  # the node sets both by itself

Author = Literal["engine", "owner", "rollback", "node", "unknown"]


class PolicyChange(Struct, frozen=True, kw_only=True):
    """One announcement of another policy. `at` is the announcement's own time where the node tells it.

    `by`: "engine" wrote it; "rollback" took back what it wrote; "owner" is anybody else who did; "node" switched the
    channel off or on by itself; "unknown" is the newest change before the first report, only its time is known.
    """

    at: Instant
    by: Author
    old_fee_rate_ppm: FeeRatePpm | None = None  # None: not known
    new_fee_rate_ppm: FeeRatePpm
    old_inbound_fee_rate_ppm: InboundFeeRatePpm | None = None
    new_inbound_fee_rate_ppm: InboundFeeRatePpm = 0
    expected_loss_msat: Annotated[int, Meta(ge=0, le=MAX_MSAT)] = 0  # a day, at the low end of the effect; 0: no data


def keep_change(changes: Sequence[PolicyChange], change: PolicyChange) -> list[PolicyChange]:
    """The changes with one more, oldest first, the last 64 of them."""
    return [*changes, change][-KEPT_CHANGES:]


def make_change(
    before: ChannelPolicy, after: ChannelPolicy, *, at: dt.datetime, by: Author, expected_loss_msat: int = 0
) -> PolicyChange:
    return PolicyChange(
        at=at,
        by=by,
        old_fee_rate_ppm=before.fee_rate_ppm,
        new_fee_rate_ppm=after.fee_rate_ppm,
        old_inbound_fee_rate_ppm=before.inbound_fee_rate_ppm,
        new_inbound_fee_rate_ppm=after.inbound_fee_rate_ppm,
        expected_loss_msat=expected_loss_msat,
    )


def list_differences(one: ChannelPolicy, other: ChannelPolicy) -> list[str]:
    """The fields that differ, without those the node sets by itself, in the order of the policy."""
    pairs = zip(one.__struct_fields__, astuple(one), astuple(other), strict=True)
    return [field for field, mine, theirs in pairs if mine != theirs and field not in NOT_OURS]


def list_since(changes: Iterable[PolicyChange], since: dt.datetime) -> list[PolicyChange]:
    """Those after `since`, in their order."""
    return [change for change in changes if change.at > since]
