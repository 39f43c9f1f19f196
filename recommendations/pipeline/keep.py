"""What stands now is written down: whoever has read an advice can speak of it by its id."""

import datetime as dt
from collections.abc import Sequence

from django.db import transaction

from nodes.engine.webhook.event import MAX_NAMED, RecommendationFacts
from nodes.pipeline.webhook.outbox import announce
from recommendations.engine.advice import Advice
from recommendations.models.advice import Recommendation


@transaction.atomic
def keep_standing(advice: Sequence[Advice], *, now: dt.datetime) -> None:
    """What is new or says something else is written, what no longer stands is noted as gone. What is
    new is announced.

    Two at once write the same: the later one stands.
    """
    known = {row.id: row for row in Recommendation.objects.filter(gone_at=None)}
    changed = [one for one in advice if one.id not in known or known[one.id].advice != one]
    rows = [
        Recommendation(id=one.id, kind=one.kind, since=known[one.id].since if one.id in known else now, advice=one)
        for one in changed
    ]
    if rows:
        Recommendation.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["id"], update_fields=["since", "gone_at", "advice"]
        )
    new = [one.id for one in changed if one.id not in known]
    if new:
        announce(
            "recommendation.created", RecommendationFacts(count=len(new), recommendation_ids=tuple(new[:MAX_NAMED]))
        )
    gone = known.keys() - {one.id for one in advice}
    if gone:
        Recommendation.objects.filter(id__in=gone).update(gone_at=now)
