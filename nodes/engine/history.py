"""From two reports of a channel's policy to its history of changes. Pure; pipeline, simulator and backtest share it."""

import datetime as dt
from collections.abc import Iterable, Sequence

from msgspec import Struct

from nodes.engine.in_force import has_same_terms
from nodes.engine.policy_change import Author, PolicyChange, keep_change, make_change
from nodes.engine.report import ChannelPolicy


class WrittenPolicy(Struct, frozen=True, kw_only=True):
    """What an action of ours wrote, or may have written, to a channel since the report before."""

    policy: ChannelPolicy
    expected_policy: ChannelPolicy
    expected_loss_msat: int = 0  # a day; 0: none, or no data
    by: Author = "engine"  # or "rollback"


def begin_history(policy: ChannelPolicy | None, *, seen_at: dt.datetime) -> list[PolicyChange]:
    """Of a channel seen for the first time: when it was changed last is all that is known."""
    if policy is None or not policy.last_update:
        return []
    at = min(dt.datetime.fromtimestamp(policy.last_update, dt.UTC), seen_at)
    return [
        PolicyChange(
            at=at,
            by="unknown",
            new_fee_rate_ppm=policy.fee_rate_ppm,
            new_inbound_fee_rate_ppm=policy.inbound_fee_rate_ppm,
        )
    ]


def extend_history(
    changes: Sequence[PolicyChange],
    before: ChannelPolicy,
    *,
    after: ChannelPolicy,
    between: tuple[dt.datetime, dt.datetime],
    written: Iterable[WrittenPolicy] = (),
) -> list[PolicyChange]:
    """The changes with the one from `before` to `after`, if there is one. `between`: when either was read.

    A new timestamp alone is an announcement as well: it uses up gossip. Of several changes between two reports one is
    seen.
    """
    if before == after:
        return list(changes)
    by, loss_msat = _find_author(before, after, written=written)
    at = _find_moment(after, between)
    return keep_change(changes, make_change(before, after, at=at, by=by, expected_loss_msat=loss_msat))


def _find_author(
    before: ChannelPolicy, after: ChannelPolicy, *, written: Iterable[WrittenPolicy]
) -> tuple[Author, int]:
    is_same = has_same_terms(before, after)
    for action in written:
        switches = action.policy.disabled != action.expected_policy.disabled
        is_switched = switches and action.policy.disabled == after.disabled != before.disabled
        if has_same_terms(action.policy, after) and (is_switched or not is_same):
            return action.by, action.expected_loss_msat
    return ("node" if is_same else "owner"), 0


def _find_moment(after: ChannelPolicy, between: tuple[dt.datetime, dt.datetime]) -> dt.datetime:
    """By the announcement's own time, as far as it lies between the two reports."""
    earliest, latest = between
    if after.last_update is None:
        return latest
    return min(max(dt.datetime.fromtimestamp(after.last_update, dt.UTC), earliest), latest)
