"""What was done in the last two months by the owner or by our actions, with what it brought."""

import datetime as dt
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from nodes.models.action import PROVEN_STATES, Action, ActionKind
from nodes.models.channel import Channel
from nodes.selectors.forward import load_forwards
from nodes.selectors.node import read_own_node
from recommendations.engine.advice import Estimate, Kind
from recommendations.engine.follow_up import MOST_DAYS, Deed, Followed, Known, follow
from recommendations.engine.params import Opening
from recommendations.models.advice import Feedback
from recommendations.selectors.advice import list_done

DAY = dt.timedelta(days=1)
LOOK_BACK = 60 * DAY
MAX_ACTIONS = 50
EARNING = {Kind.FEE_ADJUSTMENT, Kind.REBALANCE, Kind.OPEN_CHANNEL, Kind.LIQUIDITY, Kind.RELIABILITY, Kind.COST}


def list_follow_ups(now: dt.datetime) -> list[Followed]:
    """Newest first: actions a snapshot confirmed, and advice the owner said was done; what is both once."""
    node, since = read_own_node(), now - LOOK_BACK
    by_peer = _map_channels()
    actions = _list_confirmed(since)
    written = {action.id for action in actions}
    told = [row for row in list_done(since) if row.detail.advice.action_id not in written]
    deeds = [*_describe_actions(actions), *(_describe_told(row, by_peer) for row in told)]
    deeds.sort(key=lambda deed: (deed.at, deed.subject), reverse=True)
    if not deeds or node.last_taken_at is None:
        return []
    known = Known(node.history_since, node.last_taken_at)
    forwards = load_forwards(since=min(deed.at for deed in deeds) - MOST_DAYS * DAY, until=known.until)
    return [follow(deed, forwards, known=known) for deed in deeds]


def _list_confirmed(since: dt.datetime) -> list[Action]:
    rows = Action.objects.filter(state__in=PROVEN_STATES, kind=ActionKind.POLICY, sent_at__gte=since)
    rows = rows.select_related("decision").defer("decision__inputs").order_by("-sent_at", "id")
    return list(rows[:MAX_ACTIONS])


def _describe_actions(actions: Sequence[Action]) -> list[Deed]:
    """Newest first; each ends where the next of its channel begins."""
    next_at: dict[bytes, dt.datetime] = {}
    deeds = []
    for action in actions:
        effect = action.decision.outcome.effect if action.decision else None
        digest, at = bytes(action.channel_digest), action.sent_at or action.created_at
        expected = Estimate(why_none="no_income_yet")
        if effect is not None:
            expected = Estimate(low=effect.low_sat_per_day, mean=effect.sat_per_day, high=effect.high_sat_per_day)
        deeds.append(
            Deed(
                kind=Kind.FEE_ADJUSTMENT,
                subject=action.short_channel_id,
                at=at,
                expected=expected,
                scids=frozenset({action.short_channel_id}),
                action_id=action.id,
                until=next_at.get(digest),
            )
        )
        next_at[digest] = at
    return deeds


def _describe_told(row: Feedback, by_peer: dict[str, frozenset[str]]) -> Deed:
    advice = row.detail.advice
    is_earning = advice.kind in EARNING and advice.subject != "node"
    scids = frozenset({advice.subject}) if is_earning else frozenset()
    if isinstance(advice.params, Opening):
        scids = by_peer.get(advice.subject, frozenset())
    return Deed(
        kind=advice.kind,
        subject=advice.subject,
        at=row.given_at,
        expected=advice.estimated_impact,
        scids=scids,
        recommendation_id=UUID(str(row.recommendation_id)),
        action_id=advice.action_id,
    )


def _map_channels() -> dict[str, frozenset[str]]:
    """Short channel ids by peer, closed channels included."""
    by_peer: defaultdict[str, set[str]] = defaultdict(set)
    for row in Channel.objects.all():
        by_peer[row.state.peer_pubkey].add(row.state.short_channel_id)
    return {pubkey: frozenset(scids) for pubkey, scids in by_peer.items()}
