"""What stands now is written down: whoever has read an advice can speak of it by its id."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence

from django.db import transaction

from mcp_saas.api.lock import lock_name
from nodes.engine.webhook.event import MAX_NAMED, RecommendationFacts
from nodes.pipeline.journal import note
from nodes.pipeline.webhook.outbox import announce
from nodes.selectors.notice import read_notifications
from recommendations.engine.advice import Advice
from recommendations.engine.words.digest import tell_kinds
from recommendations.models.advice import Recommendation


@transaction.atomic
def keep_standing(advice: Sequence[Advice], *, now: dt.datetime) -> None:
    """What is new or says something else is written, what no longer stands is noted as gone. What is new is announced.

    Two at once write one after the other: only the first has anything new to announce.
    """
    lock_name("recommendations")
    known = {row.id: row for row in Recommendation.objects.filter(gone_at=None)}
    changed = [one for one in advice if one.id not in known or known[one.id].advice != one]
    rows = [
        Recommendation(id=one.id, kind=one.kind, since=known[one.id].since if one.id in known else now, advice=one)
        for one in sorted(changed, key=lambda one: one.id)
    ]
    if rows:
        Recommendation.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=["since", "gone_at", "advice"]
        )
    _announce([one for one in changed if one.id not in known])
    gone = known.keys() - {one.id for one in advice}
    if gone:
        Recommendation.objects.filter(id__in=gone).update(gone_at=now)


def _announce(new: Sequence[Advice]) -> None:
    """To webhooks; and in the journal where its owner wants to be told of it by message."""
    if not new:
        return
    ids = tuple(one.id for one in new[:MAX_NAMED])
    announce("recommendation.created", RecommendationFacts(count=len(new), recommendation_ids=ids))
    if "advice" in read_notifications().settings.events:
        kinds = Counter(one.kind for one in new)
        note("advice", f"New advice: {tell_kinds(kinds, 'en')}", kinds_fr=tell_kinds(kinds, "fr"), count=len(new))
