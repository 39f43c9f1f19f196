"""`manage.py decisions` and `manage.py actions`: the same as the API, on a terminal of 80 columns."""

import csv
import io
import json
from typing import Any

import msgspec
import pytest
from django.core.management import CommandError, call_command
from wcwidth import width

from nodes.pipeline.action import approve_action
from nodes.pipeline.cycle import run_cycle
from nodes.pipeline.handover import hand_over
from nodes.pipeline.ingest import accept_snapshot
from nodes.selectors.admin_table import lay_actions
from tenants.context import enter_tenant
from tests.db.nodes.acting import planned, report, show
from tests.factories import Box, make_channel, make_snapshot


def run(name: str, box: Box, *options: str, by: str | None = None) -> str:
    out = io.StringIO()
    call_command(name, "--dazbox", by or box.pubkey, *options, stdout=out)
    return out.getvalue()


def test_the_table_tells_fees_reason_rule_and_action(alice: Box) -> None:
    printed = run("decisions", alice)
    assert "800000x1x0 alice peer" in printed
    assert "Local balance is" in printed
    assert "rule proportional" in printed
    assert "planned" in printed
    assert printed == run("decisions", alice, by=str(alice.dazbox.id))


def test_the_table_speaks_french(alice: Box) -> None:
    printed = run("decisions", alice, "--language", "fr")
    assert "Canal et pair" in printed
    assert "Le solde local est de" in printed
    assert "règle proportional" in printed


def test_actions_speak_french_too(alice: Box) -> None:
    printed = run("actions", alice, "--language", "fr")
    assert "Canal " in printed
    assert "Le solde local est de" in printed
    assert "créée" in printed
    assert "Local balance" not in printed


@pytest.mark.parametrize("command", ["decisions", "actions"])
def test_no_line_is_wider_than_the_terminal(alice: Box, command: str) -> None:
    alias = "⚡\u202e漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字\x1b[31m"
    with enter_tenant(alice.tenant):
        accept_snapshot(make_snapshot(2, [msgspec.structs.replace(make_channel(1), peer_alias=alias)]))
        run_cycle()
    for language in ([], ["--language", "fr"]):
        printed = run(command, alice, *language)
        assert max(width(line) for line in printed.splitlines()) <= 80
        assert "\x1b" not in printed
        assert "\u202e" not in printed


@pytest.mark.parametrize(("command", "count"), [("decisions", 2), ("actions", 2)])
def test_machines_get_json_and_csv(alice: Box, command: str, count: int) -> None:
    rows: list[Any] = [json.loads(line) for line in run(command, alice, "--json").splitlines()]
    table = list(csv.DictReader(io.StringIO(run(command, alice, "--csv"))))
    assert len(rows) == len(table) == count
    assert list(table[0]) == list(rows[0])
    assert [row["why"] for row in table] == [row["why"] for row in rows]


def test_filters_and_limit_choose_rows(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        run_cycle()
    assert len(run("decisions", alice, "--run", "latest", "--json").splitlines()) == 2
    assert len(run("decisions", alice, "--channel", "800000x1x0", "--json").splitlines()) == 2
    assert run("decisions", alice, "--held-by", "cooldown_s", "--json") == ""
    assert "There are more" in run("decisions", alice, "--limit", "1")
    assert "There are more" not in run("decisions", alice, "--limit", "4")
    assert len(run("actions", alice, "--state", "superseded", "--json").splitlines()) == 2
    assert len(run("decisions", alice, "--limit", "1", "--csv").splitlines()) == 2  # with its header
    assert len(run("decisions", alice, "--limit", "3", "--json").splitlines()) == 3
    created = [json.loads(line)["created_at"] for line in run("actions", alice, "--json").splitlines()]
    assert created == sorted(created, reverse=True)


def test_a_reported_action_is_shown_as_confirmed_and_not_verified_yet(alice: Box) -> None:
    with enter_tenant(alice.tenant):
        action = approve_action(planned()[0], actor="test")
        hand_over("box")
        report(action)
    assert "not verified yet" in run("actions", alice, "--state", "confirmed")
    assert "pas encore vérifiée" in run("actions", alice, "--language", "fr")
    [line] = run("actions", alice, "--state", "confirmed", "--json").splitlines()
    assert (json.loads(line)["state"], json.loads(line)["verified_at"]) == ("confirmed", None)
    with enter_tenant(alice.tenant):
        assert lay_actions([action])["rows"][0][1] == "Confirmed, not verified yet"
        show(alice, (action, action.policy))
    assert ", verified " in run("actions", alice, "--state", "confirmed")


def test_a_box_nobody_knows_is_said_so(db: None) -> None:
    with pytest.raises(CommandError, match="No box with data"):
        call_command("decisions", "--dazbox", "02" + "ab" * 32)
