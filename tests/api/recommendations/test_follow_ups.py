"""What was done is followed: expected against brought, over the same length of days."""

import datetime as dt

import pytest
from django.utils import timezone

from nodes.models.forward import ForwardDay
from nodes.models.node import OwnNode
from recommendations.models.advice import Feedback
from tenants.context import enter_tenant
from tests.api.recommendations.test_recommendations import owner, read
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key

__all__ = ["owner"]
DAY = dt.timedelta(days=1)


def test_advice_that_was_done_is_compared_with_the_days_before(api: ApiClient, owner: Box) -> None:
    token = make_api_key(owner)
    [told] = [one for one in read(api, owner)["recommendations"] if one["type"] == "rebalance"]
    assert (
        api.post(owner.path(f"recommendations/{told['id']}/feedback"), {"verdict": "done"}, token=token).status == 201
    )
    follow_ups = owner.path("recommendations/follow-ups")
    [early] = api.get(follow_ups, token=token).json["follow_ups"]
    assert (early["days"], early["brought"], early["why_none"]) == (0, None, "less than a day has passed")
    with enter_tenant(owner.tenant):
        Feedback.objects.update(given_at=timezone.now() - 10 * DAY)
    [later] = api.get(follow_ups, token=token).json["follow_ups"]
    assert later["recommendation_id"] == told["id"]
    assert later["expected"]["mean"] == told["estimated_impact"]["mean"]
    assert later["days"] == 9  # whole ones since, as far as the reports reach
    assert later["brought"] == pytest.approx(later["after"] - later["before"])
    assert later["before"] == pytest.approx(240.0, rel=0.01)
    assert later["rest_before"] == 0.0


def test_a_node_without_a_past_has_nothing_to_follow(api: ApiClient, owner: Box) -> None:
    with enter_tenant(owner.tenant):
        ForwardDay.objects.all().delete()
        OwnNode.objects.update(history_since=None)
    assert api.get(owner.path("recommendations/follow-ups"), token=make_api_key(owner)).json == {"follow_ups": []}


def test_what_is_called_done_three_times_is_followed_once(api: ApiClient, owner: Box) -> None:
    token = make_api_key(owner)
    [told] = [one for one in read(api, owner)["recommendations"] if one["type"] == "rebalance"]
    for _ in range(3):
        api.post(owner.path(f"recommendations/{told['id']}/feedback"), {"verdict": "done"}, token=token)
    [followed] = api.get(owner.path("recommendations/follow-ups"), token=token).json["follow_ups"]
    assert followed["recommendation_id"] == told["id"]
