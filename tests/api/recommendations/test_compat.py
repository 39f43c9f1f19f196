"""The older box software (dazbrel) goes on working: its addresses, its shapes, and nothing made up.

The structs below are those of its `src/api/mcp_client.rs`. As serde does, they refuse null where Rust has no Option.
"""

import datetime as dt
import uuid
from typing import Any, Literal

import msgspec
import pytest
from django.core.cache import cache
from django.utils import timezone
from msgspec import Struct

from nodes.engine.report import NodeSnapshot
from nodes.models.action import Action
from nodes.models.snapshot import Snapshot
from nodes.pipeline.action import approve_action
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_snapshot
from recommendations.models.advice import Feedback, Recommendation
from tenants.context import enter_tenant
from tests.api.problem import assert_problem
from tests.api.recommendations.test_recommendations import report
from tests.conftest import ApiClient
from tests.factories import Box, make_api_key, make_box, make_channel, make_older_report, make_snapshot

RESULT, METRICS = "/api/v1/actions/result", "/api/v1/metrics"
NOW = "2026-11-01T12:30:00.123456789Z"  # chrono writes nanoseconds


class MCPRecommendation(Struct):
    id: str
    action_type: Literal["OpenChannel", "CloseChannel", "AdjustFees", "RebalanceChannel"]
    priority: Literal["Low", "Medium", "High"]
    expected_roi_impact: float
    parameters: dict[str, Any]
    created_at: dt.datetime
    description: str


def listing(box: Box) -> str:
    return f"/api/v1/recommendations/{box.pubkey}"


def performance(box: Box, days: int | str = 30) -> str:
    return f"/api/v1/analysis/{box.pubkey}/performance?days={days}"


@pytest.fixture
def owner(db: None) -> Box:
    cache.clear()
    box = make_box("owner")
    report(box)
    return box


@pytest.fixture
def key(owner: Box) -> str:
    """dazbrel has one bearer token, for all it does."""
    return make_api_key(owner)


def result_of(action_id: object, **changes: Any) -> dict[str, Any]:
    return {"action_id": str(action_id), "success": True, "message": "done", "timestamp": NOW} | changes


def read_newest(box: Box) -> NodeSnapshot:
    with enter_tenant(box.tenant):
        return Snapshot.objects.order_by("-seq")[0].content


def test_recommendations_are_read_by_its_own_structs(api: ApiClient, owner: Box, key: str) -> None:
    reply = api.get(listing(owner), token=key)
    assert reply.status == 200
    told = msgspec.json.decode(reply.raw, type=list[MCPRecommendation])
    assert {"AdjustFees", "RebalanceChannel"} <= {one.action_type for one in told}
    with enter_tenant(owner.tenant):
        since = {str(row.id): row.since for row in Recommendation.objects.all()}
    assert {one.id: one.created_at for one in told} == {one.id: since[one.id] for one in told}


def test_what_has_no_number_is_shown_as_null_to_who_can_read_it(api: ApiClient, owner: Box, key: str) -> None:
    known = {one["id"] for one in api.get(listing(owner), token=key).json}
    asked = api.get(f"{listing(owner)}?include_unknown=true", token=key).json
    assert known == {one["id"] for one in asked if one["expected_roi_impact"] is not None}
    assert known < {one["id"] for one in asked}


def test_the_impact_is_percent_of_the_capacity_that_it_brings_within_a_year(
    api: ApiClient, owner: Box, key: str
) -> None:
    older = {one["id"]: one for one in api.get(listing(owner), token=key).json}
    full = api.get(owner.path("recommendations"), token=key).json["recommendations"]
    [rebalance] = [one for one in full if one["type"] == "rebalance"]
    estimate = rebalance["estimated_impact"]
    brings = estimate["mean"] * min(estimate["lasts_days"], 365) - rebalance["cost_sat"]
    told = older[rebalance["id"]]
    assert told["expected_roi_impact"] == pytest.approx(100 * brings / 5_000_000, abs=1e-4)
    assert told["parameters"]["to_short_channel_id"] == rebalance["subject"]
    assert told["parameters"]["max_fee"] == rebalance["cost_sat"]


def test_a_box_without_reports_has_an_empty_list(api: ApiClient, db: None) -> None:
    box = make_box("newcomer")
    assert api.get(listing(box), token=api.token_of(box)).json == []


def test_a_result_of_an_action_is_recorded_as_the_box_would(api: ApiClient, owner: Box, key: str) -> None:
    with enter_tenant(owner.tenant):
        action = Action.objects.filter(state="planned")[0]
        approve_action(action, actor="test")
    for _ in range(2):
        reply = api.post(RESULT, result_of(action.id, success=False, message="no peer"), token=key)
        assert (reply.status, reply.json["state"]) == (200, "failed")
    with enter_tenant(owner.tenant):
        action.refresh_from_db()
    assert (action.state, action.outcome and action.outcome.error) == ("failed", "no peer")


def test_a_result_of_an_action_nobody_approved_is_refused(api: ApiClient, owner: Box, key: str) -> None:
    with enter_tenant(owner.tenant):
        action = Action.objects.filter(state="planned")[0]
    assert_problem(api.post(RESULT, result_of(action.id), token=key), 409)


@pytest.mark.parametrize(("success", "verdict"), [(True, "done"), (False, "failed")])
def test_a_result_of_a_recommendation_is_a_word_on_it(
    api: ApiClient, owner: Box, key: str, success: bool, verdict: str
) -> None:
    [told, *_] = api.get(listing(owner), token=key).json
    for _ in range(2):
        reply = api.post(RESULT, result_of(told["id"], success=success, message="as asked"), token=key)
        assert (reply.status, reply.json) == (200, {"action_id": told["id"], "state": verdict})
    with enter_tenant(owner.tenant):
        [row] = Feedback.objects.all()
    assert (row.verdict, row.detail.why) == (verdict, "as asked")


@pytest.mark.parametrize("action_id", ["action-123", str(uuid.UUID(int=7)), "", "\u0663"])
def test_a_result_of_nothing_is_not_found(api: ApiClient, owner: Box, key: str, action_id: str) -> None:
    assert_problem(api.post(RESULT, result_of(action_id), token=key), 404)


def test_metrics_become_a_snapshot_without_policies(api: ApiClient, db: None) -> None:
    box = make_box("older")
    reply = api.post(METRICS, make_older_report(box.pubkey), token=make_api_key(box))
    assert (reply.status, reply.json) == (200, {"stored": True, "why_not": None})
    snapshot = read_newest(box)
    [channel] = snapshot.channels
    assert snapshot.taken_at == dt.datetime(2026, 11, 1, 10, 0, 0, 123457, tzinfo=dt.UTC)
    assert (channel.short_channel_id, channel.local_balance_sat) == ("800000x77x1", 400_000)
    assert (channel.own_policy, channel.peer_policy, channel.uptime_s, channel.opened_at) == (None, None, None, None)
    with enter_tenant(box.tenant):
        run_cycle()
        assert not Action.objects.exists()


def test_metrics_that_come_again_or_late_overwrite_nothing(api: ApiClient, db: None) -> None:
    box = make_box("older")
    token, body = make_api_key(box), make_older_report(box.pubkey)
    assert api.post(METRICS, body, token=token).json["stored"] is True
    assert api.post(METRICS, body, token=token).json == {"stored": False, "why_not": "repeat"}
    older = api.post(METRICS, body | {"timestamp": "2026-11-01T09:59:59Z", "alias": "before"}, token=token)
    assert_problem(older, 409)
    assert older.json["errors"][0]["pointer"] == "/timestamp"
    assert read_newest(box).node.alias == "older"


def test_a_report_of_the_agent_stands_before_metrics(api: ApiClient, owner: Box, key: str) -> None:
    before = read_newest(owner)
    body = make_older_report(owner.pubkey, timestamp=timezone.now().isoformat())
    assert api.post(METRICS, body, token=key).json == {"stored": False, "why_not": "fuller_report"}
    assert read_newest(owner) == before
    with enter_tenant(owner.tenant):
        Snapshot.objects.update(received_at=timezone.now() - dt.timedelta(hours=25))
    assert api.post(METRICS, body, token=key).json["stored"] is True


def test_the_agent_goes_on_after_metrics(api: ApiClient, db: None) -> None:
    box = make_box("older")
    now = timezone.now()
    api.post(METRICS, make_older_report(box.pubkey, timestamp=now.isoformat()), token=make_api_key(box))
    with enter_tenant(box.tenant):
        later = make_snapshot(int(now.timestamp()) + 1, [make_channel(1)], taken_at=now + dt.timedelta(seconds=1))
        assert accept_snapshot(later).is_new


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("channel_id", "12345x"),
        ("channel_id", "18446744073709551616"),
        ("local_balance", 600_000),
        ("uptime_percentage", 101),
        ("capacity", "1000"),
        ("fee", 1),
    ],
)
def test_metrics_that_cannot_be_true_are_refused_at_their_field(
    api: ApiClient, db: None, field: str, value: object
) -> None:
    box = make_box("older")
    body = make_older_report(box.pubkey)
    body["channels"][0][field] = value
    reply = api.post(METRICS, body, token=make_api_key(box))
    assert_problem(reply, 400)
    assert reply.json["errors"][0]["pointer"] == f"/channels/0/{field}"


def test_metrics_of_the_future_are_refused_at_their_field(api: ApiClient, db: None) -> None:
    box = make_box("older")
    body = make_older_report(box.pubkey, timestamp="2199-01-01T00:00:00Z")
    reply = api.post(METRICS, body, token=make_api_key(box))
    assert_problem(reply, 422)
    assert reply.json["errors"][0]["pointer"] == "/timestamp"


def test_performance_is_of_the_nodes_own_forwards(api: ApiClient, owner: Box, key: str) -> None:
    body = api.get(performance(owner, 30), token=key).json
    assert (body["days"], body["known_days"]) == (30, 30)
    earned = body["performance_metrics"]["fees_earned"]
    assert body["performance_metrics"]["forwards_count"] == 90
    assert earned == sum(channel["fees_earned"] for channel in body["channels"]) > 0
    capacity = body["performance_metrics"]["total_capacity"]
    assert body["performance_metrics"]["current_roi_percentage"] == pytest.approx(
        earned / 30 * 365 / capacity * 100, rel=1e-3
    )
    assert body["roi_trend"] is None  # of the thirty days before not all is known
    assert api.get(performance(owner, 10), token=key).json["roi_trend"] == "stable"


def test_what_is_not_known_is_null_and_there_so_that_it_makes_nothing_up(api: ApiClient, db: None) -> None:
    """`ensure_analysis_defaults` of theirs puts 15.8 and 15.3 where the fields are missing, not where they are null."""
    box = make_box("newcomer")
    body = api.get(performance(box), token=api.token_of(box)).json
    assert set(body["performance_metrics"].values()) == {None}
    assert body["competitive_analysis"] == {"vs_amboss_advantage": None}
    assert (body["roi_trend"], body["channels"], body["known_days"], body["as_of"]) == (None, [], 0, None)


@pytest.mark.parametrize("days", [0, 366, "x", "-1", "1.5", "\u0663"])
def test_days_that_are_none_are_refused(api: ApiClient, owner: Box, key: str, days: int | str) -> None:
    assert_problem(api.get(performance(owner, days), token=key), 400)


def test_figures_of_the_service_are_still_at_their_address(api: ApiClient, owner: Box, key: str) -> None:
    assert api.get(METRICS, token=key).json["request_count"] >= 0


def test_bob_cannot(api: ApiClient, owner: Box, bob: Box) -> None:
    token = make_api_key(bob)
    [told, *_] = api.get(listing(owner), token=make_api_key(owner)).json
    for path in (listing(owner), performance(owner)):
        assert_problem(api.get(path, token=token), 404)
    assert_problem(api.post(RESULT, result_of(told["id"]), token=token), 404)
    assert_problem(api.post(METRICS, make_older_report(owner.pubkey), token=token), 404)
    with enter_tenant(owner.tenant):
        assert not Feedback.objects.exists()


def test_a_key_that_only_reads_reports_nothing(api: ApiClient, owner: Box) -> None:
    token = make_api_key(owner, scopes=("read",))
    assert api.get(listing(owner), token=token).status == 200
    assert_problem(api.post(RESULT, result_of(uuid.uuid4()), token=token), 403)
    assert_problem(api.post(METRICS, make_older_report(owner.pubkey), token=token), 403)
