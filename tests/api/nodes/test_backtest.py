"""Backtests at the API and the command line: of the stored forwards, and nothing is stored."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from nodes.models.decision import CycleRun
from nodes.models.policy import FeePolicyVersion
from nodes.models.snapshot import Snapshot
from tenants.context import enter_tenant
from tests.api import lasting
from tests.conftest import ApiClient
from tests.factories import Box

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db


def count_rows(box: Box) -> tuple[int, int]:
    with enter_tenant(box.tenant):
        return CycleRun.objects.count(), FeePolicyVersion.objects.count()


def test_a_backtest_looks_at_each_day_that_has_a_history_and_stores_nothing(api: ApiClient, alice: Box) -> None:
    before = count_rows(alice)
    answer = api.post(alice.path("fee-policy/backtest"), {"days": 30}, token=api.token_of(alice))
    assert answer.status == 200
    backtest = answer.json["backtest"]
    assert 0 <= len(backtest["days"]) <= 30
    assert backtest["decisions"] == sum(
        day["raised"] + day["lowered"] + day["changed"] + day["kept"] for day in backtest["days"]
    )
    assert backtest["note"].startswith("No counterfactual")
    assert count_rows(alice) == before


def test_a_backtest_without_a_report_has_no_data(api: ApiClient, charlie: Box) -> None:
    answer = api.post(charlie.path("fee-policy/backtest"), {}, token=api.token_of(charlie))
    assert answer.json == {"backtest": None}


def test_more_than_a_year_is_refused_with_a_pointer(api: ApiClient, alice: Box) -> None:
    answer = api.post(alice.path("fee-policy/backtest"), {"days": 367}, token=api.token_of(alice))
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/days")


def test_the_command_tells_it_in_words(alice: Box, tmp_path: Path) -> None:
    document = tmp_path / "policy.json"
    document.write_text('{"rules": []}')
    told = StringIO()
    call_command("backtest", pubkey=alice.tenant.pubkey, document=document, days=10, stdout=told)
    assert "No counterfactual" in told.getvalue()


@pytest.mark.parametrize(("text", "message"), [("{", "is no fee policy"), (None, "cannot be read")])
def test_a_document_that_is_none_is_refused(alice: Box, tmp_path: Path, text: str | None, message: str) -> None:
    document = tmp_path / "policy.json"
    if text is not None:
        document.write_text(text)
    with pytest.raises(CommandError, match=message):
        call_command("backtest", pubkey=alice.tenant.pubkey, document=document)


def test_forwards_are_taken_from_an_lncli_file_too(alice: Box, tmp_path: Path) -> None:
    with enter_tenant(alice.tenant):
        until_s = int(Snapshot.objects.latest("seq").taken_at.timestamp())
    event = {"chan_id_in": "879609302220800000", "chan_id_out": "879609302220865536",
             "amt_in_msat": "1000100", "amt_out_msat": "1000000"}  # fmt: skip
    ages_s = [86_400 * days for days in range(1, 6)]
    events = [event | {"timestamp": str(until_s - age), "timestamp_ns": f"{until_s - age}000000000"} for age in ages_s]
    history = tmp_path / "forwards.json"
    history.write_text(json.dumps({"forwarding_events": events, "last_offset_index": 5}))
    told = StringIO()
    call_command("backtest", pubkey=alice.tenant.pubkey, forwards=history, days=10, json=True, stdout=told)
    assert 3 <= len(json.loads(told.getvalue())["days"]) <= 5


@pytest.mark.parametrize("text", ["[]", '{"forwarding_events": [{"chan_id_in": "x"}]}', "{"])
def test_a_file_that_is_no_history_is_refused_with_what_to_do(alice: Box, tmp_path: Path, text: str) -> None:
    history = tmp_path / "forwards.json"
    history.write_text(text)
    with pytest.raises(CommandError, match="Export it again: lncli fwdinghistory"):
        call_command("backtest", pubkey=alice.tenant.pubkey, forwards=history)
