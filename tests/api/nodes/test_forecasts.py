"""GET .../forecasts: what is expected, how good such forecasts were, and why there is none."""

import datetime as dt

from django.utils import timezone

from nodes.pipeline.forecast import keep_forecast
from tenants.context import enter_tenant
from tests.api import lasting
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.db.nodes.test_forecasts import fill_past
from tests.factories import Box

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


def test_before_the_first_there_is_no_data(api: ApiClient, alice: Box) -> None:
    answer = api.get(alice.path("forecasts"), token=api.token_of(alice))
    assert (answer.status, answer.json["as_of"], answer.json["channels"]) == (200, None, [])


def test_flows_and_skills_are_told_by_horizon(api: ApiClient, alice: Box) -> None:
    with enter_tenant(alice.tenant):
        fill_past(alice, days=60)
        keep_forecast(timezone.now())
    answer = api.get(alice.path("forecasts"), token=api.token_of(alice)).json
    assert dt.datetime.fromisoformat(answer["as_of"]) <= timezone.now()
    assert [skill["horizon_days"] for skill in answer["skills"]] == [1, 7, 14, 30]
    channel = next(one for one in answer["channels"] if one["short_channel_id"] == "800000x1x0")
    told = channel["flows"][1]["sat_per_day"]
    assert told["low"] <= told["mean"] <= told["high"]


def test_what_is_not_known_is_said_in_the_readers_language(api: ApiClient, alice: Box) -> None:
    with enter_tenant(alice.tenant):
        keep_forecast(timezone.now())
    token = api.token_of(alice)
    english = api.get(alice.path("forecasts"), token=token)
    french = api.get(alice.path("forecasts"), token=token, **{"Accept-Language": "fr"})
    assert english.json["channels"][0]["why_none"].startswith("No data")
    assert french.json["channels"][0]["why_none"].startswith("Pas de données")
    assert (french.headers["Content-Language"], french.json["channels"][0]["depletion"]) == ("fr", None)


def test_another_box_is_not_told(api: ApiClient, alice: Box, bob: Box) -> None:
    assert_problem(api.get(alice.path("forecasts"), token=api.token_of(bob)), 404)
