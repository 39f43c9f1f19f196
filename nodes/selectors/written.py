"""What actions of ours wrote, or may have written, lately."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from django.db.models import Q

from nodes.engine.guards.ceiling import measure_loss_msat
from nodes.engine.history import WrittenPolicy
from nodes.engine.policy_change import Author, PolicyChange, make_change
from nodes.models.action import Action, ActionKind, ActionState

UNSEEN_AGO = dt.timedelta(seconds=1)  # two announcements are at least as far apart


def find_written(digests: Collection[bytes], *, since: dt.datetime) -> dict[bytes, list[WrittenPolicy]]:
    """By the digest of the channel, newest first: of actions that were handed over and not settled before `since`."""
    sent = Action.objects.filter(channel_digest__in=list(digests)).exclude(sent_at=None)
    lately = sent.filter(Q(settled_at=None) | Q(settled_at__gte=since)).select_related("decision")
    written: dict[bytes, list[WrittenPolicy]] = defaultdict(list)
    for action in lately.order_by("-sent_at"):
        one = WrittenPolicy(
            policy=action.written_policy,
            expected_policy=action.expected_policy,
            expected_loss_msat=_measure_loss(action),
            by=_name_author(action),
        )
        written[bytes(action.channel_digest)].append(one)
    return written


def find_unseen_changes(taken_at: dt.datetime) -> dict[bytes, PolicyChange]:
    """What was handed over and no snapshot has shown yet, as if it were written: by the digest of the channel."""
    sent = Action.objects.filter(state=ActionState.SENT).select_related("decision")
    return {
        bytes(action.channel_digest): make_change(
            action.expected_policy,
            action.written_policy,
            at=min(action.sent_at or taken_at, taken_at - UNSEEN_AGO),
            by=_name_author(action),
            expected_loss_msat=_measure_loss(action),
        )
        for action in sent
    }


def _name_author(action: Action) -> Author:
    return "rollback" if action.kind == ActionKind.ROLLBACK else "engine"


def _measure_loss(action: Action) -> int:
    return measure_loss_msat(action.decision.outcome.effect) if action.decision else 0
