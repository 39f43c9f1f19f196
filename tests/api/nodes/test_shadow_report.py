"""The report of a node in shadow: at the API and on the command line, and "no data" where there is none."""

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from msgspec.structs import replace

from nodes.models.decision import CycleRun
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.ingest import accept_snapshot
from nodes.selectors import shadow
from tenants.context import enter_tenant
from tests.api import lasting
from tests.api.problem import assert_problem
from tests.conftest import ApiClient
from tests.factories import TAKEN_AT, Box, make_forward, make_snapshot

alice, bob, charlie, db = lasting.alice, lasting.bob, lasting.charlie, lasting.db

FLAT = {"rules": [{"name": "all", "strategy": {"strategy": "static"}, "values": {"fee_rate_ppm": 42}}]}


def run_on(box: Box, days: int) -> None:
    """A snapshot and a run a day."""
    with enter_tenant(box.tenant):
        for day in range(1, days + 1):
            accept_snapshot(make_snapshot(day + 1, box.channels, taken_at=TAKEN_AT + dt.timedelta(days=day)))
            assert run_cycle() is not None


def ask(api: ApiClient, box: Box, query: str = "") -> Any:
    return api.get(box.path(f"shadow-report{query}"), token=api.token_of(box))


def tell(box: Box, *options: str) -> str:
    out = io.StringIO()
    call_command("shadow_report", "--pubkey", box.pubkey, *options, stdout=out)
    return out.getvalue()


def test_every_channel_is_shown_with_both_fees_writes_and_income(api: ApiClient, alice: Box) -> None:
    run_on(alice, 3)
    report = ask(api, alice).json
    assert (report["runs"], report["left_out_runs"], report["writes"]) == (4, 0, 2)
    assert [channel["short_channel_id"] for channel in report["channels"]] == ["800000x1x0", "800000x2x0"]
    for channel in report["channels"]:
        assert channel["writes"] == 1
        assert channel["fees"][0]["actual_ppm"] == 300 != channel["fees"][-1]["shadow_ppm"]
    assert report["income_msat"] == 0  # the forwards were before the first run
    assert report["writes_per_channel_and_day"] == pytest.approx(1 / 3, rel=0.01)


def test_what_was_earned_in_the_period_is_the_real_income(api: ApiClient, alice: Box) -> None:
    from nodes.pipeline.ingest import accept_forwards

    with enter_tenant(alice.tenant):
        accept_forwards([make_forward(99, settled_at=TAKEN_AT + dt.timedelta(hours=5))], None)
    run_on(alice, 1)
    assert {one["short_channel_id"]: one["income_msat"] for one in ask(api, alice).json["channels"]} == {
        "800000x1x0": 15_000, "800000x2x0": 0
    }  # fmt: skip


def test_a_node_without_runs_has_no_data(api: ApiClient, charlie: Box) -> None:
    report = ask(api, charlie).json
    assert (report["since"], report["income_msat"], report["effect"], report["channels"]) == (None, None, None, [])
    assert "no data: no run of this engine in the period" in tell(charlie)


def test_runs_of_another_engine_are_left_out_and_counted(api: ApiClient, alice: Box) -> None:
    run_on(alice, 1)
    with enter_tenant(alice.tenant):
        CycleRun.objects.filter(id=CycleRun.objects.earliest("finished_at").id).update(engine_version=0)
    report = ask(api, alice).json
    assert (report["runs"], report["left_out_runs"]) == (1, 1)


def test_of_more_decisions_than_a_request_may_take_the_newest_runs_are_looked_at(alice: Box) -> None:
    run_on(alice, 4)
    now = TAKEN_AT + dt.timedelta(days=4)
    with enter_tenant(alice.tenant):
        report = shadow.report_shadow(days=90, now=now, most_decisions=5)
        newest = CycleRun.objects.latest("finished_at").context.now
    assert (report.runs, report.left_out_runs, report.until) == (2, 3, newest)


@pytest.mark.parametrize("days", ["0", "91", "-1", "x", "1.5", "٣", "9" * 5000])
def test_a_period_that_is_none_is_a_problem(api: ApiClient, alice: Box, days: str) -> None:
    assert_problem(ask(api, alice, f"?days={days}"), 400)


def test_the_command_tells_a_line_a_channel_and_compares_another_policy(alice: Box, tmp_path: Path) -> None:
    run_on(alice, 1)
    document = tmp_path / "flat.json"
    document.write_text(json.dumps(FLAT))
    told = tell(alice, "--policy", str(document))
    assert told.count("800000x1x0") == 2
    assert "decided by each run's own" in told
    assert "decided by another document" in told
    assert "shadow     42 ppm" in told
    assert "no data" in told


def test_a_policy_that_is_none_is_refused_by_its_field(alice: Box, tmp_path: Path) -> None:
    document = tmp_path / "bad.json"
    document.write_text(json.dumps({"rules": 5}))
    with pytest.raises(CommandError, match="/rules"):
        tell(alice, "--policy", str(document))
    with pytest.raises(CommandError, match="missing"):
        tell(alice, "--policy", str(tmp_path / "missing.json"))


def test_another_owners_channels_are_not_in_it(api: ApiClient, alice: Box, bob: Box) -> None:
    with enter_tenant(bob.tenant):
        accept_snapshot(make_snapshot(2, [replace(bob.channels[0], short_channel_id="7x7x7", channel_point=None)]))
        run_cycle()
    assert "7x7x7" in json.dumps(ask(api, bob).json)
    assert "7x7x7" not in json.dumps(ask(api, alice).json)


def test_runs_of_less_than_a_day_give_no_figure_a_day_and_say_so(api: ApiClient, alice: Box) -> None:
    with enter_tenant(alice.tenant):
        accept_snapshot(make_snapshot(2, alice.channels, taken_at=TAKEN_AT + dt.timedelta(minutes=5)))
        assert run_cycle() is not None
    report = ask(api, alice).json
    assert report["writes"] > 0
    assert report["writes_per_channel_and_day"] is None
    assert report["remark"].endswith(" min: too short for figures a day, which need 24 hours")
    assert "a channel and day no data" in tell(alice)
    assert "too short for figures a day" in tell(alice)
