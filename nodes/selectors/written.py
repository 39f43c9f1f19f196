"""What actions of ours wrote, or may have written, lately."""

import datetime as dt
from collections import defaultdict
from collections.abc import Collection

from django.db.models import Q

from nodes.engine.guards.ceiling import measure_loss_msat
from nodes.engine.history import WrittenPolicy
from nodes.models.action import Action


def find_written(digests: Collection[bytes], *, since: dt.datetime) -> dict[bytes, list[WrittenPolicy]]:
    """By the digest of the channel, newest first: of actions that were handed over and not settled before `since`."""
    sent = Action.objects.filter(channel_digest__in=list(digests)).exclude(sent_at=None)
    lately = sent.filter(Q(settled_at=None) | Q(settled_at__gte=since)).select_related("decision")
    written: dict[bytes, list[WrittenPolicy]] = defaultdict(list)
    for action in lately.order_by("-sent_at"):
        effect = action.decision.outcome.effect if action.decision else None
        one = WrittenPolicy(
            policy=action.policy, expected_policy=action.expected_policy, expected_loss_msat=measure_loss_msat(effect)
        )
        written[bytes(action.channel_digest)].append(one)
    return written
