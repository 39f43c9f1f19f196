"""The box fetches and reports actions, the owner approves, rejects and takes them back: over HTTP."""

import uuid
from typing import Any

import pytest

from nodes.models.action import Action
from tests.api import lasting
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.db.nodes.acting import inside, planned, show, state_of, write
from tests.factories import Box, as_json, make_api_key, make_policy

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db

DONE = {"success": True, "at": "2026-11-01T12:30:00Z"}


@pytest.fixture
def action(alice: Box) -> Action:
    with inside(alice):
        return planned()[0]


@pytest.fixture
def token(api: ApiClient, alice: Box) -> str:
    return api.token_of(alice)


def fetch(api: ApiClient, box: Box, token: str, query: str = "state=approved") -> Any:
    answer = api.get(box.path(f"actions?{query}"), token=token)
    assert answer.status == 200
    return answer.json["items"]


def act(api: ApiClient, box: Box, token: str, rest: str, body: Any = None, **headers: str) -> Any:
    return api.post(box.path(f"actions/{rest}"), body, token=token, **headers)


def test_an_action_is_approved_fetched_reported_and_seen(
    api: ApiClient, alice: Box, action: Action, token: str
) -> None:
    assert act(api, alice, token, f"{action.id}/approve").json["state"] == "approved"
    [given] = fetch(api, alice, token, "state=approved&holder=agent")
    assert given["id"] == str(action.id)
    assert given["policy"] == as_json(action.policy)
    assert given["expected_policy"] == as_json(action.expected_policy)
    assert given["why"]
    assert given["expires_at"]
    assert given["state"] == "sent"
    reported = act(api, alice, token, f"{action.id}/result", DONE | {"applied_policy": given["policy"]}).json
    assert (reported["state"], reported["verified_at"]) == ("confirmed", None)
    with inside(alice):
        show(alice, (action, action.policy))
    [confirmed] = fetch(api, alice, token, "state=confirmed")
    assert (confirmed["id"], confirmed["verified_at"] is not None) == (str(action.id), True)
    assert act(api, alice, token, f"{action.id}/result", DONE).json == confirmed


def test_a_reported_success_is_confirmed_wherever_it_is_read(
    api: ApiClient, alice: Box, action: Action, token: str
) -> None:
    act(api, alice, token, f"{action.id}/approve")
    fetch(api, alice, token, "state=approved&holder=agent")
    assert [one["id"] for one in fetch(api, alice, token, "state=sent")] == [str(action.id)]
    answers = [act(api, alice, token, f"{action.id}/result", DONE).raw for _ in range(2)]
    assert answers[0] == answers[1]
    assert fetch(api, alice, token, "state=sent") == []
    [confirmed] = fetch(api, alice, token, "state=confirmed")
    assert (confirmed["state"], confirmed["verified_at"], confirmed["settled_at"]) == ("confirmed", None, None)
    decisions = api.get(alice.path("decisions"), token=token).json["items"]
    assert {"id": str(action.id), "state": "confirmed"} in [one["action"] for one in decisions]
    for name, count in (("confirmed", 1), ("sent", 0)):
        table = api.get(alice.path(f"actions.csv?state={name}"), token=token, Accept="text/csv").raw
        assert len(table.splitlines()) == 1 + count


def test_a_result_is_answered_confirmed_failed_or_superseded(
    api: ApiClient, alice: Box, action: Action, token: str
) -> None:
    refused = {"success": False, "at": DONE["at"], "error": "no"}
    with inside(alice):
        other = planned()[1]
    ends = ((action, action.expected_policy, "failed"), (other, make_policy(fee_rate_ppm=4321), "superseded"))
    for one, applied, state in ends:
        act(api, alice, token, f"{one.id}/approve")
        fetch(api, alice, token, "state=approved&holder=agent")
        body = refused | {"applied_policy": as_json(applied)}
        first, again = (act(api, alice, token, f"{one.id}/result", body).json for _ in range(2))
        assert first == again
        assert (first["state"], first["verified_at"]) == (state, None)


def test_actions_and_rollbacks_are_told_in_the_language_of_who_asks(
    api: ApiClient, alice: Box, action: Action, token: str
) -> None:
    french = {"Accept-Language": "fr"}
    answer = api.get(alice.path("actions?state=planned"), token=token, **french)
    assert (answer.headers["Content-Language"], "Accept-Language" in answer.headers["Vary"]) == ("fr", True)
    assert all(item["why"].startswith("Le solde local est de") for item in answer.json["items"])
    assert fetch(api, alice, token, "state=planned")[0]["why"].startswith("Local balance is")
    with inside(alice):
        write(alice, action)
    undone = act(api, alice, token, f"{action.id}/rollback", **french, **{"Idempotency-Key": str(uuid.uuid4())}).json
    new_ppm, old_ppm = action.policy.fee_rate_ppm, action.expected_policy.fee_rate_ppm
    assert undone["why"].startswith("remis comme avant par ")
    assert f" : taux de {new_ppm} à {old_ppm} ppm" in undone["why"]


def test_only_a_box_that_names_a_holder_takes_anything_over(
    api: ApiClient, alice: Box, action: Action, token: str
) -> None:
    act(api, alice, token, f"{action.id}/approve")
    key = make_api_key(alice, scopes=("read",))
    for seen in (*fetch(api, alice, key), *fetch(api, alice, key, "holder=app"), *fetch(api, alice, token)):
        assert seen["state"] == "approved"
    with inside(alice):
        assert state_of(action) == "approved"


def test_a_second_agent_waits_for_the_lease(api: ApiClient, alice: Box, action: Action, token: str) -> None:
    act(api, alice, token, f"{action.id}/approve")
    assert len(fetch(api, alice, token, "state=approved&holder=one")) == 1
    assert fetch(api, alice, token, "state=approved&holder=two") == []
    assert len(fetch(api, alice, token, "state=approved&holder=one")) == 1


@pytest.mark.parametrize("query", ["state=none", "state=approved&holder=a%20b", f"holder={'x' * 41}", "holder=%00"])
def test_a_query_that_is_none_is_a_problem(api: ApiClient, alice: Box, token: str, query: str) -> None:
    assert_problem(api.get(alice.path(f"actions?{query}"), token=token), 400)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"at": "2026-11-01T12:30:00Z"}, "/success"),
        (DONE | {"success": "yes"}, "/success"),
        (DONE | {"at": "noon"}, "/at"),
        (DONE | {"applied_policy": {"fee_rate_ppm": 1}}, "/applied_policy/base_fee_msat"),
        (DONE | {"error": "x" * 401}, "/error"),
        (DONE | {"more": 1}, "/more"),
    ],
)
def test_a_result_that_is_none_is_refused_by_its_pointer(
    api: ApiClient, alice: Box, action: Action, token: str, body: Any, pointer: str
) -> None:
    answer = act(api, alice, token, f"{action.id}/result", body)
    assert_problem(answer, 400)
    assert pointer in {error["pointer"] for error in answer.json["errors"]} | {pointer.rpartition("/")[0]}


def test_a_rollback_needs_a_key_and_answers_the_same_under_it(
    api: ApiClient, alice: Box, action: Action, token: str
) -> None:
    with inside(alice):
        write(alice, action)
    path = alice.path(f"actions/{action.id}/rollback")
    assert_problem(api.call("POST", path, token=token), 400)
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first, second = (api.post(path, token=token, **key) for _ in range(2))
    assert first.status == 200
    assert first.raw == second.raw
    assert (first.json["kind"], first.json["state"]) == ("rollback", "approved")
    assert first.json["policy"]["fee_rate_ppm"] == 300


def test_a_run_and_a_day_answer_what_is_done_and_what_is_refused(
    api: ApiClient, alice: Box, action: Action, token: str
) -> None:
    with inside(alice):
        write(alice, action)
        show(alice, (action, make_policy(fee_rate_ppm=4321)))
    run = api.post(alice.path(f"runs/{action.run_id}/rollback"), token=token).json
    assert (run["actions"], len(run["cancelled"]), len(run["refused"])) == ([], 1, 1)
    assert run["refused"][0]["channel"] == action.short_channel_id
    assert action.sent_at is not None
    day = api.post(alice.path("rollback"), {"day": action.sent_at.date().isoformat()}, token=token).json
    assert [one["action_id"] for one in day["refused"]] == [str(action.id)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"day": "2026-11-01", "since": "2026-11-01T00:00:00Z"},
        {"until": "2026-11-01T00:00:00Z"},
        {"day": "today"},
        {"day": "9999-12-31"},
        {"since": "2026-11-01T00:00:00Z", "until": "9999-12-31T23:59:59-23:59"},
    ],
)
def test_a_time_that_is_none_is_refused(api: ApiClient, alice: Box, token: str, body: Any) -> None:
    assert_problem(api.post(alice.path("rollback"), body, token=token), 400)


def test_what_is_bobs_is_not_found_by_alice(api: ApiClient, alice: Box, bob: Box, token: str) -> None:
    with inside(bob):
        foreign = planned()[0]
    for word, body in (("approve", None), ("reject", None), ("rollback", None), ("result", DONE)):
        assert_problem(act(api, alice, token, f"{foreign.id}/{word}", body), 404)
    assert_problem(api.post(alice.path(f"runs/{foreign.run_id}/rollback"), token=token), 404)
    with inside(bob):
        assert state_of(foreign) == "planned"


def test_the_owner_stops_the_node_and_one_channel(api: ApiClient, alice: Box, action: Action, token: str) -> None:
    node, channel = alice.path("kill-switch"), alice.path(f"channels/{action.short_channel_id}/kill-switch")
    assert api.get(node, token=token).json["is_on"] is False
    assert api.put(channel, {"is_on": True, "reason": "an experiment"}, token=token).json["is_on"] is True
    assert api.get(node, token=token).json["channels"] == [action.short_channel_id]
    assert_problem(act(api, alice, token, f"{action.id}/approve"), 409)
    assert api.put(channel, {"is_on": False}, token=token).json["is_on"] is False
    assert api.put(node, {"is_on": True, "reason": "holidays"}, token=token).json["reason"] == "holidays"
    assert api.get(channel, token=token).json["held_by"] == [{"level": "node", "reason": "holidays"}]
    answer = act(api, alice, token, f"{action.id}/approve")
    assert_problem(answer, 409)
    assert "holidays" in answer.json["detail"]
    assert_problem(api.put(alice.path("channels/1x1x1/kill-switch"), {"is_on": False}, token=token), 404)


def test_stopping_in_an_emergency_needs_no_formality_and_lifting_does(
    api: ApiClient, alice: Box, action: Action, token: str
) -> None:
    for path in (alice.path("kill-switch"), alice.path(f"channels/{action.short_channel_id}/kill-switch")):
        on = api.call("PUT", path, {"is_on": True}, token=token)
        assert (on.status, on.json["is_on"], on.json["reason"]) == (200, True, None)
        assert_problem(api.call("PUT", path, {"is_on": False}, token=token), 428)
        assert_problem(api.call("PUT", path, {"is_on": "yes"}, token=token), 400)
        assert_problem(api.call("PUT", path, {"is_on": True}, token=token, **{"If-Match": '"other"'}), 412)
        assert api.call("PUT", path, {"is_on": False}, token=token, **{"If-Match": on.headers["ETag"]}).status == 200
