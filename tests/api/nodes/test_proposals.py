"""Somebody proposes a change of a channel: planned within the limits, written by nobody's word but the owner's."""

from typing import Any

import pytest

from nodes.engine.report import ChannelPolicy
from nodes.models.action import Action
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.handover import hand_over
from tenants.context import enter_tenant
from tenants.tokens.access import mint_access_token
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.db.nodes.acting import journal
from tests.factories import Box, make_box

pytestmark = pytest.mark.django_db
SCID = "800000x1x0"


def propose(api: ApiClient, box: Box, **wishes: Any) -> Any:
    body = {"short_channel_id": SCID, **wishes}
    return api.post(box.path("actions"), body, token=api.token_of(box))


def policy_of(box: Box) -> ChannelPolicy:
    [channel] = [one for one in box.channels if one.short_channel_id == SCID]
    assert channel.own_policy is not None
    return channel.own_policy


def test_a_proposal_is_a_planned_action_that_leaves_the_other_fields_alone(api: ApiClient, alice: Box) -> None:
    before = policy_of(alice)

    given = propose(api, alice, fee_rate_ppm=before.fee_rate_ppm + 50)

    assert given.status == 201, given.json
    assert (given.json["kind"], given.json["state"], given.json["channel"]) == ("proposal", "planned", SCID)
    assert given.json["policy"]["fee_rate_ppm"] == before.fee_rate_ppm + 50
    assert given.json["policy"]["base_fee_msat"] == before.base_fee_msat
    assert given.json["expected_policy"]["fee_rate_ppm"] == before.fee_rate_ppm
    assert given.json["why"].startswith("proposed by the owner: fee rate ")
    with enter_tenant(alice.tenant):
        assert hand_over("box") == []
        assert "waits to be approved" in journal()[-1]


def test_approved_it_goes_to_the_box(api: ApiClient, alice: Box) -> None:
    action_id = propose(api, alice, base_fee_msat=policy_of(alice).base_fee_msat + 7).json["id"]

    approved = api.post(alice.path(f"actions/{action_id}/approve"), token=api.token_of(alice))

    assert (approved.status, approved.json["state"]) == (200, "approved")
    with enter_tenant(alice.tenant):
        assert [str(one.id) for one in hand_over("box")] == [action_id]


def test_the_same_again_is_the_same_action_and_another_takes_its_place(api: ApiClient, alice: Box) -> None:
    fee = policy_of(alice).fee_rate_ppm
    first = propose(api, alice, fee_rate_ppm=fee + 50).json["id"]

    assert propose(api, alice, fee_rate_ppm=fee + 50).json["id"] == first
    second = propose(api, alice, fee_rate_ppm=fee + 60).json["id"]

    with enter_tenant(alice.tenant):
        states = {str(row.id): row.state for row in Action.objects.filter(kind="proposal")}
    assert states == {first: "superseded", second: "planned"}


def test_it_waits_through_the_runs_that_come(api: ApiClient, alice: Box) -> None:
    action_id = propose(api, alice, fee_rate_ppm=policy_of(alice).fee_rate_ppm + 50).json["id"]

    with enter_tenant(alice.tenant):
        run_cycle()
        assert Action.objects.get(id=action_id).state == "planned"


def test_what_the_limits_leave_of_it_is_planned(api: ApiClient, alice: Box) -> None:
    given = propose(api, alice, fee_rate_ppm=100_000)

    assert given.status == 201, given.json
    assert given.json["policy"]["fee_rate_ppm"] == 5_000  # the limit of a node without a policy of its own


def test_where_nothing_would_change_it_is_refused_with_what_holds_it(api: ApiClient, alice: Box) -> None:
    answer = propose(api, alice, fee_rate_ppm=policy_of(alice).fee_rate_ppm)

    assert_problem(answer, 409)
    assert answer.json["type"].endswith("/nothing-to-change")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"short_channel_id": "1x2x3", "fee_rate_ppm": 5}, 404),
        ({"short_channel_id": SCID}, 400),
        ({"short_channel_id": SCID, "fee_rate_ppm": -1}, 400),
        ({"short_channel_id": SCID, "fee_rate_ppm": 10**12}, 400),
        ({"short_channel_id": "ACINQ", "fee_rate_ppm": 5}, 400),
        ({"short_channel_id": SCID, "fee_rate_ppm": 5, "force": True}, 400),
    ],
)
def test_what_cannot_be_proposed_is_refused(api: ApiClient, alice: Box, body: dict[str, Any], status: int) -> None:
    assert_problem(api.post(alice.path("actions"), body, token=api.token_of(alice)), status)


def test_a_token_that_may_only_read_proposes_nothing(api: ApiClient, alice: Box) -> None:
    token = mint_access_token(subject="app", scopes=["read"], tenant_id=alice.tenant.id)
    answer = api.post(alice.path("actions"), {"short_channel_id": SCID, "fee_rate_ppm": 5}, token=token)
    assert_problem(answer, 403)


def test_the_node_of_a_token_is_told(api: ApiClient, alice: Box, bob: Box) -> None:
    for box in (alice, bob):
        own = api.get("/api/v1/node", token=api.token_of(box)).json
        assert (own["id"], own["pubkey"], own["mode"]) == (str(box.tenant.id), box.tenant.pubkey, "shadow")


def test_before_the_first_report_there_is_nothing_to_change(api: ApiClient, db: None) -> None:
    answer = propose(api, make_box("silent"), fee_rate_ppm=5)
    assert_problem(answer, 409)
