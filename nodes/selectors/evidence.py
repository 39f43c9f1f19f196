"""What the window of a release showed, of the tenant we are in: the facts its stop rules are judged by."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Q

from nodes.engine.cycle import ChannelInput
from nodes.engine.release.revenue import Comparison, DayPair, compare_groups, sum_by_day
from nodes.engine.release.settings import Groups, StopRules
from nodes.engine.release.standing import Standing
from nodes.engine.release.stop import Evidence
from nodes.engine.report import ChannelState
from nodes.engine.trigger import DEPLETED_BELOW
from nodes.models.action import Action, ActionKind, ActionState
from nodes.models.channel import Channel, digest_channel
from nodes.models.snapshot import Snapshot
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node

DAY = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """What is looked at: since when, and how far the reports reach."""

    since: dt.datetime
    until: dt.datetime
    acting_since: dt.datetime

    def days_after(self) -> list[dt.date]:
        """Whole UTC days within it."""
        return _list_days(_round_up(self.since), self.until.date())

    def days_before(self, count: int, *, known_since: dt.datetime | None) -> list[dt.date]:
        """As many whole days before the release began, as far as all forwards are known."""
        end = self.acting_since.date()
        first = _round_up(known_since) if known_since else end
        return _list_days(max(first, end - count * DAY), end)


def open_window(standing: Standing, rules: StopRules, *, until: dt.datetime) -> Window | None:
    """The last days of the present step; None outside of a release."""
    if standing.since is None or standing.acting_since is None:
        return None
    earliest = dt.datetime.combine(until.date() - rules.window_days * DAY, dt.time(), dt.UTC)
    return Window(max(standing.since, earliest), until, standing.acting_since)


def compare_revenue(window: Window, groups: Groups, *, rules: StopRules) -> Comparison | None:
    """The canary against the hold-out. What rebalancing cost no report says yet, so nothing is taken off for it."""
    before = window.days_before(rules.window_days, known_since=read_own_node().history_since)
    names = _name_channels(groups, seen_before=window.acting_since)
    pairs = [_sum_days(days, names) for days in (before, window.days_after())]
    return compare_groups(pairs[0], pairs[1], confidence_percent=rules.confidence_percent)


def gather_evidence(
    window: Window, groups: Groups, *, inputs: Sequence[ChannelInput], revenue: Comparison | None
) -> Evidence:
    """`inputs`: of the run, whose channels know who changed their fees."""
    peers = set(groups.canary)
    canary = [given for given in inputs if given.channel.peer_pubkey in peers]
    digests = {digest_channel(given.channel.short_channel_id): given for given in canary}
    settled = Action.objects.filter(
        kind=ActionKind.POLICY, settled_at__gte=window.since, channel_digest__in=list(digests)
    )
    # What a stop before this step has taken back was handed over before it: that is not the owner's doing.
    refused = settled.filter(
        Q(state=ActionState.REJECTED) | Q(state=ActionState.ROLLED_BACK, sent_at__gte=window.since)
    )
    by_hand = {bytes(digest) for digest in refused.values_list("channel_digest", flat=True)}
    by_hand |= {digest for digest, given in digests.items() if _was_changed_by_owner(given, window)}
    written = (ActionState.CONFIRMED, ActionState.ROLLED_BACK)
    return Evidence(
        revenue=revenue,
        costs_known=False,
        confirmed=settled.filter(state__in=written).count(),
        failed=settled.filter(state=ActionState.FAILED).count(),
        channels=len(canary),
        changed_by_owner=len(by_hand),
        newly_depleted=_count_newly_depleted([given.channel for given in canary], window),
    )


def _was_changed_by_owner(given: ChannelInput, window: Window) -> bool:
    return any(change.by == "owner" and change.at >= window.since for change in given.changes)


def _count_newly_depleted(canary: Sequence[ChannelState], window: Window) -> int:
    """Against the first snapshot of the window."""
    first = Snapshot.objects.filter(taken_at__gte=window.since).order_by("seq").first()
    if first is None:
        return 0
    return len(_list_depleted(canary) - _list_depleted(first.content.channels))


def _list_depleted(channels: Sequence[ChannelState]) -> set[str]:
    return {one.short_channel_id for one in channels if one.local_balance_sat < DEPLETED_BELOW * one.capacity_sat}


def _name_channels(groups: Groups, *, seen_before: dt.datetime) -> dict[str, str]:
    """The group of each channel, closed ones included, that was there when the release began."""
    states = [row.state for row in Channel.objects.filter(first_seen_at__lt=seen_before)]
    peers = groups.map_peers()
    return {
        state.short_channel_id: peers[state.peer_pubkey]
        for state in states
        if state.peer_pubkey in peers and not state.private
    }


def _sum_days(days: Sequence[dt.date], names: dict[str, str]) -> list[DayPair]:
    if not days:
        return []
    since, until = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in (days[0], days[-1] + DAY))
    return sum_by_day(load_forwards(since=since, until=until), names, days=days)


def _round_up(moment: dt.datetime) -> dt.date:
    """The first whole UTC day from a moment on."""
    day = moment.astimezone(dt.UTC)
    return day.date() if day.time() == dt.time() else day.date() + DAY


def _list_days(first: dt.date, end: dt.date) -> list[dt.date]:
    return [first + number * DAY for number in range(max(0, (end - first).days))]
