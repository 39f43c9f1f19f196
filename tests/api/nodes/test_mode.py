"""Modes: what each hands over, how a node goes from one to the next, and what the journal says of it."""

from typing import Any

import msgspec
import pytest

from nodes.engine.release.settings import ReleaseSettings
from nodes.models.action import ActionState
from nodes.models.decision import CycleRun, Decision
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_snapshot
from nodes.selectors.action import list_actions
from nodes.selectors.node import read_own_node
from tenants.context import enter_tenant
from tenants.models.schedule import CycleSchedule
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box, make_box, make_channel, make_snapshot

CHANNELS = 20


@pytest.fixture
def large(charlie: Box) -> Box:
    """Charlie with twenty channels, each of which every run wants to change."""
    charlie.channels = [make_channel(number) for number in range(1, CHANNELS + 1)]
    with enter_tenant(charlie.tenant):
        accept_snapshot(make_snapshot(1, charlie.channels))
    return charlie


@pytest.fixture
def token(api: ApiClient, large: Box) -> str:
    return api.token_of(large)


def set_mode(api: ApiClient, box: Box, token: str, body: dict[str, Any]) -> Any:
    answer = api.put(box.path("mode"), body, token=token)
    assert answer.status == 200, answer.json
    return answer.json


def run(box: Box) -> dict[str, set[str]]:
    """One cycle; the peers by the state of their new actions."""
    with enter_tenant(box.tenant):
        assert run_cycle() is not None
        return {
            state: {action.decision.inputs.channel.peer_pubkey for action in list_actions(state)}
            for state in (ActionState.PLANNED, ActionState.APPROVED)
        }


def groups_of(box: Box) -> dict[str, set[str]]:
    with enter_tenant(box.tenant):
        newest = CycleRun.objects.latest("finished_at")
        rows = [(row.group, row.inputs.channel.peer_pubkey) for row in Decision.objects.filter(run=newest)]
    return {group: {peer for name, peer in rows if name == group} for group, _ in rows}


def test_a_node_begins_in_shadow_with_the_settings_everybody_has(api: ApiClient, large: Box, token: str) -> None:
    mode = api.get(large.path("mode"), token=token).json
    assert (mode["mode"], mode["share_percent"], mode["steps"]) == ("shadow", 0, [10, 25, 50, 100])
    assert (mode["hold_out_percent"], mode["promotion"], mode["stop_rules"]["window_days"]) == (10, "explicit", 14)
    assert mode["next"] == {"mode": "canary", "share_percent": 10}


def test_in_shadow_and_at_rest_nothing_is_approved(api: ApiClient, large: Box, token: str) -> None:
    assert {state: len(peers) for state, peers in run(large).items()} == {"planned": CHANNELS, "approved": 0}
    assert groups_of(large) == {"rest": {channel.peer_pubkey for channel in large.channels}}


def test_a_canary_hands_over_its_share_and_the_hold_out_is_never_touched(
    api: ApiClient, large: Box, token: str
) -> None:
    set_mode(api, large, token, {"mode": "canary"})
    handed: list[set[str]] = []
    for share in (10, 25, 50):
        set_mode(api, large, token, {"mode": "canary", "share_percent": share})
        handed.append(run(large)["approved"])
        groups = groups_of(large)
        assert groups["canary"] == handed[-1]
        assert len(groups["hold_out"]) == 2
    assert [len(peers) for peers in handed] == [2, 5, 9]
    assert handed[0] < handed[1] < handed[2]
    held_out = groups_of(large)["hold_out"]
    set_mode(api, large, token, {"mode": "live"})
    live = run(large)
    assert live == {"planned": held_out, "approved": {channel.peer_pubkey for channel in large.channels} - held_out}


def test_all_channels_with_a_peer_are_handed_over_together(api: ApiClient, charlie: Box) -> None:
    channels = [
        make_channel(number, peer_pubkey=make_channel(number % 7 + 1).peer_pubkey) for number in range(1, CHANNELS + 1)
    ]
    with enter_tenant(charlie.tenant):
        accept_snapshot(make_snapshot(1, channels))
    set_mode(api, charlie, api.token_of(charlie), {"mode": "canary", "share_percent": 50})
    states = run(charlie)
    assert states["approved"]
    assert not states["approved"] & states["planned"]


def test_promotion_climbs_every_step_and_demotion_goes_back_down(api: ApiClient, large: Box, token: str) -> None:
    def step(name: str) -> tuple[str, int]:
        answer = api.post(large.path(f"mode/{name}"), token=token)
        assert answer.status == 200, answer.json
        return answer.json["mode"], answer.json["share_percent"]

    up = [step("promote") for _ in range(4)]
    assert up == [("canary", 10), ("canary", 25), ("canary", 50), ("live", 100)]
    assert_problem(api.post(large.path("mode/promote"), token=token), 409)
    assert [step("demote") for _ in range(4)] == [*up[2::-1], ("shadow", 0)]
    assert_problem(api.post(large.path("mode/demote"), token=token), 409)
    entries = api.get(large.path("journal"), token=token).json["items"]
    steps = [(item["facts"]["mode_before"], item["facts"]["mode"]) for item in entries if item["kind"] == "mode"]
    assert len(steps) == 8
    assert steps[-1] == ("shadow", "canary")


def test_going_on_without_data_is_allowed_and_remarked(api: ApiClient, large: Box, token: str) -> None:
    remarks = [api.post(large.path("mode/promote"), token=token).json["remark"] for _ in range(2)]
    assert remarks == [None, "there was no review of this step yet: nothing shows what it did"]
    newest = api.get(large.path("journal"), token=token).json["items"][0]
    assert newest["text"].endswith(remarks[1])
    assert "promoted by the owner" in newest["text"]
    assert api.get(large.path("mode"), token=token).json["remark"] is None


def test_a_step_back_withdraws_what_the_box_does_not_have_yet(api: ApiClient, large: Box, token: str) -> None:
    set_mode(api, large, token, {"mode": "live"})
    assert len(run(large)["approved"]) == 18
    api.post(large.path("mode/demote"), token=token)
    with enter_tenant(large.tenant):
        assert list_actions(ActionState.APPROVED) == []
    assert len(run(large)["approved"]) == 9


def test_a_paused_node_decides_nothing_and_goes_on_where_it_was(api: ApiClient, large: Box, token: str) -> None:
    set_mode(api, large, token, {"mode": "canary", "share_percent": 25})
    before = run(large)["approved"]
    paused = set_mode(api, large, token, {"mode": "paused"})
    assert paused["next"] == {"mode": "canary", "share_percent": 25}
    with enter_tenant(large.tenant):
        assert run_cycle() is None
        assert list_actions(ActionState.APPROVED) == []
    assert api.post(large.path("mode/promote"), token=token).json["mode"] == "canary"
    assert run(large)["approved"] == before


def test_settings_that_are_left_out_stay_as_they_are(api: ApiClient, large: Box, token: str) -> None:
    set_mode(api, large, token, {"mode": "shadow", "hold_out_percent": 0, "steps": [5, 50]})
    mode = set_mode(api, large, token, {"mode": "canary", "stop_rules": {"max_loss_percent": 7}})
    assert (mode["share_percent"], mode["hold_out_percent"], mode["steps"]) == (5, 0, [5, 50])
    assert mode["stop_rules"]["max_loss_percent"] == 7
    entries = api.get(large.path("journal"), token=token).json["items"]
    changes = [item["text"] for item in entries if item["kind"] == "release"]
    assert [text.partition(": ")[2] for text in changes] == ["stop_rules", "steps, hold_out_percent"]


def test_another_seed_deals_anew(api: ApiClient, large: Box, token: str) -> None:
    dealt = []
    for seed in range(4):
        set_mode(api, large, token, {"mode": "canary", "seed": seed})
        dealt.append(frozenset(run(large)["approved"]))
    assert len(set(dealt)) > 1


def test_a_change_of_mode_makes_the_box_due(api: ApiClient, large: Box, token: str) -> None:
    schedule = CycleSchedule.objects.filter(dazbox=large.dazbox)
    before = schedule.get().next_run_at
    set_mode(api, large, token, {"mode": "live"})
    assert schedule.get().next_run_at < before


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/mode"),
        ({"mode": "Live"}, "/mode"),
        ({"mode": "live", "share_percent": 50}, "/share_percent"),
        ({"mode": "canary", "share_percent": 0}, "/share_percent"),
        ({"mode": "canary", "share_percent": 101}, "/share_percent"),
        ({"mode": "canary", "share_percent": True}, "/share_percent"),
        ({"mode": "canary", "steps": []}, "/steps"),
        ({"mode": "canary", "steps": [50, 10]}, "/steps"),
        ({"mode": "canary", "steps": [10, 10]}, "/steps"),
        ({"mode": "canary", "steps": [10, "x"]}, "/steps/1"),
        ({"mode": "canary", "seed": -1}, "/seed"),
        ({"mode": "canary", "hold_out_percent": 51}, "/hold_out_percent"),
        ({"mode": "canary", "promotion": "soon"}, "/promotion"),
        ({"mode": "canary", "min_days_per_step": 0}, "/min_days_per_step"),
        ({"mode": "canary", "stop_rules": {"max_loss_percent": 0}}, "/stop_rules/max_loss_percent"),
        ({"mode": "canary", "stop_rules": {"window_days": 1}}, "/stop_rules/window_days"),
        ({"mode": "canary", "stop_rules": {"max_los_percent": 5}}, "/stop_rules/max_los_percent"),
        ({"mode": "canary", "speed": 9}, "/speed"),
    ],
)
def test_what_cannot_be_is_refused_with_a_pointer_and_changes_nothing(
    api: ApiClient, large: Box, token: str, body: dict[str, Any], pointer: str
) -> None:
    refused = api.put(large.path("mode"), body, token=token)
    assert_problem(refused, 400)
    assert refused.json["errors"][0]["pointer"].replace("/...", "/1") == pointer
    with enter_tenant(large.tenant):
        assert (read_own_node().mode, read_own_node().release) == ("shadow", None)


def test_the_mode_is_changed_over_the_one_that_was_read(api: ApiClient, large: Box, token: str) -> None:
    tag = api.get(large.path("mode"), token=token).headers["ETag"]
    assert_problem(api.call("PUT", large.path("mode"), {"mode": "live"}, token=token), 428)
    first = api.call("PUT", large.path("mode"), {"mode": "canary"}, token=token, **{"If-Match": tag})
    assert first.status == 200
    assert_problem(api.call("PUT", large.path("mode"), {"mode": "live"}, token=token, **{"If-Match": tag}), 412)


def test_a_step_that_is_repeated_with_its_key_is_one_step(api: ApiClient, large: Box, token: str) -> None:
    key = {"Idempotency-Key": "promote-once"}
    shares = [api.post(large.path("mode/promote"), token=token, **key).json["share_percent"] for _ in range(3)]
    assert shares == [10, 10, 10]


def test_the_groups_of_one_box_are_not_those_of_another_with_the_same_peers(api: ApiClient, db: None) -> None:
    """The digest is keyed by the box: who knows one owner's canary knows nobody else's."""
    dealt = []
    for name in ("first", "second", "third"):
        box = make_box(name)
        with enter_tenant(box.tenant):
            accept_snapshot(make_snapshot(1, [make_channel(number) for number in range(1, CHANNELS + 1)]))
        set_mode(api, box, api.token_of(box), {"mode": "canary", "share_percent": 25})
        dealt.append(frozenset(run(box)["approved"]))
    assert len(set(dealt)) > 1


def test_a_word_with_a_newline_is_no_rule_of_promotion_and_the_node_stays_readable(
    api: ApiClient, large: Box, token: str
) -> None:
    refused = api.put(large.path("mode"), {"mode": "canary", "promotion": "rule\n"}, token=token)
    assert_problem(refused, 400)
    assert api.get(large.path("mode"), token=token).status == 200


def test_settings_that_could_not_be_read_again_are_not_stored(large: Box) -> None:
    with enter_tenant(large.tenant):
        node = read_own_node()
        node.release = ReleaseSettings(promotion="rule\n")  # type: ignore[arg-type]
        with pytest.raises(msgspec.ValidationError):
            node.save()


def test_a_held_out_channel_is_not_approved_and_a_paused_node_approves_nothing(
    api: ApiClient, large: Box, token: str
) -> None:
    set_mode(api, large, token, {"mode": "live", "hold_out_percent": 50})
    run(large)
    with enter_tenant(large.tenant):
        held_out = list_actions(ActionState.PLANNED)[0]
    refused = api.post(large.path(f"actions/{held_out.id}/approve"), token=token)
    assert_problem(refused, 409)
    assert "held out" in refused.json["detail"]
    set_mode(api, large, token, {"mode": "paused"})
    refused = api.post(large.path(f"actions/{held_out.id}/approve"), token=token)
    assert_problem(refused, 409)
    assert "paused" in refused.json["detail"]
