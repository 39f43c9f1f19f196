"""Decisions as people read them: flat, filtered, in French and English, with the action that came of them."""

from typing import Any

import pytest

from nodes.models.action import Action
from nodes.pipeline.action import approve_action
from nodes.pipeline.cycle import run_cycle
from nodes.selectors import decision as selector
from tenants.context import enter_tenant
from tests.api import lasting
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import Box

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


def read(api: ApiClient, box: Box, query: str = "", **headers: str) -> Any:
    answer = api.get(box.path(f"decisions{query}"), token=api.token_of(box), **headers)
    assert answer.status == 200, answer.json
    return answer


def test_a_decision_shows_fees_reason_rule_hold_action_run_and_mode(api: ApiClient, alice: Box) -> None:
    with enter_tenant(alice.tenant):
        action = Action.objects.order_by("decision_id").first()
        assert action is not None
        approve_action(action, actor="test")
    item = next(item for item in read(api, alice).json["items"] if item["short_channel_id"] == action.short_channel_id)
    assert item["old_fee_rate_ppm"] == item["current_policy"]["fee_rate_ppm"] == 300
    assert item["new_fee_rate_ppm"] == item["proposed_policy"]["fee_rate_ppm"] != 300
    assert item["why"] == item["reason"]
    assert item["rule"] == "proportional"
    assert item["section"]
    assert item["action"] == {"id": str(action.id), "state": "approved"}
    assert item["run_id"] == str(action.run_id)
    assert (item["mode"], item["group"]) == ("shadow", "rest")


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("fr", "fr"),
        ("fr-CA, en;q=0.8", "fr"),
        ("en, fr;q=0.9", "en"),
        ("de", "en"),
        ("*", "en"),
        ("fr;q=0", "en"),
        ("fr;q=x", "en"),
        ("", "en"),
    ],
)
def test_the_sentence_is_in_the_callers_language(api: ApiClient, alice: Box, accepted: str, language: str) -> None:
    answer = read(api, alice, **{"Accept-Language": accepted})
    assert answer.headers["Content-Language"] == language
    assert "Accept-Language" in answer.headers["Vary"]
    starts = {"fr": "Le solde local est de", "en": "Local balance is"}
    assert all(item["why"].startswith(starts[language]) for item in answer.json["items"])
    assert all(item["reason"].startswith("Local balance is") for item in answer.json["items"])


def test_filters_choose_by_run_channel_instant_direction_and_hold(api: ApiClient, alice: Box) -> None:
    with enter_tenant(alice.tenant):
        run_cycle()
    items = read(api, alice).json["items"]
    assert len(items) == 4
    newest, first = items[0], items[-1]
    assert {item["id"] for item in read(api, alice, "?run=latest").json["items"]} == {item["id"] for item in items[:2]}
    assert len(read(api, alice, f"?run={first['run_id']}").json["items"]) == 2
    assert len(read(api, alice, f"?channel={first['short_channel_id']}").json["items"]) == 2
    assert len(read(api, alice, f"?since={newest['decided_at']}").json["items"]) == 2
    for name in ("raise", "lower", "change", "keep"):
        found = read(api, alice, f"?direction={name}").json["items"]
        assert [item["id"] for item in found] == [item["id"] for item in items if item["direction"] == name]
    assert read(api, alice, "?held_by=cooldown_s").json["items"] == []


def test_a_filtered_list_is_read_page_by_page(api: ApiClient, alice: Box) -> None:
    with enter_tenant(alice.tenant):
        run_cycle()
    direction = read(api, alice).json["items"][0]["direction"]
    page = read(api, alice, f"?direction={direction}&limit=1").json
    rest = read(api, alice, f"?direction={direction}&limit=1&cursor={page['next_cursor']}").json
    assert page["items"][0]["id"] > rest["items"][0]["id"]
    assert {page["items"][0]["direction"], rest["items"][0]["direction"]} == {direction}


@pytest.mark.parametrize(
    "query", ["run=first", "run=%00", "channel=1x1", "channel=%00", "since=yesterday", "since=2026-11-01T00:00:00",
              "direction=up", "held_by=a%20b", "held_by=%00"]
)  # fmt: skip
def test_a_filter_that_is_none_is_refused(api: ApiClient, alice: Box, query: str) -> None:
    assert_problem(api.get(alice.path(f"decisions?{query}"), token=api.token_of(alice)), 400)
    assert_problem(api.get(alice.path(f"decisions.csv?{query}"), token=api.token_of(alice)), 400)


def test_a_search_through_too_much_asks_to_be_narrowed(
    api: ApiClient, alice: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selector, "MAX_OPENED", 1)
    refused = api.get(alice.path("decisions?held_by=cooldown_s"), token=api.token_of(alice))
    assert_problem(refused, 400)
    assert "name a run" in refused.json["detail"]
