"""A plan's limits: counted as they are said to be; beyond them a box is told, and nothing is dropped in silence."""

from typing import Any

import pytest
from django.utils import timezone

from nodes.engine.report import NodeSnapshot
from nodes.models.snapshot import Snapshot
from nodes.pipeline.quota import HOUR
from tenants.context import enter_tenant
from tenants.engine.plan import LIMIT_NAMES, PLANS
from tenants.models.dazbox import Dazbox
from tenants.tokens.access import mint_access_token
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, as_json, make_channel, make_snapshot

CHANNELS, SNAPSHOTS = PLANS["home"].limits["channels"], PLANS["home"].limits["snapshots_per_hour"]


def send(api: ApiClient, box: Box, snapshot: NodeSnapshot) -> Any:
    return api.post(box.path("snapshots"), as_json(snapshot), token=api.token_of(box))


def ask_quota(api: ApiClient, box: Box) -> dict[str, Any]:
    answer = api.get(f"/api/v1/provisioning/devices/{box.dazbox.id}/quota", token=api.token_of(box))
    assert answer.status == 200
    return {item["name"]: item for item in answer.json["items"]}


def plan_path(box: Box) -> str:
    return f"/api/v1/provisioning/devices/{box.dazbox.id}/plan"


def set_plan(api: ApiClient, box: Box, plan: str, *, token: str | None = None) -> Any:
    return api.put(plan_path(box), {"plan": plan}, token=token or api.token_of(box))


@pytest.fixture
def operator(db: None) -> str:
    return mint_access_token(subject="operator:1", scopes=["operator"], tenant_id=None)


@pytest.fixture
def large(db: None) -> NodeSnapshot:
    """One channel more than the plan has."""
    return make_snapshot(1, [make_channel(number) for number in range(1, CHANNELS + 2)])


@pytest.fixture
def busy(api: ApiClient, charlie: Box) -> Box:
    """Charlie, who has reported as often within the hour as the plan allows."""
    first = make_snapshot(1)
    assert send(api, charlie, first).status == 201
    with enter_tenant(charlie.tenant):
        row = Snapshot.objects.get()
        more = range(2, SNAPSHOTS + 1)
        Snapshot.objects.bulk_create(
            Snapshot(seq=seq, taken_at=row.taken_at, digest=row.digest, content=first) for seq in more
        )
    return charlie


def test_a_snapshot_with_more_channels_than_the_plan_is_refused_whole(
    api: ApiClient, charlie: Box, large: NodeSnapshot
) -> None:
    answer = send(api, charlie, large)
    assert_problem(answer, 429)
    assert answer.json["type"].endswith("/quota-exceeded")
    assert answer.headers["RateLimit-Policy"] == f'"channels";q={CHANNELS}'
    assert answer.headers["RateLimit"] == '"channels";r=0'
    assert "Retry-After" not in answer.headers
    assert ask_quota(api, charlie)["channels"]["used"] == 0


def test_with_a_larger_plan_it_is_taken_at_once(
    api: ApiClient, charlie: Box, large: NodeSnapshot, operator: str
) -> None:
    assert set_plan(api, charlie, "pro", token=operator).status == 200
    assert send(api, charlie, large).status == 201
    assert ask_quota(api, charlie)["channels"] == {
        "name": "channels", "limit": PLANS["pro"].limits["channels"], "used": CHANNELS + 1, "is_counted": True
    }  # fmt: skip


def test_one_snapshot_more_than_the_hour_allows_has_to_wait(api: ApiClient, busy: Box) -> None:
    answer = send(api, busy, make_snapshot(SNAPSHOTS + 1))
    assert_problem(answer, 429)
    assert answer.json["type"].endswith("/quota-exceeded")
    wait_s = int(answer.headers["Retry-After"])
    assert 3500 < wait_s <= 3600
    assert answer.headers["RateLimit"] == f'"snapshots_per_hour";r=0;t={wait_s}'
    assert ask_quota(api, busy)["snapshots_per_hour"]["used"] == SNAPSHOTS
    with enter_tenant(busy.tenant):
        Snapshot.objects.filter(seq=1).update(received_at=timezone.now() - HOUR)
    assert send(api, busy, make_snapshot(SNAPSHOTS + 1)).status == 201


def test_a_snapshot_sent_again_is_not_counted(api: ApiClient, busy: Box) -> None:
    with enter_tenant(busy.tenant):
        Snapshot.objects.filter(seq__gt=1).delete()
    assert send(api, busy, make_snapshot(1)).status == 200
    assert ask_quota(api, busy)["snapshots_per_hour"]["used"] == 1


def test_what_nothing_counts_yet_is_said_not_to_be_counted(api: ApiClient, charlie: Box) -> None:
    quota = ask_quota(api, charlie)
    assert tuple(quota) == LIMIT_NAMES
    uncounted = {name for name, item in quota.items() if not item["is_counted"]}
    assert uncounted == {"mcp_calls_per_minute"}
    assert {quota[name]["used"] for name in uncounted} == {None}


def test_an_owner_chooses_only_what_owners_may_choose(api: ApiClient, charlie: Box, operator: str) -> None:
    refused = set_plan(api, charlie, "hub")
    assert_problem(refused, 403)
    assert refused.json["type"].endswith("/plan-not-self-service")
    assert set_plan(api, charlie, "hub", token=operator).json == {"plan": "hub"}
    assert set_plan(api, charlie, "home").json == {"plan": "home"}
    events = api.get(f"/api/v1/provisioning/devices/{charlie.dazbox.id}/events", token=api.token_of(charlie)).json
    changes = [(item["facts"]["before"], item["facts"]["after"]) for item in events["items"] if item["kind"] == "plan"]
    assert changes == [("hub", "home"), ("home", "hub")]


def test_a_plan_is_changed_over_the_one_that_was_read(api: ApiClient, charlie: Box, operator: str) -> None:
    tag = api.get(plan_path(charlie), token=operator).headers["ETag"]
    assert_problem(api.call("PUT", plan_path(charlie), {"plan": "pro"}, token=operator), 428)
    assert api.call("PUT", plan_path(charlie), {"plan": "pro"}, token=operator, **{"If-Match": tag}).status == 200
    assert_problem(api.call("PUT", plan_path(charlie), {"plan": "hub"}, token=operator, **{"If-Match": tag}), 412)
    assert Dazbox.objects.get(id=charlie.dazbox.id).plan == "pro"


def test_plans_are_open_to_everybody(api: ApiClient, db: None) -> None:
    items = api.get("/api/v1/provisioning/plans").json["items"]
    assert [item["code"] for item in items] == list(PLANS)
    assert all(tuple(item["limits"]) == LIMIT_NAMES for item in items)
