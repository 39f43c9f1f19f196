"""GET /node/{pubkey}/recommendations: what to do, from the records of this node alone."""

import datetime as dt
import uuid
from typing import Any

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mcp_saas.kit.metrics import REGISTRY
from nodes.models.action import Action
from nodes.pipeline.action import approve_action
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_forwards, accept_snapshot
from recommendations.models.advice import Feedback, Recommendation
from recommendations.pipeline.recommend import work_out
from tenants.context import enter_tenant
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key, make_box, make_channel, make_forward, make_peer_policy, make_snapshot

DAY = dt.timedelta(days=1)
ENGLISH, FRENCH = {"Accept-Language": "en"}, {"Accept-Language": "fr"}


def report(box: Box, *, count: int = 30, days: int = 40) -> None:
    """Channel 1 sells and is dry, 2 is full and idle; a month of forwards, and a run."""
    now = timezone.now()
    channels = [
        make_channel(
            number,
            local_balance_sat=200_000 if number == 1 else 4_700_000,
            remote_balance_sat=4_790_000 if number == 1 else 290_000,
            peer_policy=make_peer_policy(fee_rate_ppm=50),
            opening_fee_sat=500,
        )
        for number in range(1, count + 1)
    ]
    forwards = [
        make_forward(
            number,
            incoming_scid="800000x3x0",
            outgoing_scid="800000x1x0",
            in_msat=100_080_000 + number,
            out_msat=100_000_000,
            fee_msat=80_000 + number,
            settled_at=now - number * DAY / 3,
        )
        for number in range(1, 3 * days)
    ]
    with enter_tenant(box.tenant):
        accept_forwards(forwards, "1")
        accept_snapshot(make_snapshot(1, channels, taken_at=now))
        run_cycle()


@pytest.fixture
def owner(db: None) -> Box:
    cache.clear()
    box = make_box("owner")
    report(box)
    return box


def read(api: ApiClient, box: Box, query: str = "", **headers: str) -> Any:
    reply = api.get(box.path(f"recommendations{query}"), token=api.token_of(box), **headers)
    assert reply.status == 200, reply.json
    return reply.json


def assert_refused(reply: Any, status: int, *, code: str) -> None:
    assert_problem(reply, status)
    assert reply.json["type"].endswith(f"/{code}")


def test_what_the_records_show_is_advised_with_its_numbers_evidence_and_command(api: ApiClient, owner: Box) -> None:
    body = read(api, owner)
    [told] = [one for one in body["recommendations"] if one["type"] == "rebalance"]
    assert told["subject"] == "800000x1x0"
    assert told["category"] == "liquidity"
    assert told["command"].startswith("lncli payinvoice --allow_self_payment --outgoing_chan_id=")
    estimate = told["estimated_impact"]
    assert estimate["low"] <= estimate["mean"] <= estimate["high"]
    assert estimate["unit"] == "sat_per_day"
    assert 0 < told["confidence"] <= 1
    assert {one["kind"] for one in told["evidence"]} == {"metric"}
    assert {"ref": "channel:800000x1x0/local_balance_sat", "value": 200_000} in [
        {"ref": one["ref"], "value": one["value"]} for one in told["evidence"]
    ]
    assert body["total_count"] == len(body["recommendations"]) == sum(body["by_category"].values())
    assert sum(body["by_priority"].values()) == body["total_count"]


def test_a_fee_the_newest_run_would_change_names_its_action(api: ApiClient, owner: Box) -> None:
    fees = [one for one in read(api, owner)["recommendations"] if one["type"] == "fee_adjustment"]
    with enter_tenant(owner.tenant):
        planned = {str(one.id) for one in Action.objects.filter(state="planned")}
    assert fees
    assert {one["action_id"] for one in fees} <= planned
    action_id = fees[0]["action_id"]
    with enter_tenant(owner.tenant):
        approve_action(Action.objects.get(id=action_id), actor="test")
    left = read(api, owner)["recommendations"]
    assert fees[0]["id"] not in {one["id"] for one in left}  # it is done without another word


def test_sentences_are_in_the_language_that_is_asked_for(api: ApiClient, owner: Box) -> None:
    english, french = (read(api, owner, **headers)["recommendations"] for headers in (ENGLISH, FRENCH))
    assert [one["id"] for one in english] == [one["id"] for one in french]
    assert "Back up your channels." in {one["action"] for one in english}
    assert "Sauvegarder vos canaux." in {one["action"] for one in french}


def test_without_the_library_the_rest_still_comes_and_says_so(api: ApiClient, owner: Box) -> None:
    assert read(api, owner)["degraded"] == ["rag"]


def test_filters_choose_by_category_and_priority(api: ApiClient, owner: Box) -> None:
    chosen = read(api, owner, "?category=reliability")
    assert {one["category"] for one in chosen["recommendations"]} == {"reliability"}
    assert chosen["total_count"] == chosen["by_category"]["reliability"] == len(chosen["recommendations"])
    for priority in ("high", "medium", "low"):
        listed = read(api, owner, f"?priority={priority}")["recommendations"]
        assert {one["priority"] for one in listed} <= {priority}


@pytest.mark.parametrize("query", ["?category=money", "?priority=urgent", "?level=wizard", "?use_cache=maybe"])
def test_a_filter_nobody_knows_is_refused(api: ApiClient, owner: Box, query: str) -> None:
    reply = api.get(owner.path(f"recommendations{query}"), token=api.token_of(owner))
    assert_refused(reply, 400, code="bad-filter")


def test_a_parameter_nobody_reads_is_refused_by_its_name_with_those_that_are_read(api: ApiClient, owner: Box) -> None:
    reply = api.get(owner.path("recommendations?catgory=revenue&level=expert"), token=api.token_of(owner))
    assert_refused(reply, 400, code="unknown-parameter")
    known = "known here: category, priority, level, use_cache"
    assert reply.json["detail"] == f"catgory: {known}"
    assert reply.json["errors"] == [{"pointer": "?catgory", "code": "unknown", "detail": known}]


def test_a_parameter_that_is_given_twice_is_refused_for_only_one_would_be_read(api: ApiClient, owner: Box) -> None:
    reply = api.get(
        owner.path("recommendations?category=revenue&level=expert&category=cost"), token=api.token_of(owner)
    )
    assert_refused(reply, 400, code="repeated-parameter")
    assert reply.json["errors"] == [{"pointer": "?category", "code": "duplicate", "detail": "it can be given once"}]


def test_a_word_that_is_none_of_a_field_is_answered_with_those_that_are(api: ApiClient, owner: Box) -> None:
    body = {"goals": ["liquidity", "fame"]}
    reply = api.post(owner.path("priorities"), body, token=api.token_of(owner))
    assert_refused(reply, 400, code="invalid-body")
    [error] = reply.json["errors"]
    assert error["pointer"] == "/goals/1"
    words = "connectivity, cost_optimization, liquidity, reliability, routing_revenue"
    assert error["detail"] == f"Invalid enum value 'fame': it is one of {words}"


def test_a_box_that_never_reported_has_no_advice_and_no_zeroes(api: ApiClient, db: None) -> None:
    body = read(api, make_box("newcomer"))
    assert (body["recommendations"], body["as_of"], body["degraded"]) == ([], None, [])


def test_the_answer_is_kept_until_something_comes_in(api: ApiClient, owner: Box) -> None:
    assert [read(api, owner)["cache_hit"] for _ in range(2)] == [False, True]
    assert read(api, owner, "?use_cache=false")["cache_hit"] is False
    with enter_tenant(owner.tenant):
        run_cycle()
    assert read(api, owner)["cache_hit"] is False


def test_an_unchanged_answer_is_a_304(api: ApiClient, owner: Box) -> None:
    path, token = owner.path("recommendations"), api.token_of(owner)
    first, second = (api.get(path, token=token) for _ in range(2))
    tag = first.headers["ETag"]
    assert (second.json["cache_hit"], second.headers["ETag"]) == (True, tag)
    assert api.get(path, token=token, **{"If-None-Match": tag}).status == 304


def test_ids_stay_while_the_advice_stands(api: ApiClient, owner: Box) -> None:
    first = {one["id"] for one in read(api, owner)["recommendations"]}
    with enter_tenant(owner.tenant):
        run_cycle()
        assert {str(row.id) for row in Recommendation.objects.filter(gone_at=None)} == first
    assert {one["id"] for one in read(api, owner, "?use_cache=false")["recommendations"]} == first


def test_queries_are_few_and_do_not_grow_with_the_node(api: ApiClient, owner: Box) -> None:
    small = make_box("small")
    report(small, count=3, days=20)
    counts = []
    for box in (small, owner):
        with enter_tenant(box.tenant):
            work_out(timezone.now())
            with CaptureQueriesContext(
                connection,
            ) as asked:
                work_out(timezone.now())
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 20


def test_a_word_of_the_owner_is_kept_shown_and_counted(api: ApiClient, owner: Box) -> None:
    token = make_api_key(owner)
    [told, *_] = read(api, owner)["recommendations"]
    path = owner.path(f"recommendations/{told['id']}/feedback")
    reply = api.post(path, {"verdict": "not_useful", "why": "no coins"}, token=token)
    assert reply.status == 201
    assert reply.json["why"] == "no coins"
    shown = next(one for one in read(api, owner)["recommendations"] if one["id"] == told["id"])
    assert (shown["feedback"]["verdict"], shown["feedback"]["why"]) == ("not_useful", "no coins")
    counts = api.get(owner.path("recommendations/feedback"), token=token).json["counts"]
    assert {"type": told["type"], "useful": 0, "not_useful": 1, "done": 0, "failed": 0} in counts


def test_all_words_on_one_can_be_read_also_when_it_is_no_longer_listed(api: ApiClient, owner: Box) -> None:
    token = make_api_key(owner)
    [told] = [one for one in read(api, owner)["recommendations"] if one["type"] == "rebalance"]
    path = owner.path(f"recommendations/{told['id']}/feedback")
    assert api.get(path, token=token).json == {"words": []}
    for verdict in ("useful", "done"):
        api.post(path, {"verdict": verdict, "why": f"it is {verdict}"}, token=token)
    assert told["id"] not in {one["id"] for one in read(api, owner)["recommendations"]}
    words = api.get(path, token=token).json["words"]
    assert [(one["verdict"], one["why"]) for one in words] == [("done", "it is done"), ("useful", "it is useful")]
    assert_refused(api.get(owner.path(f"recommendations/{uuid.uuid4()}/feedback"), token=token), 404, code="not-found")


def test_a_word_is_counted_for_the_operator_by_type_once_it_is_committed(
    api: ApiClient, owner: Box, django_capture_on_commit_callbacks: Any
) -> None:
    [told, *_] = read(api, owner)["recommendations"]
    path = owner.path(f"recommendations/{told['id']}/feedback")
    labels = {"type": told["type"], "verdict": "failed"}
    before = REGISTRY.get_sample_value("dazbox_feedback_total", labels) or 0
    with django_capture_on_commit_callbacks(execute=True):
        api.post(path, {"verdict": "failed"}, token=make_api_key(owner))
        assert (REGISTRY.get_sample_value("dazbox_feedback_total", labels) or 0) == before
    assert REGISTRY.get_sample_value("dazbox_feedback_total", labels) == before + 1


def test_what_is_done_is_not_advised_again_before_a_newer_report(api: ApiClient, owner: Box) -> None:
    [backup] = [one for one in read(api, owner)["recommendations"] if one["type"] == "backup"]
    [rebalance] = [one for one in read(api, owner)["recommendations"] if one["type"] == "rebalance"]
    for told in (backup, rebalance):
        path = owner.path(f"recommendations/{told['id']}/feedback")
        assert api.post(path, {"verdict": "done"}, token=make_api_key(owner)).status == 201
    left = {one["id"] for one in read(api, owner)["recommendations"]}
    assert left & {backup["id"], rebalance["id"]} == set()
    with enter_tenant(owner.tenant):
        channels = [make_channel(1, local_balance_sat=200_000, remote_balance_sat=4_790_000), make_channel(2)]
        later = timezone.now() + dt.timedelta(seconds=2)
        accept_snapshot(make_snapshot(2, channels, taken_at=later))
    again = {one["id"] for one in read(api, owner)["recommendations"]}
    assert rebalance["id"] in again  # the channel is as dry as before
    assert backup["id"] not in again  # nothing was opened since


@pytest.mark.parametrize("body", [{"verdict": "great"}, {}, {"verdict": "done", "why": "x" * 1001}, {"verdict": True}])
def test_a_word_nobody_knows_is_refused(api: ApiClient, owner: Box, body: Any) -> None:
    [told, *_] = read(api, owner)["recommendations"]
    reply = api.post(owner.path(f"recommendations/{told['id']}/feedback"), body, token=make_api_key(owner))
    assert reply.status == 400


def test_the_id_of_another_box_is_nobodys(api: ApiClient, owner: Box) -> None:
    other = make_box("other")
    report(other, count=3)
    [theirs, *_] = read(api, other)["recommendations"]
    token = make_api_key(owner)
    for recommendation_id in (theirs["id"], uuid.uuid4()):
        path = owner.path(f"recommendations/{recommendation_id}/feedback")
        assert_refused(api.post(path, {"verdict": "useful"}, token=token), 404, code="not-found")
    with enter_tenant(other.tenant):
        assert not Feedback.objects.exists()


def test_two_boxes_on_the_same_records_share_no_id(api: ApiClient, owner: Box) -> None:
    other = make_box("other")
    report(other)
    ids = [{one["id"] for one in read(api, box)["recommendations"]} for box in (owner, other)]
    assert ids[0] & ids[1] == set()


def test_bob_cannot(api: ApiClient, owner: Box, bob: Box) -> None:
    [told, *_] = read(api, owner)["recommendations"]
    token = api.token_of(bob)
    for path in ("recommendations", "recommendations/feedback", "recommendations/follow-ups"):
        assert_refused(api.get(owner.path(path), token=token), 404, code="not-found")
    path = owner.path(f"recommendations/{told['id']}/feedback")
    assert_refused(api.post(path, {"verdict": "useful"}, token=make_api_key(bob)), 404, code="not-found")
    assert_refused(api.get(path, token=make_api_key(bob)), 404, code="not-found")


def test_what_redis_holds_tells_nothing(api: ApiClient, owner: Box) -> None:
    read(api, owner)
    client = redis.Redis.from_url(settings.ENV.redis_url)
    kept = [client.dump(key) or b"" for key in client.scan_iter(f"*{owner.dazbox.id}*")]
    assert kept
    assert not any(b"800000x1x0" in value or b"lncli" in value for value in kept)
