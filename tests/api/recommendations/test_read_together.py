"""Advice that several read at once is kept once, announced once and the same for all."""

from functools import partial

from nodes.models.webhook import WebhookDelivery
from recommendations.models.advice import Recommendation
from tenants.context import enter_tenant
from tests.api.recommendations.test_recommendations import read, report
from tests.committed import committed_db, run_together
from tests.conftest import ApiClient
from tests.db.nodes.hooked import listening, set_up
from tests.factories import make_box
from tests.fakes.receiver import Receiver

__all__ = ["committed_db"]
READERS = 6


def test_those_who_read_at_once_get_the_same_advice_which_is_announced_once(committed_db: None) -> None:
    box, receiver = make_box("read by many"), Receiver()
    report(box, count=6)
    with listening(receiver) as [url]:
        with enter_tenant(box.tenant):
            set_up(receiver, url, "recommendation.created")
        answers = run_together([partial(read, ApiClient(), box, "?use_cache=false") for _ in range(READERS)])
        with enter_tenant(box.tenant):
            kept = {str(one) for one in Recommendation.objects.filter(gone_at=None).values_list("id", flat=True)}
            announced = WebhookDelivery.objects.count()
    told = [{one["id"] for one in answer["recommendations"]} for answer in answers if isinstance(answer, dict)]
    assert told == [kept] * READERS, answers
    assert kept
    assert announced == 1
