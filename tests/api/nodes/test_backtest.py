"""Backtests at the API and the command line: of the stored forwards, and nothing is stored."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from nodes.models.decision import CycleRun
from nodes.models.policy import FeePolicyVersion
from tenants.context import enter_tenant
from tests.conftest import ApiClient
from tests.factories import Box


def count_rows(box: Box) -> tuple[int, int]:
    with enter_tenant(box.tenant):
        return CycleRun.objects.count(), FeePolicyVersion.objects.count()


def test_a_backtest_looks_at_each_day_that_has_a_history_and_stores_nothing(api: ApiClient, alice: Box) -> None:
    before = count_rows(alice)
    answer = api.post(alice.path("fee-policy/backtest"), {"days": 30}, token=api.token_of(alice))
    assert answer.status == 200
    backtest = answer.json["backtest"]
    assert 0 <= len(backtest["days"]) <= 30
    assert backtest["decisions"] == sum(day["raised"] + day["lowered"] + day["kept"] for day in backtest["days"])
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
