"""What an owner reads."""

import pytest

from tests.api import lasting
from tests.conftest import ApiClient
from tests.factories import Box, make_policy

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


def test_channels_come_with_score_and_decision(api: ApiClient, alice: Box) -> None:
    answer = api.get(alice.path("channels"), token=api.token_of(alice))
    assert answer.status == 200
    assert [item["short_channel_id"] for item in answer.json["items"]] == ["800000x1x0", "800000x2x0"]
    first = answer.json["items"][0]
    assert first["state"]["local_balance_sat"] == 4_000_000
    assert 0 <= first["score"]["value"] <= 1
    assert first["decision"]["direction"] == "lower"
    assert "ppm" in first["decision"]["reason"]


def test_one_channel_is_found_by_its_short_channel_id(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    assert api.get(alice.path("channels/800000x2x0"), token=token).json["decision"]["direction"] == "raise"
    assert api.get(alice.path("channels/1x1x1"), token=token).status == 404


def test_decisions_hold_their_inputs_and_the_whole_policy(api: ApiClient, alice: Box) -> None:
    [second, first] = api.get(alice.path("decisions"), token=api.token_of(alice)).json["items"]
    assert first["inputs"]["channel"]["capacity_sat"] == 5_000_000
    assert first["inputs"]["flow"]["forwards_7d"] == 5
    kept = {"base_fee_msat", "time_lock_delta", "min_htlc_msat", "max_htlc_msat"}
    assert {name: first["proposed_policy"][name] for name in kept} == {
        name: getattr(make_policy(), name) for name in kept
    }
    assert second["proposed_policy"]["fee_rate_ppm"] > 300 > first["proposed_policy"]["fee_rate_ppm"]


def test_pages_follow_each_other_without_gap_or_repeat(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    first = api.get(alice.path("decisions?limit=1"), token=token)
    second = api.get(alice.path(f"decisions?limit=1&cursor={first.json['next_cursor']}"), token=token)
    assert first.json["items"][0]["id"] > second.json["items"][0]["id"]
    assert second.json["next_cursor"] is None
    assert 'rel="next"' in first.headers["Link"]


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=forged"])
def test_a_bad_page_is_a_problem(api: ApiClient, alice: Box, query: str) -> None:
    assert api.get(alice.path(f"decisions?{query}"), token=api.token_of(alice)).status == 400


def test_in_shadow_mode_nothing_is_handed_over(api: ApiClient, alice: Box) -> None:
    token = api.token_of(alice)
    assert api.get(alice.path("actions?state=approved"), token=token).json == {"items": []}
    planned = api.get(alice.path("actions?state=planned"), token=token).json["items"]
    assert [action["channel"] for action in planned] == ["800000x1x0", "800000x2x0"]
    assert planned[0]["expected_policy"]["fee_rate_ppm"] == 300
    assert planned[0]["why"]


def test_a_new_fee_policy_is_a_new_version_and_prices_the_next_cycle(api: ApiClient, alice: Box) -> None:
    from nodes.pipeline.cycle import run_cycle
    from tenants.context import enter_tenant

    token = api.token_of(alice)
    assert api.get(alice.path("fee-policy"), token=token).json["version"] == 0
    strategy = {"strategy": "proportional", "min_fee_rate_ppm": 7, "max_fee_rate_ppm": 7}
    document = {"rules": [{"name": "all", "strategy": strategy}]}
    assert api.put(alice.path("fee-policy"), document, token=token).json["version"] == 1
    with enter_tenant(alice.tenant):
        run_cycle()
    decisions = api.get(alice.path("decisions?run=latest"), token=token).json["items"]
    assert {item["proposed_policy"]["fee_rate_ppm"] for item in decisions} == {7}


def test_a_fee_policy_that_contradicts_itself_is_refused_with_a_pointer(api: ApiClient, alice: Box) -> None:
    strategy = {"strategy": "proportional", "min_fee_rate_ppm": 8, "max_fee_rate_ppm": 7}
    document = {"rules": [{"name": "all", "strategy": strategy}]}
    refused = api.put(alice.path("fee-policy"), document, token=api.token_of(alice))
    assert refused.status == 400
    assert refused.json["errors"][0]["pointer"] == "/rules/0/strategy/min_fee_rate_ppm"


def test_the_journal_tells_what_happened_newest_first(api: ApiClient, alice: Box) -> None:
    items = api.get(alice.path("journal"), token=api.token_of(alice)).json["items"]
    assert [item["kind"] for item in items] == ["cycle", "first-snapshot", "lifecycle"]
    assert "1 fees to raise, 1 to lower" in items[0]["text"]


def test_a_box_that_never_reported_has_no_data_instead_of_zeroes(api: ApiClient, charlie: Box) -> None:
    token = api.token_of(charlie)
    assert api.get(charlie.path("runs/latest"), token=token).json == {"run": None}
    assert api.get(charlie.path("channels"), token=token).json["items"] == []
